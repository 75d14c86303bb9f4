package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestASIGTERMAfterMainHasEndedDoesNotDisturbFinish(t *testing.T) {
	p := newWaitPod(t, plain, map[string]string{"finish": say("finishing") + `
		while [ ! -e "$ROOT/go" ]; do sleep 0.01; done; touch "$ROOT/finished"`})
	p.report("main", 0)
	run := p.wait()
	p.said("finishing")
	run.signal(syscall.SIGTERM)
	eventually(t, "the signal to be noted", func() bool { return len(p.journal("wait", "signal")) == 1 })
	p.write(filepath.Join(p.root, "go"), "")
	run.mustExit(0)
	if !exists(filepath.Join(p.root, "finished")) {
		t.Error("finish was interrupted")
	}
}

func TestASIGTERMBeforeMainHasStartedFinishesAtOnce(t *testing.T) {
	p := newWaitPod(t, plain, nil)
	run := p.wait().watching()
	run.signal(syscall.SIGTERM)
	run.mustExit(0)
	if end := p.journal("wait", "watch.end"); len(end) != 1 || end[0]["reason"] != "signal" {
		t.Errorf("watch.end %v", end)
	}
	if !strings.Contains(p.calls(), "wait finish") {
		t.Errorf("calls %q", p.calls())
	}
}

// Upstream lost the outputs of a step that its user stopped: every container gets the SIGTERM at the same time, and
// wait did not give main the time to end and save them.
func TestOutputsOfAMainThatIsStoppedAreWaitedFor(t *testing.T) {
	p := newWaitPod(t, `{"container":{},"outputs":{"parameters":[{"name":"p","valueFrom":{"path":"$/out"}}]}}`, map[string]string{
		"finish": `cat "$ROOT/var/run/argo/outputs/parameters$ROOT/out"`,
	})
	main := p.emissary("main", `trap 'sleep 0.2; echo saved > "$ROOT/out"; exit 0' TERM; `+say("ready")+loop).start()
	p.said("ready")
	run := p.wait().watching()
	run.signal(syscall.SIGTERM)
	main.signal(syscall.SIGTERM)
	main.mustEnd(0)
	run.mustExit(0)
	if got := run.stdout.String(); got != "saved\n" {
		t.Errorf("finish found %q\n%s", got, run.stderr.String())
	}
}

func TestAMainThatDoesNotStopIsNotWaitedForBeyondItsShare(t *testing.T) {
	p := newWaitPod(t, plain, nil)
	p.emissary("main", `trap '' TERM; `+say("ready")+loop).start()
	p.said("ready")
	run := p.wait("ARGO_TERMINATION_GRACE_PERIOD_SECONDS=1").watching()
	run.signal(syscall.SIGTERM)
	run.mustExit(0)
	if end := p.journal("wait", "watch.end"); len(end) != 1 || end[0]["reason"] != "signal" {
		t.Errorf("watch.end %v", end)
	}
}

func TestASecondSIGTERMFinishesAtOnce(t *testing.T) {
	p := newWaitPod(t, plain, nil)
	p.emissary("main", say("ready")+loop).start()
	p.said("ready")
	run := p.wait("ARGO_TERMINATION_GRACE_PERIOD_SECONDS=3600").watching()
	run.signal(syscall.SIGTERM)
	eventually(t, "the signal to be noted", func() bool { return len(p.journal("wait", "signal")) == 1 })
	start := time.Now()
	run.signal(syscall.SIGTERM)
	run.mustExit(0)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

// Upstream waited for ever for the exit code of a container that was killed for want of memory.
func TestAMainThatWasKilledIsNotWaitedForForEver(t *testing.T) {
	p := newWaitPod(t, plain, nil)
	main := p.emissary("main", say("ready")+"exec sleep 1000").start()
	p.said("ready")
	run := p.wait().watching()
	killContainer(t, main)
	run.mustExit(0)
	end := p.journal("wait", "watch.end")
	if len(end) != 1 || end[0]["reason"] != "lost" || end[0]["lost"].([]any)[0] != "main" {
		t.Errorf("watch.end %v", end)
	}
}

func deadline(in time.Duration) string {
	return "ARGO_DEADLINE=" + time.Now().Add(in).UTC().Format(time.RFC3339Nano)
}

func TestADeadlineTerminatesMainAndItsOutputsAreStillSaved(t *testing.T) {
	p := newWaitPod(t, plain, nil)
	main := p.emissary("main", `trap 'exit 7' TERM; `+say("ready")+loop).start()
	p.said("ready")
	run := p.wait(deadline(200 * time.Millisecond))
	main.mustEnd(7)
	run.mustExit(0)
	if got := p.read(p.paths.TerminationLog()); got != "Step exceeded its deadline" {
		t.Errorf("termination message %q", got)
	}
	if len(p.journal("wait", "deadline")) != 1 || !strings.Contains(p.calls(), "wait finish") {
		t.Errorf("calls %q", p.calls())
	}
	kills := p.journal("wait", "kill")
	if len(kills) != 1 || kills[0]["signal"] != "SIGTERM" || kills[0]["containers"].([]any)[0] != "main" {
		t.Errorf("kill %v", kills)
	}
}

func TestADeadlineKillsWhatIgnoresSIGTERMAfterTheGracePeriod(t *testing.T) {
	p := newWaitPod(t, plain, nil)
	main := p.emissary("main", `trap '' TERM; `+say("ready")+loop).start()
	p.said("ready")
	run := p.wait(deadline(-time.Hour), "ARGO_TERMINATION_GRACE_PERIOD_SECONDS=1") // passed already: at once
	main.mustEnd(137)
	run.mustExit(0)
	if kills := p.journal("wait", "kill"); len(kills) != 2 || kills[1]["signal"] != "SIGKILL" {
		t.Errorf("kill %v", kills)
	}
}

func TestASIGTERMHurriesAKillThatIsUnderWay(t *testing.T) {
	p := newWaitPod(t, plain, nil)
	main := p.emissary("main", `trap '' TERM; `+say("ready")+loop).start()
	p.said("ready")
	run := p.wait(deadline(-time.Hour), "ARGO_TERMINATION_GRACE_PERIOD_SECONDS=3600").watching()
	eventually(t, "the first phase", func() bool { return len(p.journal("wait", "kill")) == 1 })
	run.signal(syscall.SIGTERM)
	main.mustEnd(137)
	run.mustExit(0)
}
