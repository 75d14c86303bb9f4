// Package capture reads what a process writes to its stdout and stderr and passes it on to several places.
//
// What is guaranteed:
//
//   - Every byte that was in the pipes when the process ended is passed on, and the bytes of one stream keep their
//     order. Nothing is held in memory: a sink that is slow slows the process down, as a plain pipe would.
//   - In a sink of both streams, one stream's bytes come before the other's if they were read before the others were
//     written; and when both were written while nobody read, the stream that was written to first comes first. Two
//     pipes cannot tell more: of "a1 b1 a2" written at once to a, b and a, a1 and a2 stay together.
//   - A descendant that keeps the pipes open after the process has ended does not hold up the end: it is read for
//     no longer than the limit given to Finish.
package capture

import (
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// Pipes connects the two streams of a process with their sinks. One goroutine reads both.
type Pipes struct {
	streams [2]*stream
	epoll   int
	// poller is epoll as a file of the runtime's own poller: waiting takes no thread, and can be given a deadline.
	poller *os.File
	// ended is nil while the process runs, and then until when its descendants are waited for.
	ended atomic.Pointer[time.Time]
	done  chan struct{}
}

// New makes the pipes. The sinks of a stream are written in their order.
func New(stdout, stderr Sinks) (*Pipes, error) {
	p := &Pipes{done: make(chan struct{})}
	if err := p.open(stdout, stderr); err != nil {
		p.Abandon()
		return nil, err
	}
	return p, nil
}

func (p *Pipes) open(stdout, stderr Sinks) (err error) {
	p.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	// The runtime polls only what does not block.
	if err := syscall.SetNonblock(p.epoll, true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	p.poller = os.NewFile(uintptr(p.epoll), "epoll")
	if err := p.poller.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	for i, sinks := range []Sinks{stdout, stderr} {
		if p.streams[i], err = newStream(sinks); err != nil {
			return err
		}
		// Edge-triggered, for then epoll reports the streams in the order in which they were written to.
		event := syscall.EpollEvent{Events: syscall.EPOLLIN | edgeTriggered, Fd: int32(i)}
		if err := syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_ADD, p.streams[i].read, &event); err != nil {
			return os.NewSyscallError("epoll_ctl", err)
		}
	}
	return nil
}

// edgeTriggered is EPOLLET, which the syscall package has as a negative number.
const edgeTriggered = 1 << 31

// ProcessEnds are the descriptors to start the process with.
func (p *Pipes) ProcessEnds() (stdout, stderr uintptr) {
	return uintptr(p.streams[0].write), uintptr(p.streams[1].write)
}

// Start begins to read. It is called once the process has been started, and closes this program's copies of its ends.
func (p *Pipes) Start() {
	for _, s := range p.streams {
		s.closeWrite()
	}
	go func() {
		defer close(p.done)
		p.readAll()
	}()
}

// Abandon releases pipes that were not started.
func (p *Pipes) Abandon() {
	for _, s := range p.streams {
		if s != nil {
			s.closeWrite()
			s.closeRead()
		}
	}
	if p.poller != nil {
		p.poller.Close()
	}
}

// Finish is called when the process has ended. It returns when everything the process wrote has been passed on, and
// its descendants have closed the pipes or limit has passed. failure joins the errors of required sinks, warning those
// of others.
func (p *Pipes) Finish(limit time.Duration) (failure, warning error) {
	until := time.Now().Add(limit)
	p.ended.Store(&until)
	_ = p.poller.SetReadDeadline(time.Now()) // wakes the reader
	<-p.done
	p.Abandon()
	return p.sinks().Errors()
}

// sinks are those of both streams, each once.
func (p *Pipes) sinks() Sinks {
	all := slices.Clone(p.streams[0].sinks)
	for _, sink := range p.streams[1].sinks {
		if !slices.Contains(all, sink) {
			all = append(all, sink)
		}
	}
	return all
}
