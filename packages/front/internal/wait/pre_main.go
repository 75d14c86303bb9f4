package wait

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/skein/front/internal/exit"
	"github.com/skein/front/internal/journal"
	"github.com/skein/front/internal/marker"
	"github.com/skein/front/internal/process"
)

// preMain is what the supervisor of an init-less pod does before the user's containers may start (contract §9.1): one
// act of the core loads what they need, while the marker shows that this container lives. A failure is in the marker,
// in the journal and, in the end, what the container ends with; it does not keep logs from being saved. The error is
// that nothing can come of this pod.
func (w *waiter) preMain() error {
	if marker.IsReady(w.Paths.Status()) {
		// This container was started again. By now the inputs belong to the user's containers, which may use or have
		// changed them; loading again would take them away.
		w.journal.Write(&journal.PreMain{Header: journal.Named("pre_main"), Ready: true})
		return nil
	}
	status, err := marker.Start(w.Paths.Status(), marker.Interval)
	if err != nil {
		return w.notReady(fmt.Errorf("failed to write initial status marker: %w", err), true)
	}
	end, err := w.load()
	status.Stop()
	switch {
	case err != nil:
		return w.notReady(err, true)
	case end.ExitCode() == 0:
		if err := status.Ready(); err != nil {
			return w.notReady(fmt.Errorf("failed to write status marker: %w", err), true)
		}
		w.journal.Write(&journal.PreMain{Header: journal.Named("pre_main"), Ready: true})
		return nil
	case w.overdue:
		return w.notReady(errors.New(deadlineMessage), false)
	case end.SignalName() != "":
		return w.notReady(loadKilled(end.SignalName()), true)
	}
	// The core has recorded what went wrong, and left it where the kubelet looks.
	if err := w.notReady(w.toldByCore(end.ExitCode()), false); err != nil {
		return err
	}
	if code := end.ExitCode(); misconfigured(code) {
		return &exit.Status{Code: code, Told: true}
	}
	return nil
}

// load runs the act, which a signal or the step's deadline asks to end.
func (w *waiter) load() (process.End, error) {
	load, err := w.startAct("load")
	if err != nil {
		return process.End{}, err
	}
	var deadline <-chan time.Time
	if !w.Config.Deadline.IsZero() {
		deadline = time.After(time.Until(w.Config.Deadline))
	}
	var tooLong <-chan time.Time
	for {
		select {
		case end := <-load.ended():
			w.writeEnd(load, end)
			return end, nil
		case number := <-w.Signals:
			if number != syscall.SIGTERM && number != syscall.SIGINT {
				continue
			}
			w.noteSignal(number.(syscall.Signal))
			w.stopped = true
			tooLong = load.end(false)
		case <-deadline:
			// Recorded first, so that it is what the user is told, and not how the act ended for it.
			w.overdue = true
			w.journal.Write(&journal.Error{Header: journal.Named("error"), Message: deadlineMessage})
			w.Log.Info(deadlineMessage)
			tooLong = load.end(false)
		case <-tooLong:
			tooLong = load.end(true)
		}
	}
}

// notReady tells the containers that wait, and finish, that there is nothing to start from.
func (w *waiter) notReady(cause error, record bool) error {
	if record {
		w.Log.Error("pre-main failed", "error", cause)
		w.journal.Write(&journal.Error{Header: journal.Named("error"), Message: cause.Error()})
	}
	w.journal.Write(&journal.PreMain{Header: journal.Named("pre_main"), Ready: false})
	if err := marker.Failed(w.Paths.Status(), cause.Error()); err != nil {
		// They find out by themselves when no sign of life comes.
		w.Log.Error("failed to write status marker", "error", err)
	}
	return nil
}

// toldByCore is the core's last word.
func (w *waiter) toldByCore(code int) error {
	text, err := os.ReadFile(w.Paths.TerminationLog())
	if message := strings.TrimSpace(string(text)); err == nil && message != "" {
		return errors.New(message)
	}
	return fmt.Errorf("loading the input artifacts ended with exit code %d; see the log of this container", code)
}

func loadKilled(signal string) error {
	if signal == "SIGKILL" {
		return errors.New("loading the input artifacts was ended by SIGKILL: perhaps the container has too little memory")
	}
	return fmt.Errorf("loading the input artifacts was ended by %s", signal)
}
