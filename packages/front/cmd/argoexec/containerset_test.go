package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestAMemberWaitsForThoseItDependsOn(t *testing.T) {
	p := newPod(t, `{"containerSet":{"containers":[{"name":"a"},{"name":"b"},{"name":"c","dependencies":["a","b"]}]}}`)
	c := p.emissary("c", `cat "$ROOT/order"; echo c >> "$ROOT/order"`).start()
	p.emissary("b", `echo b >> "$ROOT/order"`).start().mustEnd(0)
	eventually(t, "c to wait for a", func() bool { return strings.Contains(c.stderr.String(), "dependency=a") })
	p.emissary("a", `echo a >> "$ROOT/order"`).start().mustEnd(0)
	c.mustEnd(0)
	if got := c.stdout.String(); got != "b\na\n" {
		t.Errorf("before c there were %q", got)
	}
}

// §22 2: upstream's exit-code file had the dependency's code, and so said something else than the process.
func TestAMemberWhoseDependencyFailedEndsWithTheSameCodeEverywhere(t *testing.T) {
	p := newPod(t, `{"containerSet":{"containers":[{"name":"a"},{"name":"b","dependencies":["a"]}]}}`)
	p.emissary("a", `exit 3`).start().mustEnd(3)
	p.emissary("b", say("started")).start().mustEnd(64)
	if got := p.read(p.paths.TerminationLog()); got != `dependency "a" exited with non-zero code: 3` {
		t.Errorf("termination message %q", got)
	}
	if exists(filepath.Join(p.root, "started")) {
		t.Error("it was started")
	}
}

// §22 2: upstream wrote 0, the code of the dependency it had waited for.
func TestAMemberThatFailsAfterItsDependencySucceededDoesNotReportASuccess(t *testing.T) {
	p := newPod(t, `{"containerSet":{"containers":[{"name":"a"},{"name":"b","dependencies":["a"]}]}}`)
	p.emissary("a", `exit 0`).start().mustEnd(0)
	p.container("b", nil, "emissary", "--", "no-such-program").start().mustEnd(127)
}

// §22 2: upstream left 64, or a dependency's 0, in the file when a signal ended the waiting.
func TestASignalEndsTheWaitingForADependency(t *testing.T) {
	p := newPod(t, `{"containerSet":{"containers":[{"name":"a"},{"name":"b","dependencies":["a"]}]}}`)
	b := p.emissary("b", say("started")).start()
	eventually(t, "b to wait", func() bool { return strings.Contains(b.stderr.String(), "waiting for dependency") })
	b.signal(syscall.SIGUSR1) // is nothing to a container that waits
	b.signal(syscall.SIGTERM)
	b.mustEnd(143)
	if !strings.HasSuffix(b.stderr.String(), "Error: exit status 143\n") || p.read(p.paths.TerminationLog()) != "" {
		t.Errorf("stderr %q, termination message %q", b.stderr.String(), p.read(p.paths.TerminationLog()))
	}
}

// A controller that stops a pod tells one container after the other: those that wait took the first one's end for a
// failure of its own, and were Errors that blamed it.
func TestAMemberToldToStopAfterItsDependencyDoesNotBlameIt(t *testing.T) {
	for script, code := range map[string]int{"exec sleep 1000": 143, "trap 'exit 7' TERM; " + loop: 7} {
		p := newPod(t, `{"containerSet":{"containers":[{"name":"a"},{"name":"b","dependencies":["a"]}]}}`)
		a := p.emissary("a", say("ready")+script).start()
		p.said("ready")
		b := p.emissary("b", say("started")).start()
		eventually(t, "b to wait", func() bool { return strings.Contains(b.stderr.String(), "waiting for dependency") })
		a.signal(syscall.SIGTERM)
		a.mustEnd(code)
		eventually(t, "b to see why", func() bool { return strings.Contains(b.stderr.String(), "told to stop") })
		b.signal(syscall.SIGTERM)
		b.mustEnd(143)
		if got := p.read(p.paths.TerminationLog()); got != "" {
			t.Errorf("%s: termination message %q", script, got)
		}
	}
}

