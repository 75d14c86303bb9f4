// Package emissary runs the user's process in the user's container: `argoexec emissary -- command…` (contract §7).
package emissary

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/skein/front/internal/config"
	"github.com/skein/front/internal/ctr"
	"github.com/skein/front/internal/exit"
	"github.com/skein/front/internal/journal"
	"github.com/skein/front/internal/paths"
	"github.com/skein/front/internal/trace"
)

// Container is what the emissary knows of the container it runs in.
type Container struct {
	Config  config.Config
	Paths   paths.Paths
	Journal *journal.Journal
	Trace   trace.Context
	// Signals are those sent to this process.
	Signals <-chan os.Signal
}

func (c *Container) directory() string { return c.Paths.Container(c.Config.ContainerName) }

// Report does work and reports its end to the other containers, however it ends: with an error of any kind, wrong
// arguments, or a panic. The code in the file is the one the process exits with.
//
// Nothing stands between the end of work and the file: neither telemetry nor the journal.
func Report(c config.Config, p paths.Paths, signals <-chan os.Signal, work func(*Container) error) (err error) {
	syscall.Umask(0) // containers of one pod run as different users, and the user's process inherits it
	directory := p.Container(c.ContainerName)
	if err := ctr.MakeDirectory(directory); err != nil {
		return fmt.Errorf("failed to create ctr directory: %w", err)
	}
	file, err := ctr.PrepareExitCode(directory)
	if err != nil {
		return fmt.Errorf("failed to prepare exit code: %w", err)
	}
	lock, _ := ctr.Lock(directory) // without it others wait as long as they always did
	defer runtime.KeepAlive(lock)

	container := &Container{Config: c, Paths: p, Signals: signals}
	container.Journal = journal.Open(p.Journal(c.ContainerName))
	container.Trace = trace.Start(c, p.TraceContext())
	container.Journal.Write(&journal.Start{
		Header: journal.Named("start"), Role: "emissary", PID: os.Getpid(),
		Traceparent: container.Trace.Traceparent(), ParentSpanID: container.Trace.ParentSpanID,
		Tracestate: container.Trace.State, Baggage: container.Trace.Baggage,
	})
	defer func() {
		if panicked := recover(); panicked != nil {
			err = exit.With(exit.Fatal, fmt.Errorf("panic: %v\n%s", panicked, debug.Stack()))
		}
		container.Journal.Hold()
		failure := file.Write(exit.Code(err))
		container.writeEnd(err)
		container.Journal.Release()
		err = errors.Join(err, failure)
	}()
	return work(container)
}

func (c *Container) writeEnd(err error) {
	var status *exit.Status
	if err != nil && !(errors.As(err, &status) && status.Cause == nil) {
		c.Journal.Write(&journal.Error{Header: journal.Named("error"), Message: err.Error()})
	}
	c.Journal.Write(&journal.End{Header: journal.Named("end"), ExitCode: exit.Code(err)})
}
