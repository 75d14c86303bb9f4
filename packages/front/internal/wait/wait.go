// Package wait is the life of the container beside the user's (contract §8): one run of the core at its beginning, one
// at its end, and between them nothing but this program, which waits in a few megabytes for the main containers. In a
// pod without an init container (§9) a further run of the core comes first, which loads what the others need.
package wait

import (
	"fmt"
	"os"
	"syscall"

	"github.com/skein/front/internal/config"
	"github.com/skein/front/internal/core"
	"github.com/skein/front/internal/exit"
	"github.com/skein/front/internal/journal"
	"github.com/skein/front/internal/logging"
	"github.com/skein/front/internal/paths"
	"github.com/skein/front/internal/process"
	"github.com/skein/front/internal/template"
	"github.com/skein/front/internal/trace"
)

// Options of Run.
type Options struct {
	Config config.Config
	Paths  paths.Paths
	Log    *logging.Logger
	Core   *core.Core
	// Flags are passed on to the core.
	Flags []string
	// Signals are those sent to this process.
	Signals <-chan os.Signal
	// Supervises says that there is no init container: this one does its work first.
	Supervises bool
}

type waiter struct {
	Options
	journal *journal.Journal
	reaper  *process.Reaper
	stopped bool // a signal came before the watch
	overdue bool // the step's deadline passed before it
}

// misconfigured are the exit codes by which begin says that nothing can come of this pod (contract §2.3).
func misconfigured(code int) bool { return code == 1 || code == 2 }

// Run loads, when nobody else does, begins, watches and finishes. The error carries the exit code of the core's finish, or of a begin that found the
// pod misconfigured; both have told the user why.
func Run(o Options) (err error) {
	w := &waiter{Options: o, reaper: process.NewReaper()}
	syscall.Umask(0)
	name := o.Config.ContainerName
	if name == "" {
		name = w.role()
	}
	w.journal = journal.Open(o.Paths.Journal(name))
	w.writeStart()
	defer func() { w.journal.Write(&journal.End{Header: journal.Named("end"), ExitCode: exit.Code(err)}) }()

	if w.Supervises {
		if err := w.preMain(); err != nil {
			return err
		}
	}
	begin, err := w.startAct("begin")
	if err != nil {
		return err
	}
	parsed, err := template.Read(o.Paths, o.Config)
	if err != nil {
		return w.withoutTemplate(begin, err)
	}
	if err := w.watch(begin, parsed.MainContainers()); err != nil {
		return err
	}
	return w.finish()
}

func (w *waiter) role() string {
	if w.Supervises {
		return "supervisor"
	}
	return "wait"
}

func (w *waiter) writeStart() {
	context := trace.Start(w.Config, w.Paths.TraceContext())
	w.journal.Write(&journal.Start{
		Header: journal.Named("start"), Role: w.role(), PID: os.Getpid(),
		Traceparent: context.Traceparent(), ParentSpanID: context.ParentSpanID,
		Tracestate: context.State, Baggage: context.Baggage,
	})
}

// withoutTemplate ends a pod whose main containers are not known. begin has the same trouble, and the better words.
func (w *waiter) withoutTemplate(begin *act, cause error) error {
	end := <-begin.ended()
	w.writeEnd(begin, end)
	if code := end.ExitCode(); misconfigured(code) {
		return &exit.Status{Code: code, Told: true}
	}
	return exit.With(2, cause)
}

// finish collects, saves and reports. Nothing here interrupts it: a SIGTERM means that it should be done by now.
func (w *waiter) finish() error {
	finish, err := w.startAct("finish")
	if err != nil {
		return err
	}
	for {
		select {
		case number := <-w.Signals:
			w.noteSignal(number.(syscall.Signal))
		case end := <-finish.ended():
			w.writeEnd(finish, end)
			return finishError(end)
		}
	}
}

func finishError(end process.End) error {
	code := end.ExitCode()
	switch name := end.SignalName(); {
	case code == 0:
		return nil
	case name == "SIGKILL":
		return exit.With(code, fmt.Errorf("saving the outputs was ended by %s: perhaps the container has too little memory", name))
	case name != "":
		return exit.With(code, fmt.Errorf("saving the outputs was ended by %s", name))
	}
	return &exit.Status{Code: code, Told: true}
}

func (w *waiter) noteSignal(number syscall.Signal) {
	w.Log.Debug("received signal", "signal", process.SignalName(number))
	w.journal.Write(&journal.Signal{Header: journal.Named("signal"), Signal: process.SignalName(number), Source: "process"})
}
