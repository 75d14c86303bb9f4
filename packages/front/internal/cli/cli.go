// Package cli is argoexec's command line: arguments and environment in, exit code out (contract §2).
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/skein/front/internal/config"
	"github.com/skein/front/internal/core"
	"github.com/skein/front/internal/emissary"
	"github.com/skein/front/internal/exit"
	"github.com/skein/front/internal/logging"
	"github.com/skein/front/internal/paths"
	"github.com/skein/front/internal/termination"
	"github.com/skein/front/internal/wait"
)

// Program is one run of argoexec, and all it has from outside.
type Program struct {
	// Args are those after the program's name.
	Args    []string
	Environ []string
	Paths   paths.Paths
	// Signals are those sent to this process, from its first moment.
	Signals <-chan os.Signal
	// Front is the program's own file.
	Front   string
	Stdout  io.Writer
	Stderr  io.Writer
	Version Version
}

// Run does what the arguments say, tells the user what went wrong, and gives the exit code.
func (p *Program) Run() int {
	err := p.dispatch()
	if err == nil {
		return 0
	}
	p.tell(err)
	return exit.Code(err)
}

// tell is the only place where an error reaches the user (contract §2.3, §2.4): on stderr, and, unless it is only the
// exit code of the user's own command, in the termination message.
func (p *Program) tell(err error) {
	var status *exit.Status
	hasCode := errors.As(err, &status)
	if hasCode && status.Told {
		return
	}
	fmt.Fprintf(p.Stderr, "Error: %v\n", err)
	if hasCode && status.Cause == nil {
		return
	}
	if failure := termination.WriteMessage(p.Paths.TerminationLog(), err.Error()); failure != nil {
		fmt.Fprintf(p.Stderr, "unable to write termination log: %v\n", failure)
	}
	if !hasCode {
		fmt.Fprintln(p.Stderr, err)
	}
}

func (p *Program) dispatch() error {
	name, arguments := subcommand(p.Args)
	switch name {
	case "emissary":
		return p.emissary(arguments)
	case "wait", "supervisor":
		return p.wait(name, arguments)
	case "kill":
		return p.kill(arguments)
	case "version":
		return p.version(arguments)
	case "", "help":
		fmt.Fprint(p.Stdout, help)
		return nil
	}
	found, err := core.Find(p.Front, p.Paths)
	if err != nil {
		return fmt.Errorf("argoexec %s: %w", name, err)
	}
	return found.Become(p.Args, p.Environ)
}

func (p *Program) emissary(arguments []string) error {
	c := config.Parse(p.Environ)
	return emissary.Report(c, p.Paths, p.Signals, func(container *emissary.Container) error {
		flags, command, err := parseFlags(arguments)
		if err != nil {
			return err
		}
		log, err := p.logger(flags)
		if err != nil {
			return err
		}
		return emissary.Run(container, log, command)
	})
}

// wait is the container beside the user's, in either layout of a pod.
func (p *Program) wait(name string, arguments []string) error {
	flags, _, err := parseFlags(arguments)
	if err != nil {
		return err
	}
	log, err := p.logger(flags)
	if err != nil {
		return err
	}
	found, err := core.Find(p.Front, p.Paths)
	if err != nil {
		return fmt.Errorf("argoexec %s: %w", name, err)
	}
	return wait.Run(wait.Options{
		Config: config.Parse(p.Environ), Paths: p.Paths, Log: log, Core: found, Flags: arguments,
		Signals: p.Signals, Supervises: name == "supervisor",
	})
}

// logger is made from the flags. What is wrong with them is said in JSON, whatever format was asked for, and the
// process ends with 1 (contract §19).
func (p *Program) logger(f flags) (*logging.Logger, error) {
	log, err := logging.New(p.Stderr, f.logLevel, f.logFormat)
	if err != nil {
		complaint, _ := logging.New(p.Stderr, "error", "json")
		complaint.Error(err.Error())
		return nil, &exit.Status{Code: exit.Fatal, Cause: err, Told: true}
	}
	return log, nil
}

// OwnFile is the file this program was started from, also where there is no /proc.
func OwnFile(name string) string {
	path, err := os.Executable()
	if err != nil {
		if path, err = exec.LookPath(name); err != nil {
			path = name
		}
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return path
}
