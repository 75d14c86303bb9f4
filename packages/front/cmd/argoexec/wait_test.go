package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skein/front/internal/ctr"
)

// fakeCore stands in for node: it notes how it was called, and does what the test has left for the act.
const fakeCore = `#!/bin/sh
program=$1; shift
echo "$*" >> "$ROOT/calls"
[ ! -e "$ROOT/$2.sh" ] || . "$ROOT/$2.sh"
exit 0
`

// newWaitPod makes a pod in whose wait container each act runs a script.
func newWaitPod(t *testing.T, template string, acts map[string]string) *pod {
	t.Helper()
	p := newPod(t, template)
	node := filepath.Join(p.root, "opt", "skein", "bin", "node")
	p.write(node, fakeCore)
	if err := os.Chmod(node, 0o755); err != nil {
		t.Fatal(err)
	}
	p.write(filepath.Join(p.root, "opt", "skein", "core", "argoexec.cjs"), "")
	for act, script := range acts {
		p.write(filepath.Join(p.root, act+".sh"), script)
	}
	return p
}

func (p *pod) wait(environ ...string) *argoexec {
	p.t.Helper()
	environ = append([]string{"ARGO_DEADLINE=0001-01-01T00:00:00Z"}, environ...)
	return p.container("wait", environ, "wait", "--loglevel", "info", "--log-format", "text", "--gloglevel", "0").start()
}

func (p *pod) calls() string { return p.read(filepath.Join(p.root, "calls")) }

// watching waits until the wait container waits for main.
func (a *argoexec) watching() *argoexec {
	a.t.Helper()
	eventually(a.t, "the watch to begin", func() bool {
		return len(a.journal("wait", "watch.start")) == 1 && exists(a.paths.Container("main")) && strings.Contains(a.calls(), "wait begin")
	})
	return a
}

func (p *pod) report(container string, code int) {
	p.t.Helper()
	directory := p.paths.Container(container)
	if err := ctr.MakeDirectory(directory); err != nil {
		p.t.Fatal(err)
	}
	file, err := ctr.PrepareExitCode(directory)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := file.Write(code); err != nil {
		p.t.Fatal(err)
	}
}

const flags = " --loglevel info --log-format text --gloglevel 0\n"

func TestWaitBeginsWatchesAndFinishes(t *testing.T) {
	p := newWaitPod(t, plain, nil)
	run := p.wait("TRACEPARENT=00-3be030a2cdb056498597b40666665e37-79e6b1236d70c8e3-01").watching()
	p.report("main", 3)
	run.mustExit(0)
	if got := p.calls(); got != "wait begin"+flags+"wait finish"+flags {
		t.Errorf("calls %q", got)
	}
	start := p.journal("wait", "start")
	if len(start) != 1 || start[0]["role"] != "wait" || start[0]["parentSpanId"] != "79e6b1236d70c8e3" {
		t.Errorf("start %v", start)
	}
	if end := p.journal("wait", "watch.end"); len(end) != 1 || end[0]["reason"] != "completed" {
		t.Errorf("watch.end %v", end)
	}
	if acts := p.journal("wait", "act.start"); len(acts) != 2 || acts[0]["act"] != "begin" || acts[1]["act"] != "finish" {
		t.Errorf("act.start %v", acts)
	}
	for _, act := range p.journal("wait", "act.end") {
		if act["exitCode"] != 0.0 || act["cpuSeconds"].(float64) < 0 || act["maxRssBytes"].(float64) < 100_000 {
			t.Errorf("act.end %v", act)
		}
	}
	if !strings.Contains(run.stderr.String(), `msg="Main container completed" error=<nil>`) {
		t.Errorf("log %s", run.stderr.String())
	}
}

func TestTheEndOfMainIsSeenWithinMilliseconds(t *testing.T) {
	best := limit
	for range 5 {
		p := newWaitPod(t, plain, nil)
		run := p.wait().watching()
		eventually(t, "begin to end", func() bool { return len(p.journal("wait", "act.end")) == 1 })
		reported := time.Now()
		p.report("main", 0)
		run.mustExit(0)
		best = min(best, p.journal("wait", "watch.end")[0].time(t).Sub(reported))
	}
	if best > 20*time.Millisecond {
		t.Errorf("seen after %v", best)
	}
}

