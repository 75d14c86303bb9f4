// Package wait is the life of the container beside the user's (contract §8): one run of the core at its beginning, one
// at its end, and between them nothing but this program, which waits in a few megabytes for the main containers.
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
}

type waiter struct {
	Options
	journal *journal.Journal
	reaper  *process.Reaper
	signals <-chan os.Signal
}

// misconfigured are the exit codes by which begin says that nothing can come of this pod (contract §2.3).
func misconfigured(code int) bool { return code == 1 || code == 2 }

// Run begins, watches and finishes. The error carries the exit code of the core's finish, or of a begin that found the
// pod misconfigured; both have told the user why.
func Run(o Options) (err error) {
	w := &waiter{Options: o, signals: process.NotifyAll(), reaper: process.NewReaper()}
	syscall.Umask(0)
	name := o.Config.ContainerName
	if name == "" {
		name = "wait"
	}
	w.journal = journal.Open(o.Paths.Journal(name))
	w.writeStart()
	defer func() { w.journal.Write(&journal.End{Header: journal.Named("end"), ExitCode: exit.Code(err)}) }()

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

func (w *waiter) writeStart() {
	context := trace.Start(w.Config, w.Paths.TraceContext())
	w.journal.Write(&journal.Start{
		Header: journal.Named("start"), Role: "wait", PID: os.Getpid(),
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
		case number := <-w.signals:
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
