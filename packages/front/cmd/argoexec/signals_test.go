package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/skein/front/internal/ctr"
)

// say is the part of a script that lets a test wait until the script is that far.
func say(what string) string { return `touch "$ROOT/` + what + `"; ` }

func (p *pod) said(what string) {
	p.t.Helper()
	eventually(p.t, "the script to be "+what, func() bool { return exists(filepath.Join(p.root, what)) })
}

// loop keeps a shell awake for signals: a trap runs only between commands.
const loop = `while :; do sleep 0.01; done`

func TestSignalsReachTheWholeGroup(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", `
		sh -c 'trap "`+`touch $ROOT/child-got-it; exit 0" USR1; touch $ROOT/child-ready; `+loop+`' &
		trap 'wait; exit 5' USR1; `+say("ready")+loop).start()
	p.said("ready")
	p.said("child-ready")
	run.signal(syscall.SIGUSR1)
	run.mustEnd(5)
	if !exists(filepath.Join(p.root, "child-got-it")) {
		t.Error("the child's child did not get the signal")
	}
	events := p.journal("main", "signal")
	if len(events) != 1 || events[0]["signal"] != "SIGUSR1" || events[0]["source"] != "process" {
		t.Errorf("journal %v", events)
	}
}

func TestEverySignalIsForwarded(t *testing.T) {
	for name, number := range map[string]syscall.Signal{
		"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "USR1": syscall.SIGUSR1,
		"USR2": syscall.SIGUSR2, "ALRM": syscall.SIGALRM, "TERM": syscall.SIGTERM, "CONT": syscall.SIGCONT,
		"WINCH": syscall.SIGWINCH, "PIPE": syscall.SIGPIPE, "PWR": syscall.SIGPWR,
	} {
		t.Run(name, func(t *testing.T) {
			run := newPod(t, plain).emissary("main", `trap 'exit 40' `+name+`; `+say("ready")+loop).start()
			run.said("ready")
			run.signal(number)
			run.mustEnd(40)
		})
	}
}

func TestTheEmissaryOutlivesSIGTERMAndReportsWhatTheCommandMakesOfIt(t *testing.T) {
	run := newPod(t, plain).emissary("main", `trap 'sleep 0.1; exit 0' TERM; `+say("ready")+loop).start()
	run.said("ready")
	run.signal(syscall.SIGTERM)
	run.mustEnd(0)
}

func TestTheSignalFileIsDeliveredAndRemoved(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", `trap 'echo TERM >> "$ROOT/got"' TERM; `+say("ready")+loop).start()
	p.said("ready")
	directory := p.paths.Container("main")
	// As upstream's own wait container writes it: not renamed into place.
	p.write(filepath.Join(directory, "signal"), "15")
	eventually(t, "SIGTERM", func() bool { return p.read(filepath.Join(p.root, "got")) == "TERM\n" })
	eventually(t, "the file to be removed", func() bool { return !exists(filepath.Join(directory, "signal")) })
	if err := ctr.LeaveSignal(directory, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	run.mustEnd(137)
	if events := p.journal("main", "signal"); len(events) != 2 || events[1]["source"] != "file" || events[1]["signal"] != "SIGKILL" {
		t.Errorf("journal %v", events)
	}
}

func TestJunkInTheSignalFileIsIgnored(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", `trap 'exit 6' USR1; `+say("ready")+loop).start()
	p.said("ready")
	file := filepath.Join(p.paths.Container("main"), "signal")
	p.write(file, "TERM")
	if err := ctr.LeaveSignal(p.paths.Container("main"), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	run.mustEnd(6)
}

// §22 39: upstream did not look at the signal file any more once it had got a SIGTERM.
func TestASIGTERMDoesNotMakeItDeafToTheSignalFile(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", `trap '`+say("terminated")+`' TERM; `+say("ready")+loop).start()
	p.said("ready")
	run.signal(syscall.SIGTERM)
	p.said("terminated")
	if err := ctr.LeaveSignal(p.paths.Container("main"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	run.mustEnd(137)
}

func TestAContainerThatWasToldToStopDoesNotStart(t *testing.T) {
	p := newPod(t, plain)
	directory := p.paths.Container("main")
	if err := ctr.MakeDirectory(directory); err != nil {
		t.Fatal(err)
	}
	if err := ctr.LeaveSignal(directory, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// The pause is for the signal to be found before the start, whoever is faster.
	run := p.emissary("main", say("started"), "ARGO_DEBUG_PAUSE_BEFORE=true").start()
	run.mustEnd(143)
	if exists(filepath.Join(p.root, "started")) {
		t.Error("the command was started")
	}
}

const retryForEver = `{"containerSet":{"containers":[{"name":"a"}],"retryStrategy":{"retries":100,"duration":"10ms"}}}`

// §22 40: upstream could start no further attempt after a SIGTERM, and ended with 64 instead of the command's own code.
func TestAfterASIGTERMThereIsNoFurtherAttemptAndTheCodeIsTheCommands(t *testing.T) {
	for _, source := range []string{"process", "file"} {
		p := newPod(t, retryForEver)
		run := p.emissary("a", `echo >> "$ROOT/attempts"; trap 'exit 9' TERM; `+say("ready")+loop).start()
		p.said("ready")
		if source == "process" {
			run.signal(syscall.SIGTERM)
		} else if err := ctr.LeaveSignal(p.paths.Container("a"), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		run.mustEnd(9)
		if got := p.read(filepath.Join(p.root, "attempts")); got != "\n" {
			t.Errorf("%s: %d attempts", source, len(got))
		}
	}
}

func TestASIGTERMBetweenAttemptsEndsTheWaiting(t *testing.T) {
	p := newPod(t, strings.Replace(retryForEver, "10ms", "1h", 1))
	run := p.emissary("a", `exit 9`).start()
	eventually(t, "the first attempt's end", func() bool { return len(p.journal("a", "process.end")) == 1 })
	run.signal(syscall.SIGTERM)
	run.mustEnd(9)
}

// §22 4: each attempt of upstream's added a forwarder with the process of that time, which took signals from the later.
func TestSignalsReachTheProcessOfTheLaterAttempt(t *testing.T) {
	p := newPod(t, `{"containerSet":{"containers":[{"name":"a"}],"retryStrategy":{"retries":4}}}`)
	run := p.emissary("a", `
		echo >> "$ROOT/attempts"
		[ "$(wc -l < "$ROOT/attempts")" = 4 ] || exit 1
		trap 'echo >> "$ROOT/got"' USR1; trap 'exit 5' USR2; `+say("ready")+loop).start()
	p.said("ready")
	for sent := 1; sent <= 5; sent++ {
		run.signal(syscall.SIGUSR1)
		eventually(t, "the signal to arrive", func() bool { return len(p.read(filepath.Join(p.root, "got"))) == sent })
	}
	run.signal(syscall.SIGUSR2)
	run.mustEnd(5)
}

func TestOrphansAreReaped(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", `
		for i in 1 2 3 4 5; do (sh -c 'echo $$ >> "$ROOT/orphans"' &); done
		trap 'exit 0' TERM; `+loop).start()
	count := func() int { return strings.Count(p.read(filepath.Join(p.root, "orphans")), "\n") }
	eventually(t, "five orphans", func() bool { return count() == 5 })
	for _, pid := range strings.Fields(p.read(filepath.Join(p.root, "orphans"))) {
		eventually(t, "orphan "+pid+" to be reaped", func() bool { return !exists("/proc/" + pid) })
	}
	run.signal(syscall.SIGTERM)
	run.mustEnd(0)
}

func TestABrokenLogDoesNotEndTheCommand(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", `while [ ! -e "$ROOT/go" ]; do sleep 0.01; done; i=0; while [ $i -lt 100 ]; do echo $i; i=$((i+1)); done; exit 4`,
		"ARGO_INCLUDE_SCRIPT_OUTPUT=true")
	run.command.Stdout = nil
	log, err := run.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	run.start()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	p.write(filepath.Join(p.root, "go"), "")
	run.mustEnd(4)
	if got := strings.Count(p.read(p.in("main", "stdout")), "\n"); got != 100 {
		t.Errorf("%d lines were captured", got)
	}
	if events := p.journal("main", "signal"); len(events) != 0 {
		t.Errorf("signals %v", events)
	}
}

func TestKillSignalsOneProcess(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", `trap 'exit 8' TERM; `+say("ready")+loop).start()
	p.said("ready")
	kill := p.container("main", nil, "kill", "15", fmt.Sprint(run.command.Process.Pid)).start()
	if got := kill.end(); got != 0 || kill.stdout.String() != fmt.Sprintf("killing %d with terminated\n", run.command.Process.Pid) {
		t.Errorf("%d, %q", got, kill.stdout.String())
	}
	run.mustEnd(8)
}

// §22 38: upstream panicked without arguments.
func TestKillSaysWhatIsWrong(t *testing.T) {
	p := newPod(t, plain)
	for _, test := range []struct {
		arguments []string
		message   string
	}{
		{[]string{"kill"}, "kill takes a signal and a process"},
		{[]string{"kill", "15"}, "kill takes a signal and a process"},
		{[]string{"kill", "TERM", "1"}, `failed to parse signal: strconv.Atoi: parsing "TERM"`},
		{[]string{"kill", "15", "init"}, `failed to parse PID: strconv.Atoi: parsing "init"`},
		{[]string{"kill", "15", "0"}, "failed to parse PID: 0 is not a process"},
		{[]string{"kill", "15", "4194305"}, "failed to kill 4194305 with terminated: no such process"},
	} {
		run := p.container("main", nil, test.arguments...).start()
		if got := run.end(); got != 64 || !strings.Contains(run.stderr.String(), "Error: "+test.message) {
			t.Errorf("%q: %d, %q", test.arguments, got, run.stderr.String())
		}
		if got := p.read(p.paths.TerminationLog()); !strings.HasPrefix(got, test.message) {
			t.Errorf("%q: termination message %q", test.arguments, got)
		}
	}
}
