package wait

import (
	"fmt"
	"syscall"
	"time"

	"github.com/skein/front/internal/journal"
	"github.com/skein/front/internal/process"
)

// act is one run of the core: load, begin, tick or finish.
type act struct {
	name  string
	child *process.Child
}

// startAct starts the core in a process group of its own, so that a signal to ours does not interrupt it.
func (w *waiter) startAct(name string) (*act, error) {
	path, argv := w.Core.Command(append([]string{w.role(), name}, w.Flags...))
	w.journal.Write(&journal.ActStart{Header: journal.Named("act.start"), Act: name})
	child, err := w.reaper.Start(path, argv, &syscall.ProcAttr{
		Env: w.Core.Environ(w.Config.Environ), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", w.role(), name, w.Core.Explain(err))
	}
	return &act{name: name, child: child}, nil
}

// ended yields when the act has ended. There is no act: never.
func (a *act) ended() <-chan process.End {
	if a == nil {
		return nil
	}
	return a.child.Ended
}

// writeEnd notes what an act has cost.
func (w *waiter) writeEnd(a *act, end process.End) {
	w.journal.Write(&journal.ActEnd{
		Header: journal.Header{Of: "act.end", TimeUnixNano: journal.Time(end.At)},
		Act:    a.name, ExitCode: end.ExitCode(), CPUSeconds: end.CPUSeconds(), MaxRSSBytes: end.MaxRSSBytes(),
	})
	w.Log.Debug("act ended", "act", a.name, "exitCode", end.ExitCode())
}

// endPatience is how long an act may take to end after it was asked to.
const endPatience = 2 * time.Second

// end asks an act to end, and makes it after a while. Acts can be interrupted anywhere and done again. The channel
// yields when there is something left to do, for which end is called again.
func (a *act) end(asked bool) <-chan time.Time {
	if asked {
		_ = process.SignalGroup(a.child.PID, syscall.SIGKILL)
		return nil
	}
	_ = process.SignalGroup(a.child.PID, syscall.SIGTERM)
	return time.After(endPatience)
}
