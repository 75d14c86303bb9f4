package capture

import (
	"slices"
	"syscall"
	"time"
)

// chunkBytes is the capacity of a pipe: one read can empty it.
const chunkBytes = 64 * 1024

func (p *Pipes) readAll() {
	buffer := make([]byte, chunkBytes)
	var ready []*stream // in the order in which they are to be read
	var until time.Time // zero while the process runs
	for p.streams[0].open || p.streams[1].open {
		if end := p.ended.Load(); end != nil && until.IsZero() {
			until = *end
			ready = p.takeStock(p.poll(ready))
		}
		if !until.IsZero() && p.isEverythingRead() && !time.Now().Before(until) {
			return
		}
		ready = p.wait(ready, until)
		if len(ready) == 0 {
			continue
		}
		next := ready[0]
		ready = ready[1:]
		if next.pass(buffer) {
			ready = append(ready, next) // it may have more, but the other one is next
		}
	}
}

// takeStock notes how much the process has left in the pipes. Its descendants may have added to it; no harm.
func (p *Pipes) takeStock(ready []*stream) []*stream {
	for _, s := range p.streams {
		if s.takeStock() {
			ready = add(ready, s)
		}
	}
	return ready
}

func (p *Pipes) isEverythingRead() bool { return p.streams[0].left <= 0 && p.streams[1].left <= 0 }

// wait adds the streams that have become readable. When there are none at all it blocks, until a deadline at most.
func (p *Pipes) wait(ready []*stream, until time.Time) []*stream {
	if len(ready) > 0 {
		return p.poll(ready)
	}
	_ = p.poller.SetReadDeadline(until)
	if p.ended.Load() != nil && until.IsZero() {
		return ready // Finish came in between, and its wake-up has just been undone
	}
	connection, err := p.poller.SyscallConn()
	if err != nil {
		return ready
	}
	// An error means that the deadline has passed, which the caller sees for itself.
	_ = connection.Read(func(uintptr) bool {
		ready = p.poll(ready)
		return len(ready) > 0
	})
	return ready
}

func (p *Pipes) poll(ready []*stream) []*stream {
	var events [2]syscall.EpollEvent
	count, _ := syscall.EpollWait(p.epoll, events[:], 0)
	for _, event := range events[:max(count, 0)] {
		s := p.streams[event.Fd]
		s.hungUp = s.hungUp || event.Events&syscall.EPOLLHUP != 0
		ready = add(ready, s)
	}
	return ready
}

func add(ready []*stream, s *stream) []*stream {
	if slices.Contains(ready, s) {
		return ready
	}
	return append(ready, s)
}
