package emissary

import (
	"context"
	"os"
	"sync"
	"syscall"

	"github.com/skein/front/internal/ctr"
	"github.com/skein/front/internal/descriptor"
	"github.com/skein/front/internal/exit"
	"github.com/skein/front/internal/journal"
	"github.com/skein/front/internal/logging"
	"github.com/skein/front/internal/process"
	"github.com/skein/front/internal/watch"
)

// signals passes on what this process is told to the process group that it runs, for as long as this process lives:
// a SIGTERM does not make it deaf to the SIGKILL that follows, wherever they come from.
type signals struct {
	log       *logging.Logger
	journal   *journal.Journal
	directory string // of the container

	mu      sync.Mutex
	pid     int            // of the group that runs, or 0
	started bool           // whether there ever was one
	stopped syscall.Signal // the first signal that asked for the end, or 0
	cancel  context.CancelFunc
	// resized is called when the container's terminal has another size.
	resized func()
}

// Where a signal came from, as the journal has it.
const (
	fromProcess = "process"
	fromFile    = "file"
	fromSidecar = "sidecar"
)

// listen begins to deliver signals. The context ends with the first one that asks for the end: then nothing is to be
// started, or waited for, any more.
func listen(c *Container, log *logging.Logger) (context.Context, *signals) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &signals{log: log, journal: c.Journal, directory: c.directory(), cancel: cancel}
	go func() {
		for number := range c.Signals {
			s.deliver(number.(syscall.Signal), fromProcess)
		}
	}()
	go s.watchFile()
	return ctx, s
}

func (s *signals) watchFile() {
	var stuck syscall.Signal // delivered, but its file cannot be removed
	err := watch.Until(context.Background(), []string{s.directory}, func() (bool, error) {
		number, err := ctr.TakeSignal(s.directory)
		if err != nil {
			if number == stuck {
				return false, nil
			}
			s.log.Warn("failed to remove signal file", "error", err)
			stuck = number
		}
		if number != 0 {
			s.deliver(number, fromFile)
		}
		return false, nil
	})
	s.log.Error("no longer watching for signals", "error", err)
}

func (s *signals) deliver(number syscall.Signal, source string) {
	if number == syscall.SIGPIPE && source == fromProcess && isOwnPipeBroken() {
		return // the kernel's answer to a write of ours
	}
	s.mu.Lock()
	isFirst := process.Ends(number) && s.stopped == 0
	if isFirst {
		s.stopped = number
		s.cancel()
	}
	pid, resized := s.pid, s.resized
	var err error
	if pid != 0 {
		err = process.SignalGroup(pid, number)
	}
	if isFirst {
		// Still locked, so that whoever reports the end finds it done.
		if err := ctr.MarkStopped(s.directory); err != nil {
			s.log.Warn("failed to say that this container was told to stop", "error", err)
		}
	}
	s.mu.Unlock()
	if number == syscall.SIGWINCH && resized != nil {
		resized()
	}
	s.log.Debug("forwarding signal", "signal", process.SignalName(number), "source", source, "pid", pid, "error", err)
	s.journal.Write(&journal.Signal{Header: journal.Named("signal"), Signal: process.SignalName(number), Source: source})
}

func isOwnPipeBroken() bool {
	return descriptor.IsBroken(syscall.Stdout) || descriptor.IsBroken(syscall.Stderr)
}

// start starts a process, unless the container has been told to stop. No signal falls between.
func (s *signals) start(begin func() (*process.Child, error)) (*process.Child, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped != 0 {
		return nil, s.stopStatus()
	}
	child, err := begin()
	if err == nil {
		s.pid, s.started = child.PID, true
	}
	return child, err
}

// ended says that the process that was started has ended.
func (s *signals) ended() {
	s.mu.Lock()
	s.pid, s.resized = 0, nil
	s.mu.Unlock()
}

func (s *signals) onResize(call func()) {
	s.mu.Lock()
	s.resized = call
	s.mu.Unlock()
}

// isStopped says whether the container has been told to stop.
func (s *signals) isStopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped != 0
}

// preventedStart says whether it was told to before there was anything to stop.
func (s *signals) preventedStart() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped != 0 && !s.started
}

// stop is the error of a container that was told to stop before its process was started.
func (s *signals) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopStatus()
}

func (s *signals) stopStatus() error { return &exit.Status{Code: 128 + int(s.stopped)} }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
