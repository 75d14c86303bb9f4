package emissary

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"

	"github.com/skein/front/internal/exit"
	"github.com/skein/front/internal/journal"
	"github.com/skein/front/internal/logging"
	"github.com/skein/front/internal/outputs"
	"github.com/skein/front/internal/process"
	"github.com/skein/front/internal/template"
	"github.com/skein/front/internal/watch"
)

// notFound and notExecutable are the shell's codes.
const (
	notExecutable = 126
	notFound      = 127
)

type emissary struct {
	*Container
	log      *logging.Logger
	template *template.Template
	reaper   *process.Reaper
	signals  *signals
}

// Run runs the command as the contract's §7 has it, saves its outputs when this is the main container, and returns
// the error the process ends with: nil, an exit.Status with the command's own code, or what went wrong here.
func Run(c *Container, log *logging.Logger, command []string) error {
	e := &emissary{Container: c, log: log, reaper: process.NewReaper()}
	var ctx context.Context
	ctx, e.signals = listen(c, log)

	program, arguments, err := e.prepare(ctx, command)
	if err != nil {
		return err
	}
	policy, err := retryPolicy(e.template)
	if err != nil {
		return fmt.Errorf("failed to get retry strategy: %w", err)
	}
	ended := e.runUntilSuccess(ctx, policy, program, arguments)
	log.Info("sub-process exited", "error", ended)
	if e.signals.preventedStart() {
		return ended
	}
	if c.Config.PauseAfter {
		// A signal that asks the process to end also ends the pause; the outputs are still saved.
		_ = e.pause(ctx, "after")
	}
	return e.saveOutputs(ended)
}

// prepare does all that comes before the first start. ctx ends when the container is told to stop.
func (e *emissary) prepare(ctx context.Context, command []string) (program string, arguments []string, err error) {
	if command, err = e.expand(command); err != nil {
		return "", nil, err
	}
	if e.Config.WaitForReady {
		if err := e.waitForSupervisor(ctx); err != nil {
			return "", nil, e.notReady(err)
		}
	}
	if e.template, err = template.Read(e.Paths, e.Config); err != nil {
		return "", nil, err
	}
	if e.Config.WaitForReady && e.isMain() {
		if err := e.linkInputs(); err != nil {
			return "", nil, e.notReady(err)
		}
	}
	if err := e.awaitDependencies(ctx); err != nil {
		return "", nil, err
	}
	program, err = exec.LookPath(command[0])
	if err != nil {
		code := notExecutable
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			code = notFound
		}
		return "", nil, e.cannotStart(code, fmt.Errorf("failed to find name in PATH: %w", err))
	}
	if e.Config.PauseBefore {
		if err := e.pause(ctx, "before"); err != nil {
			return "", nil, e.signals.stop()
		}
	}
	return program, command, nil
}

func (e *emissary) isMain() bool { return e.Config.ContainerName == template.MainContainer }

// notReady ends a container of an init-less pod that has nothing to start from. The controller shows what its supervisor
// says in place of that (contract §1.8), so the supervisor has to know, before it sees the exit code, that there never
// were outputs: their absence would hide the reason.
func (e *emissary) notReady(cause error) error {
	e.Journal.Write(&journal.PreMain{Header: journal.Named("pre_main"), Ready: false})
	return exit.With(exit.PreMain, cause)
}

// cannotStart is the error of a command that cannot be started. 64, the code of our own errors, makes a member of a
// containerSet an Error, but a single container Failed; for the same mistake to be Failed everywhere, members get the
// shell's code.
func (e *emissary) cannotStart(code int, err error) error {
	if e.template.ContainerSet != nil {
		return exit.With(code, err)
	}
	return err
}

// pause waits until somebody who is debugging creates the named file in the container's directory.
func (e *emissary) pause(ctx context.Context, name string) error {
	path := filepath.Join(e.directory(), name)
	e.log.Info("paused for debugging, until a file is created", "path", path)
	return watch.Until(ctx, []string{e.directory()}, func() (bool, error) { return exists(path), nil })
}

// saveOutputs saves those of the main container, also when its command failed. The command's own failure is what
// stays: it came first, and explains more. Only a success does not outlast outputs that could not be saved.
func (e *emissary) saveOutputs(ended error) error {
	if !e.isMain() {
		e.log.Info("not saving outputs - not main container")
		return ended
	}
	saver := outputs.Saver{
		Template: e.template, Paths: e.Paths, Log: e.log, Journal: e.Journal,
		InputsAreMounted: !e.Config.WaitForReady, CompressThreads: e.Config.CompressThreads,
	}
	err := saver.Save()
	if ended == nil {
		return err
	}
	if err != nil {
		e.log.Error("failed to save outputs", "error", err)
	}
	return ended
}
