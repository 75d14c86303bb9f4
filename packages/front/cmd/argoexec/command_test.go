package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func (p *pod) argsFile(arguments ...string) (variable string) {
	p.t.Helper()
	text, err := json.Marshal(arguments)
	if err != nil {
		p.t.Fatal(err)
	}
	path := filepath.Join(p.root, "argo", "config", "ARGO_CONTAINER_ARGS_FILE")
	p.write(path, string(text))
	return "ARGO_CONTAINER_ARGS_FILE=" + path
}

func TestOffloadedArgumentsAreAppended(t *testing.T) {
	p := newPod(t, plain)
	run := p.container("main", []string{p.argsFile("two", "--three=3", "")}, "emissary", "--", "printf", "<%s>", "one").start()
	run.mustEnd(0)
	if got := run.stdout.String(); got != "<one><two><--three=3><>" {
		t.Errorf("got %q", got)
	}
}

// The kernel takes 131,071 bytes in one argument, and no more.
func TestArgumentsThatAreTooLongForTheKernelGoToFiles(t *testing.T) {
	p := newPod(t, plain)
	fits, long := strings.Repeat("f", 131071), strings.Repeat("l", 131072)
	run := p.container("main", []string{p.argsFile(`echo ${#1} "$2"`, "sh", fits, long)}, "emissary", "--", "sh", "-c").start()
	run.mustEnd(0)
	path := filepath.Join(p.root, "tmp", "argo_arg_4.txt")
	if got := run.stdout.String(); got != "131071 @"+path+"\n" {
		t.Errorf("got %q", got)
	}
	if p.read(path) != long {
		t.Error("the file has something else")
	}
}

func TestArgumentsGoToTheSharedVolumeWhenTheRootIsReadOnly(t *testing.T) {
	p := newPod(t, plain)
	if err := os.RemoveAll(filepath.Join(p.root, "tmp")); err != nil {
		t.Fatal(err)
	}
	run := p.container("main", []string{p.argsFile(strings.Repeat("l", 200_000))}, "emissary", "--", "echo").start()
	run.mustEnd(0)
	if got := run.stdout.String(); got != "@"+p.in("main", "argo_arg_0.txt")+"\n" {
		t.Errorf("got %q", got)
	}
}

func TestArgumentsThatCannotBeReadAreNamed(t *testing.T) {
	p := newPod(t, plain)
	variable := p.argsFile()
	path := strings.TrimPrefix(variable, "ARGO_CONTAINER_ARGS_FILE=")
	p.write(path, `{"not":"a list"}`)
	p.container("main", []string{variable}, "emissary", "--", "true").start().mustEnd(64)
	if got := p.read(p.paths.TerminationLog()); !strings.HasPrefix(got, "failed to unmarshal container args: ") {
		t.Errorf("malformed: %q", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	p.container("main", []string{variable}, "emissary", "--", "true").start().mustEnd(64)
	if got := p.read(p.paths.TerminationLog()); !strings.HasPrefix(got, "failed to read container args file "+path+": ") {
		t.Errorf("missing: %q", got)
	}
}

func TestTheCommandsSpansAreChildrenOfTheContainers(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", `echo "$TRACEPARENT $ARGO_OTEL_traceparent $TRACESTATE $BAGGAGE"`,
		"TRACEPARENT=00-3be030a2cdb056498597b40666665e37-79e6b1236d70c8e3-01", "TRACESTATE=workflow=argo/x", "BAGGAGE=team=a").start()
	run.mustEnd(0)
	own := p.journal("main", "start")[0]["traceparent"].(string)
	if got := run.stdout.String(); got != own+" "+own+" workflow=argo/x team=a\n" {
		t.Errorf("got %q, want %s", got, own)
	}
	if !strings.HasPrefix(own, "00-3be030a2cdb056498597b40666665e37-") || strings.Contains(own, "79e6b1236d70c8e3") {
		t.Errorf("own %s", own)
	}
}

func TestTheCommandHasTheContainersEnvironmentAndDirectory(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", `pwd; echo "$GREETING"; cat`, "GREETING=hello there")
	run.command.Stdin = strings.NewReader("from stdin\n")
	run.start().mustEnd(0)
	if got := run.stdout.String(); got != p.root+"\nhello there\nfrom stdin\n" {
		t.Errorf("got %q", got)
	}
}

func TestOutputsOfMainAreSavedAlsoWhenItFails(t *testing.T) {
	template := `{"container":{},"outputs":{
		"parameters":[{"name":"p","valueFrom":{"path":"$/out/p"}}],
		"artifacts":[{"name":"a","path":"$/out"}]}}`
	for _, code := range []string{"0", "3"} {
		p := newPod(t, template)
		run := p.emissary("main", `mkdir -p "$ROOT/out" && echo value > "$ROOT/out/p"; exit `+code).start()
		run.mustEnd(map[string]int{"0": 0, "3": 3}[code])
		if got := p.read(p.paths.OutputParameter(p.root + "/out/p")); got != "value\n" {
			t.Errorf("parameter %q", got)
		}
		if !exists(p.paths.OutputArtifact(p.root + "/out")) {
			t.Error("no artifact")
		}
		if events := p.journal("main", "output"); len(events) != 2 || events[1]["files"] != 1.0 || events[1]["bytes"] != 6.0 {
			t.Errorf("journal %v", events)
		}
	}
}

func TestOutputsOfOthersAreNotSaved(t *testing.T) {
	p := newPod(t, `{"containerSet":{"containers":[{"name":"a"},{"name":"main"}]},"outputs":{"artifacts":[{"name":"x","path":"$/x"}]}}`)
	run := p.emissary("a", `echo > "$ROOT/x"`).start()
	run.mustEnd(0)
	if exists(p.paths.OutputArtifact(p.root+"/x")) || !strings.Contains(run.stderr.String(), "not saving outputs - not main container") {
		t.Errorf("stderr %q", run.stderr.String())
	}
}

// §22 29: upstream replaced the command's code with 64, in the process but not in the file.
func TestOutputsThatCannotBeSavedFailASuccessAndDoNotHideAFailure(t *testing.T) {
	template := `{"container":{},"outputs":{"artifacts":[{"name":"a","path":"$/out","archive":{"tar":{"compressionLevel":42}}}]}}`
	for script, want := range map[string]int{"true": 64, "exit 3": 3} {
		p := newPod(t, template)
		run := p.emissary("main", `echo > "$ROOT/out"; `+script).start()
		run.mustEnd(want)
		if !strings.Contains(run.stderr.String(), "gzip: invalid compression level: 42") {
			t.Errorf("%s: stderr %q", script, run.stderr.String())
		}
		if got := p.read(p.paths.TerminationLog()) != ""; got != (want == 64) {
			t.Errorf("%s: termination message %q", script, p.read(p.paths.TerminationLog()))
		}
	}
}

func TestTheExitCodeComesAfterTheOutputs(t *testing.T) {
	p := newPod(t, `{"container":{},"outputs":{"artifacts":[{"name":"a","path":"$/out"}]}}`)
	p.emissary("main", `head -c 5000000 /dev/urandom > "$ROOT/out"`).start().mustEnd(0)
	packed, err := os.Stat(p.paths.OutputArtifact(p.root + "/out"))
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.Stat(p.in("main", "exitcode"))
	if err != nil {
		t.Fatal(err)
	}
	if code.ModTime().Before(packed.ModTime()) {
		t.Errorf("the exit code was written at %v, the artifact at %v", code.ModTime(), packed.ModTime())
	}
}
