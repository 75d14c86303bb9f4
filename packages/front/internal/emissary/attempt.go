package emissary

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/skein/front/internal/ctr"
	"github.com/skein/front/internal/exit"
	"github.com/skein/front/internal/journal"
	"github.com/skein/front/internal/process"
)

// drainLimit is for descendants that still hold the output when the process has ended (contract §7.1).
const drainLimit = 100 * time.Millisecond

// attempt runs the command once. Its error is an exit.Status when the command failed.
func (e *emissary) attempt(number int, program string, argv []string) error {
	io, err := e.openStreams()
	if err != nil {
		return e.cannotStart(exit.Error, fmt.Errorf("failed to start command: %w", err))
	}
	child, err := e.signals.start(func() (*process.Child, error) {
		return e.reaper.Start(program, argv, &syscall.ProcAttr{
			Env: e.Trace.WithSettings(e.Paths.TraceContext()).Environ(e.Config.Environ), Files: io.files(), Sys: io.attributes(),
		})
	})
	if err != nil {
		io.abandon()
		var status *exit.Status
		if errors.As(err, &status) {
			return err
		}
		return e.cannotStart(notExecutable, fmt.Errorf("failed to start command: %w", err))
	}
	io.start()
	e.Journal.Write(&journal.ProcessStart{
		Header: journal.Named("process.start"), Attempt: number, PID: child.PID, Command: filepath.Base(program),
	})
	running, hasEnded := context.WithCancel(context.Background())
	defer hasEnded()
	if e.template.IsSidecar(e.Config.ContainerName) {
		go e.endWithMain(running)
	}
	end := <-child.Ended
	e.signals.ended()
	e.Journal.Hold()
	e.Journal.Write(&journal.ProcessEnd{
		Header:  journal.Header{Of: "process.end", TimeUnixNano: journal.Time(end.At)},
		Attempt: number, ExitCode: end.ExitCode(), Signal: end.SignalName(),
	})
	return e.result(end, io.finish(drainLimit))
}

// result is the command's own failure, or that a command which succeeded was not captured whole.
func (e *emissary) result(end process.End, captured error) error {
	if code := end.ExitCode(); code != 0 {
		if captured != nil {
			e.log.Error("failed to capture output", "error", captured)
		}
		return &exit.Status{Code: code}
	}
	if captured != nil {
		return fmt.Errorf("failed to capture output: %w", captured)
	}
	return nil
}

// endWithMain ends a sidecar when the main containers have ended: SIGTERM, and SIGKILL after the grace period.
func (e *emissary) endWithMain(running context.Context) {
	names := e.template.MainContainers()
	directories := make([]string, len(names))
	for i, name := range names {
		directories[i] = e.Paths.Container(name)
	}
	if _, err := ctr.WaitEnded(running, directories); err != nil {
		if running.Err() == nil {
			e.log.Error("failed to wait for main container(s)", "mainContainerNames", names, "error", err)
		}
		return
	}
	e.log.Info("main container(s) exited, terminating container",
		"mainContainerNames", names, "containerName", e.Config.ContainerName)
	e.signals.deliver(syscall.SIGTERM, fromSidecar)
	select {
	case <-running.Done():
	case <-time.After(e.Config.GracePeriod):
		e.signals.deliver(syscall.SIGKILL, fromSidecar)
	}
}