func TestFlagsBeforeTheCommandReachTheCoreToo(t *testing.T) {
	p := newWaitPod(t, plain, nil)
	p.report("main", 0)
	run := p.container("wait", nil, "--loglevel", "warn", "wait", "--kubeconfig=/kube/config").start()
	run.mustExit(0)
	if got := p.calls(); !strings.HasPrefix(got, "wait begin --loglevel warn --kubeconfig=/kube/config\n") {
		t.Errorf("calls %q", got)
	}
}

func TestTheExitCodeIsThatOfFinish(t *testing.T) {
	p := newWaitPod(t, plain, map[string]string{"finish": `echo "Error: workflowtaskresults.argoproj.io is forbidden" >&2; exit 64`})
	p.report("main", 0)
	run := p.wait()
	run.mustExit(64)
	if got := run.stderr.String(); strings.Count(got, "Error: ") != 1 {
		t.Errorf("the core has told why, and once is enough: %q", got)
	}
	if got := p.journal("wait", "end"); len(got) != 1 || got[0]["exitCode"] != 64.0 {
		t.Errorf("end %v", got)
	}
}

func TestAFinishThatWasKilledIsExplained(t *testing.T) {
	p := newWaitPod(t, plain, map[string]string{"finish": `kill -KILL $$`})
	p.report("main", 0)
	p.wait().mustExit(137)
	if got := p.read(p.paths.TerminationLog()); !strings.Contains(got, "ended by SIGKILL") {
		t.Errorf("termination message %q", got)
	}
}

func TestABeginThatFindsThePodMisconfiguredEndsItAtOnce(t *testing.T) {
	for _, code := range []string{"1", "2"} {
		p := newWaitPod(t, plain, map[string]string{"begin": "exit " + code})
		p.wait().mustExit(map[string]int{"1": 1, "2": 2}[code])
		if strings.Contains(p.calls(), "finish") {
			t.Errorf("calls %q", p.calls())
		}
	}
}

func TestAnyOtherFailureOfBeginIsForFinishToReport(t *testing.T) {
	for _, script := range []string{"exit 64", "kill -KILL $$"} {
		p := newWaitPod(t, plain, map[string]string{"begin": script})
		p.report("main", 0)
		p.wait().mustExit(0)
		if got := p.calls(); !strings.HasSuffix(got, "wait finish"+flags) {
			t.Errorf("calls %q", got)
		}
	}
}

func TestFinishComesAfterBegin(t *testing.T) {
	p := newWaitPod(t, plain, map[string]string{
		"begin":  `while [ ! -e "$ROOT/go" ]; do sleep 0.01; done; touch "$ROOT/begun"`,
		"finish": `[ -e "$ROOT/begun" ] || exit 5`,
	})
	p.report("main", 0)
	run := p.wait()
	eventually(t, "the watch to end", func() bool { return len(p.journal("wait", "watch.end")) == 1 })
	if strings.Contains(p.calls(), "finish") {
		t.Error("finish did not wait for begin")
	}
	p.write(filepath.Join(p.root, "go"), "")
	run.mustExit(0)
}

func TestABeginThatDoesNotGetThroughEndsWithItsShareOfTheGracePeriod(t *testing.T) {
	p := newWaitPod(t, plain, map[string]string{"begin": `trap 'echo gave up > "$ROOT/begun"; exit 64' TERM; ` + loop})
	p.report("main", 0)
	run := p.wait("ARGO_TERMINATION_GRACE_PERIOD_SECONDS=1").watching()
	eventually(t, "the watch to end", func() bool { return len(p.journal("wait", "watch.end")) == 1 })
	run.signal(syscall.SIGTERM)
	run.mustExit(0)
	if p.read(filepath.Join(p.root, "begun")) != "gave up\n" || !strings.HasSuffix(p.calls(), "wait finish"+flags) {
		t.Errorf("calls %q", p.calls())
	}
}

func TestEveryMemberOfAContainerSetIsWaitedFor(t *testing.T) {
	p := newWaitPod(t, `{"containerSet":{"containers":[{"name":"a"},{"name":"main"}]}}`, nil)
	run := p.wait().watching()
	p.report("main", 0)
	eventually(t, "a's directory", func() bool { return exists(p.paths.Container("a")) })
	if strings.Contains(p.calls(), "finish") {
		t.Error("a is still running")
	}
	p.report("a", 1)
	run.mustExit(0)
}