func TestADependencyThatAloneWasToldToStopFailsThoseThatWait(t *testing.T) {
	p := newPod(t, `{"containerSet":{"containers":[{"name":"a"},{"name":"b","dependencies":["a"]}]}}`)
	a := p.emissary("a", say("ready")+"exec sleep 1000").start()
	p.said("ready")
	b := p.emissary("b", say("started")).start()
	a.signal(syscall.SIGTERM)
	a.mustEnd(143)
	b.mustEnd(64)
	if got := p.read(p.paths.TerminationLog()); got != `dependency "a" exited with non-zero code: 143` {
		t.Errorf("termination message %q", got)
	}
	if exists(filepath.Join(p.root, "started")) {
		t.Error("b was run")
	}
}

func TestADependencyThatWasKilledIsNotWaitedForForEver(t *testing.T) {
	p := newPod(t, `{"containerSet":{"containers":[{"name":"a"},{"name":"b","dependencies":["a"]}]}}`)
	a := p.emissary("a", say("ready")+"exec sleep 1000").start()
	p.said("ready")
	b := p.emissary("b", say("started")).start()
	eventually(t, "b to wait", func() bool { return strings.Contains(b.stderr.String(), "waiting for dependency") })
	// The whole container at once, as the kernel does for want of memory.
	killContainer(t, a)
	b.mustEnd(64)
	if got := p.read(p.paths.TerminationLog()); !strings.HasPrefix(got, `dependency "a" ended without an exit code`) {
		t.Errorf("termination message %q", got)
	}
	if exists(p.in("a", "exitcode")) {
		t.Error("a killed container cannot report")
	}
}

// killContainer kills an emissary and its process.
func killContainer(t *testing.T, a *argoexec) {
	t.Helper()
	eventually(t, "the journal", func() bool { return len(a.journal(a.container, "process.start")) == 1 })
	pid := int(a.journal(a.container, "process.start")[0]["pid"].(float64))
	a.signal(syscall.SIGKILL)
	if _, err := a.command.Process.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func TestRetriesAreAttemptsInTotal(t *testing.T) {
	for retries, want := range map[string]int{"1": 1, "3": 3, `"2"`: 2} {
		p := newPod(t, `{"containerSet":{"containers":[{"name":"a"}],"retryStrategy":{"retries":`+retries+`,"duration":"1ms"}}}`)
		p.emissary("a", `echo >> "$ROOT/attempts"; exit 4`).start().mustEnd(4)
		if got := len(p.read(filepath.Join(p.root, "attempts"))); got != want {
			t.Errorf("retries %s: %d attempts", retries, got)
		}
		ends := p.journal("a", "process.end")
		if len(ends) != want || ends[want-1]["attempt"] != float64(want) {
			t.Errorf("retries %s: journal %v", retries, ends)
		}
	}
}

func TestTheFirstSuccessEndsTheRetries(t *testing.T) {
	p := newPod(t, `{"containerSet":{"containers":[{"name":"a"}],"retryStrategy":{"retries":5}}}`)
	p.emissary("a", `echo >> "$ROOT/attempts"; [ "$(wc -l < "$ROOT/attempts")" = 2 ]`).start().mustEnd(0)
	if got := len(p.read(filepath.Join(p.root, "attempts"))); got != 2 {
		t.Errorf("%d attempts", got)
	}
}

// §22 3, kept as upstream has it: no attempts at all are a success.
func TestNoRetriesAreNoAttempts(t *testing.T) {
	for _, retries := range []string{"0", `"often"`} {
		p := newPod(t, `{"containerSet":{"containers":[{"name":"a"}],"retryStrategy":{"retries":`+retries+`}}}`)
		run := p.emissary("a", say("started")).start()
		run.mustEnd(0)
		if exists(filepath.Join(p.root, "started")) || !strings.Contains(run.stderr.String(), "the command is not run") {
			t.Errorf("retries %s: %s", retries, run.stderr.String())
		}
	}
}

func TestAWrongRetryDurationIsAnError(t *testing.T) {
	for duration, want := range map[string]string{
		"-1s": "failed to get retry strategy: duration has to be positive, ", "soon": "failed to get retry strategy: time: invalid duration",
	} {
		p := newPod(t, `{"containerSet":{"containers":[{"name":"a"}],"retryStrategy":{"retries":2,"duration":"`+duration+`"}}}`)
		p.emissary("a", "true").start().mustEnd(64)
		if got := p.read(p.paths.TerminationLog()); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q", duration, got)
		}
	}
}

