package ctr

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	syscall.Umask(0)
	os.Exit(m.Run())
}

func directory(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ctr", "main")
	if err := MakeDirectory(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func report(t *testing.T, directory string, code int) {
	t.Helper()
	file, err := PrepareExitCode(directory)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Write(code); err != nil {
		t.Fatal(err)
	}
}

func TestTheExitCodeAppearsWholeOrNotAtAll(t *testing.T) {
	main := directory(t)
	file, err := PrepareExitCode(main)
	if err != nil {
		t.Fatal(err)
	}
	if ReadState(main) == Reported {
		t.Error("reported before it ended")
	}
	if err := file.Write(7); err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(filepath.Join(main, "exitcode"))
	if string(data) != "7" {
		t.Errorf("the file has %q: decimal, no newline, nothing of what was prepared", data)
	}
	info, _ := os.Stat(filepath.Join(main, "exitcode"))
	if info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v", info.Mode())
	}
	if code, ok := ReadExitCode(main); !ok || code != 7 {
		t.Errorf("read %d, %v", code, ok)
	}
}

func TestAProcessThatRemovedThePreparedFileIsStillReported(t *testing.T) {
	main := directory(t)
	file, err := PrepareExitCode(main)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(main, "exitcode.tmp")); err != nil {
		t.Fatal(err)
	}
	if err := file.Write(0); err != nil {
		t.Fatal(err)
	}
	if code, ok := ReadExitCode(main); !ok || code != 0 {
		t.Errorf("read %d, %v", code, ok)
	}
}

func TestAnExitCodeInTheMakingIsNone(t *testing.T) {
	main := directory(t)
	if err := os.WriteFile(filepath.Join(main, "exitcode"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok := ReadExitCode(main); ok {
		t.Error("an empty file is no exit code")
	}
}

func TestASignalIsTakenOnceAndJunkIsLeftAlone(t *testing.T) {
	main := directory(t)
	if err := LeaveSignal(main, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(filepath.Join(main, "signal")); info.Mode().Perm() != 0o666 {
		t.Errorf("mode %v: a container of another user could not replace it", info.Mode())
	}
	for _, want := range []syscall.Signal{syscall.SIGTERM, 0} {
		if got, err := TakeSignal(main); got != want || err != nil {
			t.Errorf("took %d, %v; want %d", got, err, want)
		}
	}
	for _, junk := range []string{"", "TERM", "0", "-9", "1.5"} {
		path := filepath.Join(main, "signal")
		if err := os.WriteFile(path, []byte(junk), 0o666); err != nil {
			t.Fatal(err)
		}
		if got, _ := TakeSignal(main); got != 0 {
			t.Errorf("took %d of %q", got, junk)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q was removed", junk)
		}
	}
}

func TestStates(t *testing.T) {
	main := directory(t)
	if got := ReadState(main); got != Waiting {
		t.Errorf("before its emissary starts: %v", got)
	}
	lock, err := Lock(main)
	if err != nil {
		t.Fatal(err)
	}
	if got := ReadState(main); got != Running {
		t.Errorf("while its emissary lives: %v", got)
	}
	lock.Close() // as the kernel does for a process that was killed
	if got := ReadState(main); got != Lost {
		t.Errorf("after its emissary died: %v", got)
	}
	report(t, main, 0)
	if got := ReadState(main); got != Reported {
		t.Errorf("after the report: %v", got)
	}
}

func TestWaitEndedLearnsOfAContainerThatDiedWithoutAReport(t *testing.T) {
	first, second := directory(t), directory(t)
	lock, err := Lock(second)
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		lost []string
		err  error
	}
	ended := make(chan result, 1)
	go func() {
		lost, err := WaitEnded(context.Background(), []string{first, second})
		ended <- result{lost, err}
	}()
	report(t, first, 1)
	died := time.Now()
	lock.Close()
	got := <-ended
	if got.err != nil || !slices.Equal(got.lost, []string{second}) {
		t.Errorf("got %+v", got)
	}
	if took := time.Since(died); took > time.Second {
		t.Errorf("noticed after %v", took)
	}
}

func TestKillEscalatesToThoseThatRemain(t *testing.T) {
	obedient, stubborn := directory(t), directory(t)
	report(t, obedient, 143)
	var phases []string
	err := Kill(context.Background(), []string{obedient, stubborn}, 50*time.Millisecond, func(signal syscall.Signal, to []string) {
		phases = append(phases, signal.String())
		if signal == syscall.SIGKILL {
			if !slices.Equal(to, []string{stubborn}) {
				t.Errorf("SIGKILL went to %v", to)
			}
			report(t, stubborn, 137)
		}
	})
	if err != nil || !slices.Equal(phases, []string{"terminated", "killed"}) {
		t.Errorf("phases %v, %v", phases, err)
	}
	if got, _ := TakeSignal(stubborn); got != syscall.SIGKILL {
		t.Errorf("left %v", got)
	}
}

func TestKillDoesNotEscalateWhenSIGTERMWasEnough(t *testing.T) {
	main := directory(t)
	err := Kill(context.Background(), []string{main}, time.Minute, func(signal syscall.Signal, _ []string) {
		if signal != syscall.SIGTERM {
			t.Errorf("sent %v", signal)
		}
		report(t, main, 143)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAKillThatIsHurriedGoesStraightToSIGKILL(t *testing.T) {
	main := directory(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	start := time.Now()
	err := Kill(ctx, []string{main}, time.Minute, func(signal syscall.Signal, _ []string) {
		if signal == syscall.SIGKILL {
			report(t, main, 137)
		}
	})
	if err != nil || errors.Is(err, context.Canceled) || time.Since(start) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}