func TestWithoutATemplateNothingCanBeWaitedFor(t *testing.T) {
	p := newWaitPod(t, "{", nil)
	run := p.wait()
	run.mustExit(2)
	if got := p.read(p.paths.TerminationLog()); !strings.HasPrefix(got, "failed to unmarshal template: ") {
		t.Errorf("termination message %q", got)
	}
}

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

func progress(p *pod, tick string) []string {
	return []string{
		"ARGO_PROGRESS_FILE=" + filepath.Join(p.paths.Shared(), "progress"),
		"ARGO_PROGRESS_PATCH_TICK_DURATION=" + tick, "ARGO_PROGRESS_FILE_TICK_DURATION=3s",
	}
}

func TestProgressIsReportedWhenThereIsSome(t *testing.T) {
	p := newWaitPod(t, plain, map[string]string{"tick": `cat "$ARGO_PROGRESS_FILE" >> "$ROOT/reported"`})
	run := p.wait(progress(p, "20ms")...).watching()
	reported := filepath.Join(p.root, "reported")
	replace(t, filepath.Join(p.paths.Shared(), "progress"), "1/10\n")
	eventually(t, "the first report", func() bool { return p.read(reported) == "1/10\n" })
	time.Sleep(100 * time.Millisecond) // several ticks without news
	replace(t, filepath.Join(p.paths.Shared(), "progress"), "5/10\n")
	eventually(t, "the second report", func() bool { return p.read(reported) == "1/10\n5/10\n" })
	p.report("main", 0)
	run.mustExit(0)
	if got := strings.Count(p.calls(), "wait tick"); got != 2 {
		t.Errorf("%d ticks", got)
	}
}

func TestAReportThatFailedIsTriedAgain(t *testing.T) {
	p := newWaitPod(t, plain, map[string]string{"tick": `[ -e "$ROOT/again" ] || { touch "$ROOT/again"; exit 64; }`})
	p.write(filepath.Join(p.paths.Shared(), "progress"), "1/10\n")
	run := p.wait(progress(p, "20ms")...).watching()
	eventually(t, "two ticks", func() bool { return strings.Count(p.calls(), "wait tick") == 2 })
	p.report("main", 0)
	run.mustExit(0)
}

func TestATickThatHangsDoesNotHoldUpFinish(t *testing.T) {
	p := newWaitPod(t, plain, map[string]string{"tick": `trap '' TERM; ` + say("ticking") + `while :; do sleep 1; done`})
	p.write(filepath.Join(p.paths.Shared(), "progress"), "1/10\n")
	run := p.wait(progress(p, "20ms")...)
	p.said("ticking")
	start := time.Now()
	p.report("main", 0)
	run.mustExit(0)
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestWithoutDurationsProgressIsNotMonitored(t *testing.T) {
	p := newWaitPod(t, plain, nil)
	p.report("main", 0)
	run := p.wait()
	run.mustExit(0)
	if !strings.Contains(run.stderr.String(), "monitoring progress disabled") {
		t.Errorf("log %s", run.stderr.String())
	}
}

func TestOtherCommandsAreTheCores(t *testing.T) {
	p := newWaitPod(t, plain, map[string]string{"--loglevel": `echo "$SKEIN_FRONT $program $$"; exit 9`})
	run := p.container("init", nil, "init", "--loglevel", "info").start()
	run.mustExit(9)
	want := filepath.Join(p.root, "bin", "argoexec") + " " + filepath.Join(p.root, "opt", "skein", "core", "argoexec.cjs")
	if got := strings.Fields(run.stdout.String()); len(got) != 3 || strings.Join(got[:2], " ") != want {
		t.Errorf("got %q, want %q", got, want)
	} else if got[2] != strconv.Itoa(run.command.Process.Pid) {
		t.Errorf("the core is process %s, not %d: it was not execed", got[2], run.command.Process.Pid)
	}
	if got := p.calls(); got != "init --loglevel info\n" {
		t.Errorf("calls %q", got)
	}
}