const withSidecar = `{"container":{},"sidecars":[{"name":"web"}]}`

func TestASidecarIsTerminatedWhenMainHasEnded(t *testing.T) {
	p := newPod(t, withSidecar)
	web := p.emissary("web", `trap 'echo bye; exit 0' TERM; `+say("ready")+loop).start()
	p.said("ready")
	p.emissary("main", "true").start().mustEnd(0)
	web.mustEnd(0)
	if web.stdout.String() != "bye\n" || !strings.Contains(web.stderr.String(), "main container(s) exited, terminating container") {
		t.Errorf("%q, %q", web.stdout.String(), web.stderr.String())
	}
	if events := p.journal("web", "signal"); len(events) != 1 || events[0]["source"] != "sidecar" {
		t.Errorf("journal %v", events)
	}
}

// Upstream's still ran 100 s later: the SIGTERM of the controller had made it deaf to its own SIGKILL (§22 39).
func TestASidecarThatIgnoresSIGTERMIsKilledAfterTheGracePeriod(t *testing.T) {
	p := newPod(t, withSidecar)
	web := p.emissary("web", `trap '' TERM; `+say("ready")+loop, "ARGO_TERMINATION_GRACE_PERIOD_SECONDS=1").start()
	p.said("ready")
	web.signal(syscall.SIGTERM)
	p.emissary("main", "true").start().mustEnd(0)
	web.mustEnd(137)
}

func TestASidecarEndsWithAMainThatWasKilled(t *testing.T) {
	p := newPod(t, withSidecar)
	web := p.emissary("web", `exec sleep 1000`).start()
	main := p.emissary("main", say("ready")+"exec sleep 1000").start()
	p.said("ready")
	killContainer(t, main)
	web.mustEnd(143)
}

func TestADebuggingPauseLastsUntilItsFileExists(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", say("started")+"exit 3", "ARGO_DEBUG_PAUSE_BEFORE=true", "ARGO_DEBUG_PAUSE_AFTER=true").start()
	eventually(t, "the pause", func() bool { return strings.Contains(run.stderr.String(), "/before") })
	if exists(filepath.Join(p.root, "started")) {
		t.Error("started in spite of the pause")
	}
	p.write(p.in("main", "before"), "")
	p.said("started")
	eventually(t, "the pause", func() bool { return strings.Contains(run.stderr.String(), "/after") })
	if run.exitCode() != "" {
		t.Error("reported in spite of the pause")
	}
	p.write(p.in("main", "after"), "")
	run.mustEnd(3)
}

func TestASIGTERMEndsADebuggingPause(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", "exit 3", "ARGO_DEBUG_PAUSE_AFTER=true").start()
	eventually(t, "the pause", func() bool { return strings.Contains(run.stderr.String(), "/after") })
	run.signal(syscall.SIGTERM)
	run.mustEnd(3)
}

func TestDirectoriesOfThePodAreForEveryUser(t *testing.T) {
	p := newPod(t, `{"containerSet":{"containers":[{"name":"a","dependencies":["b"]},{"name":"b"}]}}`)
	a := p.emissary("a", "true").start()
	eventually(t, "a to wait", func() bool { return strings.Contains(a.stderr.String(), "waiting for dependency") })
	for _, directory := range []string{p.paths.Container("a"), p.paths.Container("b"), filepath.Dir(p.paths.Journal("a"))} {
		eventually(t, directory, func() bool { return exists(directory) })
		if info, err := os.Stat(directory); err != nil || info.Mode().Perm() != 0o777 {
			t.Errorf("%s: %v, %v", directory, info, err)
		}
	}
	a.signal(syscall.SIGTERM)
	a.mustEnd(143)
}
