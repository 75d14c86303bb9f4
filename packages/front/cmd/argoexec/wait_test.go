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
