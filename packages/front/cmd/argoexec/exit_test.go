package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheExitCodeIsTheCommands(t *testing.T) {
	for script, want := range map[string]int{
		"exit 0": 0, "exit 3": 3, "exit 64": 64, "exit 255": 255,
		"kill -TERM $$": 143, "kill -KILL $$": 137, "kill -SEGV $$": 139,
	} {
		run := newPod(t, plain).emissary("main", script).start()
		run.mustEnd(want)
		if got := run.read(run.paths.TerminationLog()); got != "" {
			t.Errorf("%s: the termination message is %q", script, got)
		}
		wantLine := fmt.Sprintf("Error: exit status %d\n", want)
		if got := strings.HasSuffix(run.stderr.String(), wantLine); got != (want != 0) {
			t.Errorf("%s: stderr is %q", script, run.stderr.String())
		}
	}
}

func TestTheJournalTellsOfTheProcess(t *testing.T) {
	run := newPod(t, plain).emissary("main", "kill -TERM $$", "TRACEPARENT=00-3be030a2cdb056498597b40666665e37-79e6b1236d70c8e3-01")
	run.start().mustEnd(143)
	start := run.journal("main", "start")
	if len(start) != 1 || start[0]["role"] != "emissary" || start[0]["parentSpanId"] != "79e6b1236d70c8e3" {
		t.Errorf("start %v", start)
	}
	process, end := run.journal("main", "process.start"), run.journal("main", "process.end")
	if len(process) != 1 || process[0]["command"] != "sh" || process[0]["attempt"] != 1.0 {
		t.Errorf("process.start %v", process)
	}
	if len(end) != 1 || end[0]["exitCode"] != 143.0 || end[0]["signal"] != "SIGTERM" {
		t.Errorf("process.end %v", end)
	}
	if last := run.journal("main", "end"); len(last) != 1 || last[0]["exitCode"] != 143.0 {
		t.Errorf("end %v", last)
	}
}

// §22 1: upstream wrote the exit-code file after it had shut down tracing, and noticed the end by polling each second.
func TestNothingStandsBetweenTheEndAndTheExitCodeFile(t *testing.T) {
	best := limit
	for range 10 {
		run := newPod(t, plain).emissary("main", "exit 0").start()
		run.mustEnd(0)
		info, err := os.Stat(run.in("main", "exitcode"))
		if err != nil {
			t.Fatal(err)
		}
		ended := run.journal("main", "process.end")[0].time(t)
		best = min(best, info.ModTime().Sub(ended))
	}
	if best > 5*time.Millisecond {
		t.Errorf("the file comes %v after the end was seen", best)
	}
}

func TestTheEndIsSeenWithinMilliseconds(t *testing.T) {
	best := limit
	for range 10 {
		run := newPod(t, plain).emissary("main", `exec date +%s%N`).start()
		run.mustEnd(0)
		var nanoseconds int64
		if _, err := fmt.Sscan(run.stdout.String(), &nanoseconds); err != nil {
			t.Fatal(err)
		}
		best = min(best, run.journal("main", "process.end")[0].time(t).Sub(time.Unix(0, nanoseconds)))
	}
	if best > 20*time.Millisecond {
		t.Errorf("seen after %v", best)
	}
}

func TestACommandThatIsNotFound(t *testing.T) {
	p := newPod(t, plain)
	run := p.container("main", nil, "emissary", "--", "no-such-program", "-x").start()
	run.mustEnd(64)
	want := `failed to find name in PATH: exec: "no-such-program": executable file not found in $PATH`
	if got := p.read(p.paths.TerminationLog()); got != want {
		t.Errorf("termination message %q", got)
	}
	if !strings.HasSuffix(run.stderr.String(), "Error: "+want+"\n"+want+"\n") {
		t.Errorf("stderr %q", run.stderr.String())
	}
	if events := p.journal("main", "error"); len(events) != 1 || events[0]["message"] != want {
		t.Errorf("journal %v", events)
	}
}

func TestACommandThatIsNotExecutable(t *testing.T) {
	p := newPod(t, plain)
	script := filepath.Join(p.root, "script")
	p.write(script, "#!/bin/sh\n")
	run := p.container("main", nil, "emissary", "--", script).start()
	run.mustEnd(64)
	if got := p.read(p.paths.TerminationLog()); !strings.HasSuffix(got, ": permission denied") {
		t.Errorf("termination message %q", got)
	}
}

func TestACommandThatCannotBeStarted(t *testing.T) {
	p := newPod(t, plain)
	program := filepath.Join(p.root, "program")
	p.write(program, "\x7fELF but not really")
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	p.container("main", nil, "emissary", "--", program).start().mustEnd(64)
	if got := p.read(p.paths.TerminationLog()); got != "failed to start command: fork/exec "+program+": exec format error" {
		t.Errorf("termination message %q", got)
	}
}

