// Package process starts processes, reaps them and everything orphaned below them, and signals them in groups: what
// PID 1 of a container has to do.
package process

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// PR_SET_CHILD_SUBREAPER of prctl(2); the syscall package does not have it.
const prSetChildSubreaper = 36

// Reaper is the parent of every process started here. There can be only one in a program, and nothing else there may
// wait for processes (os/exec does).
type Reaper struct {
	mu       sync.Mutex
	children map[int]chan End
}

// End is the end of a process.
type End struct {
	Status syscall.WaitStatus
	Usage  syscall.Rusage
	At     time.Time
}

// Child is a process that was started.
type Child struct {
	PID int
	// Ended yields one value, when the process has ended and been reaped.
	Ended <-chan End
}

// NewReaper makes this program adopt the orphans below it, also when it is not PID 1, and reaps them at once.
func NewReaper() *Reaper {
	reaper := &Reaper{children: make(map[int]chan End)}
	// Best effort: PID 1 adopts them anyway, and older kernels and sandboxes leave orphans to someone else.
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0)
	// One place is enough: a signal that finds it taken means a reaping that is still to come.
	notifications := make(chan os.Signal, 1)
	signal.Notify(notifications, syscall.SIGCHLD)
	go func() {
		for range notifications {
			reaper.reap()
		}
	}()
	return reaper
}

// Start starts a program with the given argument vector.
func (r *Reaper) Start(path string, argv []string, attributes *syscall.ProcAttr) (*Child, error) {
	ended := make(chan End, 1)
	// Held across the start, so that a process that ends at once is not reaped before it is known.
	r.mu.Lock()
	pid, err := syscall.ForkExec(path, argv, attributes)
	if err == nil {
		r.children[pid] = ended
	}
	r.mu.Unlock()
	if err != nil {
		return nil, &os.PathError{Op: "fork/exec", Path: path, Err: err}
	}
	return &Child{PID: pid, Ended: ended}, nil
}

// reap collects every process that has ended: signals of the same kind merge, so one may stand for many ends.
func (r *Reaper) reap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		var end End
		pid, err := syscall.Wait4(-1, &end.Status, syscall.WNOHANG, &end.Usage)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if ended, ok := r.children[pid]; ok {
			end.At = time.Now()
			delete(r.children, pid)
			ended <- end
		}
	}
}

// ExitCode is what a container reports for a process that has ended: its own code, or 128+n when signal n ended it.
func (e End) ExitCode() int {
	if e.Status.Signaled() {
		return 128 + int(e.Status.Signal())
	}
	return e.Status.ExitStatus()
}

// SignalName is the name of the signal that ended the process, or empty.
func (e End) SignalName() string {
	if e.Status.Signaled() {
		return SignalName(e.Status.Signal())
	}
	return ""
}

// CPUSeconds is the processor time of the process and of those it waited for.
func (e End) CPUSeconds() float64 {
	return time.Duration(e.Usage.Utime.Nano() + e.Usage.Stime.Nano()).Seconds()
}

// MaxRSSBytes is the most memory the process, or one it waited for, ever had in use.
func (e End) MaxRSSBytes() int64 {
	return int64(e.Usage.Maxrss) * 1024 // Linux counts in KiB
}
