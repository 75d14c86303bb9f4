package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

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
