package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const captured = "ARGO_INCLUDE_SCRIPT_OUTPUT=true"

func TestOutputIsCapturedWholeAndStillReachesTheLog(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", `
		(i=0; while [ $i -lt 5000 ]; do echo "out $i ..........................................."; i=$((i+1)); done) &
		(i=0; while [ $i -lt 5000 ]; do echo "err $i ..........................................." >&2; i=$((i+1)); done) &
		wait`, captured).start()
	run.mustEnd(0)
	var out, err, combined strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&out, "out %d ...........................................\n", i)
		fmt.Fprintf(&err, "err %d ...........................................\n", i)
	}
	if got := p.read(p.in("main", "stdout")); got != out.String() {
		t.Errorf("stdout has %d bytes of %d", len(got), out.Len())
	}
	if run.stdout.String() != out.String() {
		t.Errorf("the log has %d bytes of stdout", len(run.stdout.String()))
	}
	var fromOut, fromErr strings.Builder
	combined.WriteString(p.read(p.in("main", "combined")))
	for _, line := range strings.SplitAfter(combined.String(), "\n") {
		if strings.HasPrefix(line, "out ") {
			fromOut.WriteString(line)
		} else {
			fromErr.WriteString(line)
		}
	}
	if fromOut.String() != out.String() || fromErr.String() != err.String() {
		t.Errorf("combined has %d bytes of stdout and %d of stderr", fromOut.Len(), fromErr.Len())
	}
	if strings.Contains(combined.String(), "argo=true") || !strings.Contains(run.stderr.String(), err.String()[:1000]) {
		t.Error("the executor's own lines belong to the log only, the command's to both")
	}
}

func TestWhatIsToBeArchivedIsCaptured(t *testing.T) {
	p := newPod(t, `{"container":{},"archiveLocation":{"archiveLogs":true}}`)
	p.emissary("main", `echo one; echo two >&2`).start().mustEnd(0)
	combined := p.read(p.in("main", "combined"))
	if p.read(p.in("main", "stdout")) != "one\n" || len(combined) != 8 {
		t.Errorf("combined %q", combined)
	}
	for _, name := range []string{"stdout", "combined"} {
		if info, err := os.Stat(p.in("main", name)); err != nil || info.Mode().Perm() != 0o666 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestWithoutAReasonNothingIsCaptured(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", `echo one; echo two >&2; exit 2`).start()
	run.mustEnd(2)
	if exists(p.in("main", "stdout")) || exists(p.in("main", "combined")) || run.stdout.String() != "one\n" {
		t.Errorf("stdout %q", run.stdout.String())
	}
}

func TestAGrandchildThatHoldsThePipeDoesNotHoldUpTheEnd(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", `echo first; sleep 1000 & echo $! > "$ROOT/pid"; echo last`, captured)
	run.command.Stdout, run.command.Stderr = nil, nil // the test's own pipes would wait for the grandchild
	start := time.Now()
	run.start().mustEnd(0)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	var pid int
	if _, err := fmt.Sscan(p.read(filepath.Join(p.root, "pid")), &pid); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(pid, syscall.SIGKILL) }()
	if got := p.read(p.in("main", "stdout")); got != "first\nlast\n" {
		t.Errorf("captured %q", got)
	}
}

func TestACommandThatClosesItsOutputRunsOn(t *testing.T) {
	p := newPod(t, plain)
	p.emissary("main", `echo bye; exec >&- 2>&-; sleep 0.05; exit 7`, captured).start().mustEnd(7)
	if got := p.read(p.in("main", "stdout")); got != "bye\n" {
		t.Errorf("captured %q", got)
	}
}

// A full disk, as /dev/full has it: a result that is not whole is no success.
func TestASuccessThatCouldNotBeCapturedIsNone(t *testing.T) {
	for script, want := range map[string]int{"echo result": 64, "echo result; exit 3": 3} {
		p := newPod(t, plain)
		if err := os.MkdirAll(p.paths.Container("main"), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/dev/full", p.in("main", "stdout")); err != nil {
			t.Fatal(err)
		}
		run := p.emissary("main", script, captured).start()
		run.mustEnd(want)
		if !strings.Contains(run.stderr.String(), "failed to capture output") || !strings.Contains(run.stderr.String(), "no space left on device") {
			t.Errorf("%s: stderr %q", script, run.stderr.String())
		}
		if p.read(p.in("main", "combined")) != "result\n" || run.stdout.String() != "result\n" {
			t.Errorf("%s: the other copies are %q and %q", script, p.read(p.in("main", "combined")), run.stdout.String())
		}
	}
}

func TestTheOutputOfAttemptsAccumulates(t *testing.T) {
	p := newPod(t, `{"containerSet":{"containers":[{"name":"a"}],"retryStrategy":{"retries":"3"}}}`)
	p.emissary("a", `echo again; exit 2`, captured).start().mustEnd(2)
	if got := p.read(p.in("a", "stdout")); got != "again\nagain\nagain\n" {
		t.Errorf("captured %q", got)
	}
}