// §22 28: for members of a containerSet 64 is an Error, though the same mistake makes a single container Failed.
func TestAMemberOfAContainerSetThatCannotStartHasTheShellsCodes(t *testing.T) {
	p := newPod(t, `{"containerSet":{"containers":[{"name":"a"},{"name":"b"}]}}`)
	p.container("a", nil, "emissary", "--", "no-such-program").start().mustEnd(127)
	p.container("b", nil, "emissary", "--", p.root+"/tmp/keep").start().mustEnd(126)
	if got := p.read(p.paths.TerminationLog()); !strings.HasPrefix(got, "failed to find name in PATH: ") {
		t.Errorf("termination message %q", got)
	}
}

func TestProgramsInTheCurrentDirectoryAreNotFoundByAnEmptyPath(t *testing.T) {
	p := newPod(t, plain)
	p.write(filepath.Join(p.root, "here"), "#!/bin/sh\nexit 0\n")
	if err := os.Chmod(filepath.Join(p.root, "here"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.container("main", []string{"PATH=:"}, "emissary", "--", "here").start().mustEnd(64)
	if got := p.read(p.paths.TerminationLog()); !strings.Contains(got, "cannot run executable found relative to current directory") {
		t.Errorf("termination message %q", got)
	}
	p.container("other", []string{"PATH=:"}, "emissary", "--", "./here").start().mustEnd(0)
}

// §22 27 and 38: whatever is wrong, it is said, and the others in the pod learn that this container has ended.
func TestWrongArgumentsAreReportedToo(t *testing.T) {
	for _, test := range []struct {
		arguments []string
		want      int
		message   string
	}{
		{[]string{"emissary"}, 64, "no command to run"},
		{[]string{"emissary", "--"}, 64, "no command to run"},
		{[]string{"emissary", "--wrong", "--", "true"}, 64, "unknown flag: --wrong"},
		{[]string{"emissary", "--loglevel"}, 64, "flag needs an argument: --loglevel"},
		{[]string{"emissary", "--gloglevel", "many", "--", "true"}, 64, `invalid argument "many" for "--gloglevel" flag`},
		{[]string{"emissary", "--loglevel", "loud", "--", "true"}, 1, `"msg":"invalid log level \"loud\"`},
		{[]string{"emissary", "--log-format", "xml", "--", "true"}, 1, `"msg":"invalid log format \"xml\"`},
	} {
		run := newPod(t, plain).container("main", nil, test.arguments...).start()
		run.mustEnd(test.want)
		if !strings.Contains(run.stderr.String(), test.message) || strings.Contains(run.stderr.String(), "goroutine") {
			t.Errorf("%q: stderr %q", test.arguments, run.stderr.String())
		}
	}
}

func TestLogFlagsAreOptionalAndStandAnywhere(t *testing.T) {
	for _, arguments := range [][]string{
		{"emissary", "true"},
		{"emissary", "--", "true"},
		{"--loglevel", "warn", "emissary", "--log-format=json", "--", "true"},
		{"emissary", "--gloglevel", "", "--loglevel=PANIC", "--", "true"},
		{"emissary", "--namespace", "argo", "--insecure-skip-tls-verify", "--", "true"},
	} {
		newPod(t, plain).container("main", nil, arguments...).start().mustEnd(0)
	}
}

func TestTemplatesThatCannotBeReadAreNamed(t *testing.T) {
	p := newPod(t, "{")
	p.emissary("main", "true").start().mustEnd(64)
	if got := p.read(p.paths.TerminationLog()); !strings.HasPrefix(got, "failed to unmarshal template: ") {
		t.Errorf("malformed: %q", got)
	}
	if err := os.Remove(p.paths.Template()); err != nil {
		t.Fatal(err)
	}
	p.emissary("main", "true").start().mustEnd(64)
	if got := p.read(p.paths.TerminationLog()); !strings.HasPrefix(got, "failed to read template: ") {
		t.Errorf("missing: %q", got)
	}
	p.emissary("main", "true", "ARGO_TEMPLATE="+plain).start().mustEnd(0)
}

func TestAContainerDirectoryThatCannotBeMadeIsAnError(t *testing.T) {
	p := newPod(t, plain)
	p.write(filepath.Join(p.paths.Shared(), "ctr"), "a file")
	run := p.emissary("main", "true").start()
	if got := run.end(); got != 64 || !strings.Contains(run.stderr.String(), "Error: failed to create ctr directory: ") {
		t.Errorf("%d, %s", got, run.stderr.String())
	}
}

func TestAUsersContainerHasNoCore(t *testing.T) {
	p := newPod(t, plain)
	for _, name := range []string{"init", "supervisor", "resource", "wait"} {
		run := p.container("main", nil, name, "--loglevel", "info").start()
		if got := run.end(); got != 64 {
			t.Errorf("%s ended with %d", name, got)
		}
		if got := p.read(p.paths.TerminationLog()); !strings.HasPrefix(got, "argoexec "+name+": this container has only the front") ||
			!strings.Contains(run.stderr.String(), "Error: "+got+"\n"+got+"\n") {
			t.Errorf("%s: %q and %q", name, got, run.stderr.String())
		}
	}
}
