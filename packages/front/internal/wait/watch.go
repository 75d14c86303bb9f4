package wait

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/skein/front/internal/ctr"
	"github.com/skein/front/internal/exit"
	"github.com/skein/front/internal/journal"
	"github.com/skein/front/internal/process"
	"github.com/skein/front/internal/termination"
)

const (
	// maxStopShare bounds how long, of the grace period, main containers may take to stop before their outputs are
	// collected: the rest is for saving them.
	maxStopShare = 15 * time.Second
	// maxBeginShare bounds how long begin may go on once this container was told to stop: it may be trying to reach an
	// API server that is not there.
	maxBeginShare = 10 * time.Second
)

// Reasons for the end of the watch.
const (
	completed = "completed" // every main container has reported its exit code
	lostSome  = "lost"      // those that have not are dead
	signalled = "signal"    // this container was told to stop
	failed    = "failed"    // the main containers cannot be watched
)

// watcher is the state of the time between begin and finish. A channel that is nil never yields.
type watcher struct {
	*waiter
	directories []string // of the main containers

	begin, tick *act // while they run
	ended       <-chan mainsEnd
	stop        context.CancelFunc // ends the watching of the main containers
	killing     context.Context    // ends when a kill that is under way has to hurry
	hurryKill   context.CancelFunc

	stopping                 bool // a signal has come
	deadline, share          <-chan time.Time
	ticker                   *time.Ticker // nil when progress is not monitored
	beginTimeout, tickEnd    <-chan time.Time
	beginAsked               bool
	sentProgress, inProgress fileState
}

type mainsEnd struct {
	lost []string
	err  error
}

// watch returns when the main containers have ended, or this one was told to stop, and neither begin nor a tick runs
// any more. The error is that begin found the pod misconfigured.
func (w *waiter) watch(begin *act, names []string) error {
	s := &watcher{waiter: w, begin: begin}
	for _, name := range names {
		s.directories = append(s.directories, w.Paths.Container(name))
	}
	s.startWatch()
	defer s.stop()
	if w.stopped {
		s.told()
	}
	for s.ended != nil || s.begin != nil || s.tick != nil {
		if err := s.next(); err != nil {
			return err
		}
	}
	return nil
}

func (s *watcher) startWatch() {
	s.journal.Write(&journal.Watch{Header: journal.Named("watch.start")})
	s.killing, s.hurryKill = context.WithCancel(context.Background())
	var watching context.Context
	watching, s.stop = context.WithCancel(context.Background())
	ended := make(chan mainsEnd, 1)
	go func() {
		lost, err := ctr.WaitEnded(watching, s.directories)
		ended <- mainsEnd{lost, err}
	}()
	s.ended = ended
	if !s.Config.Deadline.IsZero() {
		s.deadline = time.After(time.Until(s.Config.Deadline))
	}
	s.startProgress()
}

// next waits for one event and acts upon it.
func (s *watcher) next() error {
	select {
	case end := <-s.ended:
		s.mainsHaveEnded(end)
	case number := <-s.Signals:
		s.signalled(number.(syscall.Signal))
	case <-s.share:
		s.endWatch(signalled, nil)
	case <-s.deadline:
		s.deadline = nil
		s.deadlinePassed()
	case <-s.ticks():
		s.progress()
	case end := <-s.tick.ended():
		s.tickHasEnded(end)
	case <-s.tickEnd:
		s.tickEnd = s.tick.end(true)
	case <-s.beginTimeout:
		s.beginTimeout = s.begin.end(s.beginAsked)
		s.beginAsked = true
	case end := <-s.begin.ended():
		s.writeEnd(s.begin, end)
		s.begin, s.beginTimeout = nil, nil
		if code := end.ExitCode(); misconfigured(code) {
			return &exit.Status{Code: code, Told: true}
		}
	}
	return nil
}

func (s *watcher) mainsHaveEnded(end mainsEnd) {
	s.Log.Info("Main container completed", "error", end.err)
	switch {
	case end.err != nil:
		s.journal.Write(&journal.Error{
			Header: journal.Named("error"), Message: "failed to wait for main container to complete: " + end.err.Error(),
		})
		s.endWatch(failed, nil)
	case len(end.lost) > 0:
		lost := containerNames(end.lost)
		s.Log.Warn("main containers ended without an exit code: they were killed, perhaps for want of memory", "containers", lost)
		s.endWatch(lostSome, lost)
	default:
		s.endWatch(completed, nil)
	}
}

func (s *watcher) endWatch(reason string, lost []string) {
	s.journal.Write(&journal.Watch{Header: journal.Named("watch.end"), Reason: reason, Lost: lost})
	s.stop()
	s.ended, s.share, s.deadline = nil, nil, nil
	s.stopProgress()
}

// signalled: main containers are told to stop at the same time as this one, and what they save on the way is wanted.
// So those that live get a share of the grace period, unless a second signal shows impatience.
func (s *watcher) signalled(number syscall.Signal) {
	if number != syscall.SIGTERM && number != syscall.SIGINT {
		return
	}
	s.noteSignal(number)
	s.told()
}

func (s *watcher) told() {
	s.hurryKill()
	if s.begin != nil && s.beginTimeout == nil {
		s.beginTimeout = time.After(min(s.Config.GracePeriod/3, maxBeginShare))
	}
	again := s.stopping
	s.stopping = true
	switch {
	case s.ended == nil:
	case again || !s.isAnyRunning():
		s.endWatch(signalled, nil)
	default:
		s.share = time.After(min(s.Config.GracePeriod/2, maxStopShare))
	}
}

func (s *watcher) isAnyRunning() bool {
	for _, directory := range s.directories {
		if ctr.ReadState(directory) == ctr.Running {
			return true
		}
	}
	return false
}

const deadlineMessage = "Step exceeded its deadline"

func (s *watcher) deadlinePassed() {
	s.journal.Write(&journal.Deadline{Header: journal.Named("deadline")})
	s.Log.Info(deadlineMessage)
	if err := termination.WriteMessage(s.Paths.TerminationLog(), deadlineMessage); err != nil {
		s.Log.Warn("unable to write termination log", "error", err)
	}
	go func() {
		err := ctr.Kill(s.killing, s.directories, s.Config.GracePeriod, func(number syscall.Signal, directories []string) {
			s.journal.Write(&journal.Kill{
				Header: journal.Named("kill"), Signal: process.SignalName(number), Containers: containerNames(directories),
			})
		})
		if err != nil {
			s.Log.Warn("Failed to kill", "error", err)
		}
	}()
}

func containerNames(directories []string) []string {
	names := make([]string, len(directories))
	for i, directory := range directories {
		names[i] = filepath.Base(directory)
	}
	return names
}

// fileState tells whether a file has changed.
type fileState struct {
	modified time.Time
	size     int64
}

func readState(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{info.ModTime(), info.Size()}
}
