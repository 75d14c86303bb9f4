package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const initless = "ARGO_WAIT_FOR_READY=true"

func TestAContainerOfAnInitlessPodWaitsForTheSupervisor(t *testing.T) {
	p := newPod(t, plain)
	if err := os.Remove(p.paths.Template()); err != nil {
		t.Fatal(err)
	}
	run := p.emissary("main", "exit 3", initless).start()
	eventually(t, "main to wait", func() bool { return strings.Contains(run.stderr.String(), "waiting for supervisor status marker") })
	p.write(p.paths.Status(), "RUNNING\n")
	p.write(p.paths.Template(), plain)
	replace(t, p.paths.Status(), "READY\n")
	run.mustEnd(3)
}

// replace replaces a file as the supervisor does.
func replace(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".tmp", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		t.Fatal(err)
	}
}

func TestASupervisorThatFailedOrDiedIsExitCode65(t *testing.T) {
	for name, test := range map[string]struct {
		status string
		age    time.Duration
		want   string
	}{
		"failed": {"FAILED\nartifact message failed to load: no such key\n", 0,
			"supervisor reported pre-main failure: artifact message failed to load: no such key"},
		"died": {"RUNNING\n", time.Minute, "supervisor presumed dead: no status update within 30s"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPod(t, plain)
			p.write(p.paths.Status(), test.status)
			then := time.Now().Add(-test.age)
			if err := os.Chtimes(p.paths.Status(), then, then); err != nil {
				t.Fatal(err)
			}
			run := p.emissary("main", say("started"), initless).start()
			run.mustEnd(65)
			if got := p.read(p.paths.TerminationLog()); got != test.want {
				t.Errorf("termination message %q", got)
			}
			if !strings.HasSuffix(run.stderr.String(), "Error: "+test.want+"\n") {
				t.Errorf("stderr %q", run.stderr.String())
			}
			if exists(filepath.Join(p.root, "started")) {
				t.Error("it was started")
			}
		})
	}
}

func TestASIGTERMWhileWaitingForTheSupervisorIsExitCode65(t *testing.T) {
	p := newPod(t, plain)
	run := p.emissary("main", "true", initless).start()
	eventually(t, "main to wait", func() bool { return strings.Contains(run.stderr.String(), "waiting for supervisor status marker") })
	run.signal(syscall.SIGTERM)
	run.mustEnd(65)
	if got := p.read(p.paths.TerminationLog()); got != "context canceled" {
		t.Errorf("termination message %q", got)
	}
}

func TestInputsOfAnInitlessPodAreLinked(t *testing.T) {
	p := newPod(t, `{"container":{},"inputs":{"artifacts":[
		{"name":"new","path":"$/deep/er/new"},{"name":"old","path":"$/old"},{"name":"missing","path":"$/missing"}]}}`)
	p.write(p.paths.Status(), "READY\n")
	p.write(p.paths.InputArtifact("new"), "new content")
	p.write(filepath.Join(p.paths.InputArtifact("old"), "f"), "old content")
	p.write(filepath.Join(p.root, "old", "of", "the", "image"), "x") // a directory that the input takes the place of
	run := p.emissary("main", `cat "$ROOT/deep/er/new" "$ROOT/old/f"; ls "$ROOT/old"`, initless).start()
	run.mustEnd(0)
	if got := run.stdout.String(); got != "new contentold contentf\n" {
		t.Errorf("got %q, %s", got, run.stderr.String())
	}
	if exists(filepath.Join(p.root, "missing")) {
		t.Error("an input that was not loaded was linked")
	}
}

func TestTheWorkingDirectoryMayBeAnInput(t *testing.T) {
	p := newPod(t, `{"container":{},"inputs":{"artifacts":[{"name":"src","path":"$/work"}]}}`)
	p.write(p.paths.Status(), "READY\n")
	p.write(filepath.Join(p.paths.InputArtifact("src"), "main.c"), "int main;")
	p.write(filepath.Join(p.root, "work", "empty"), "")
	run := p.emissary("main", `cat main.c`, initless)
	run.command.Dir = filepath.Join(p.root, "work")
	run.start().mustEnd(0)
	if got := run.stdout.String(); got != "int main;" {
		t.Errorf("got %q", got)
	}
}

func TestOnlyMainGetsLinks(t *testing.T) {
	p := newPod(t, `{"container":{},"sidecars":[{"name":"web"}],"inputs":{"artifacts":[{"name":"in","path":"$/in"}]}}`)
	p.write(p.paths.Status(), "READY\n")
	p.write(p.paths.InputArtifact("in"), "x")
	p.emissary("web", "true", initless).start().mustEnd(0)
	if exists(filepath.Join(p.root, "in")) {
		t.Error("a sidecar has links")
	}
}

func TestAnInputDoesNotReplaceWhatIsInAVolume(t *testing.T) {
	for name, test := range map[string]struct{ mount, input, want string }{
		"inside":          {"$/volume", "$/volume/data", `it resolves to $/volume/data inside volume mount "v" ($/volume)`},
		"through a link":  {"$/volume", "$/link/data", `it resolves to $/volume/data inside volume mount "v" ($/volume)`},
		"above":           {"$/volume/deep", "$/volume", `it resolves to $/volume which contains volume mount "v" ($/volume/deep)`},
		"the mount point": {"$/volume", "$/volume", `it resolves to $/volume inside volume mount "v" ($/volume)`},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPod(t, `{"container":{"volumeMounts":[{"name":"v","mountPath":"`+test.mount+`"}]},
				"inputs":{"artifacts":[{"name":"in","path":"`+test.input+`"}]}}`)
			p.write(p.paths.Status(), "READY\n")
			p.write(p.paths.InputArtifact("in"), "x")
			precious := filepath.Join(p.root, "volume", "data", "precious")
			p.write(precious, "x")
			if err := os.Symlink("volume", filepath.Join(p.root, "link")); err != nil {
				t.Fatal(err)
			}
			p.emissary("main", "true", initless).start().mustEnd(65)
			expand := func(text string) string { return strings.ReplaceAll(text, "$", p.root) }
			want := `refusing to stage input artifact "in" at ` + expand(test.input) + ": " + expand(test.want)
			if got := p.read(p.paths.TerminationLog()); !strings.HasPrefix(got, want) {
				t.Errorf("termination message %q, want %q", got, want)
			}
			// By this the supervisor knows that there never were outputs.
			if got := p.read(p.paths.Journal("main")); !strings.Contains(got, `"ready":false`) {
				t.Errorf("journal %q", got)
			}
			if !exists(precious) {
				t.Error("the volume was cleared")
			}
		})
	}
}
