package process

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The only reaper of this test program; no test here may use os/exec.
var reaper = NewReaper()

func start(t *testing.T, script string) *Child {
	t.Helper()
	child, err := reaper.Start("/bin/sh", []string{"sh", "-c", script}, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return child
}

func TestExitCodes(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 3": 3, "kill -TERM $$": 143, "kill -KILL $$": 137} {
		end := <-start(t, script).Ended
		if got := end.ExitCode(); got != want {
			t.Errorf("%s: %d, want %d", script, got, want)
		}
	}
}

func TestTheSignalThatEndedAProcessHasAName(t *testing.T) {
	if end := <-start(t, "kill -USR1 $$").Ended; end.SignalName() != "SIGUSR1" {
		t.Errorf("got %q", end.SignalName())
	}
	if end := <-start(t, "exit 143").Ended; end.SignalName() != "" {
		t.Errorf("a code is no signal, got %q", end.SignalName())
	}
}

func TestAnEndIsSeenAtOnce(t *testing.T) {
	child := start(t, "exec sleep 100")
	killed := time.Now()
	if err := SignalGroup(child.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if took := (<-child.Ended).At.Sub(killed); took > 20*time.Millisecond {
		t.Errorf("seen after %v", took)
	}
}

func TestUsageIsThatOfTheProcess(t *testing.T) {
	end := <-start(t, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done").Ended
	if end.CPUSeconds() <= 0 || end.CPUSeconds() > 10 {
		t.Errorf("%v seconds", end.CPUSeconds())
	}
	if end.MaxRSSBytes() < 100_000 || end.MaxRSSBytes() > 100_000_000 {
		t.Errorf("%d bytes", end.MaxRSSBytes())
	}
}

// An orphan becomes a child of the reaper, and must not stay a zombie, nor be taken for the child.
func TestOrphansAreReapedAndDoNotPassForTheChild(t *testing.T) {
	pidFile := t.TempDir() + "/pid"
	child := start(t, "(sh -c 'echo $$ > "+pidFile+"; exit 9' &) ; while [ ! -s "+pidFile+" ]; do :; done; exit 5")
	if end := <-child.Ended; end.ExitCode() != 5 {
		t.Errorf("the child's code is %d", end.ExitCode())
	}
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	orphan, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); syscall.Kill(orphan, 0) != syscall.ESRCH; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d was not reaped", orphan)
		}
	}
}

func TestAProgramThatCannotBeStartedIsAnError(t *testing.T) {
	_, err := reaper.Start("/no/such/program", []string{"x"}, &syscall.ProcAttr{})
	if err == nil || err.Error() != "fork/exec /no/such/program: no such file or directory" {
		t.Errorf("got %v", err)
	}
}
