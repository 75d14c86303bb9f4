package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/skein/front/internal/cli"
	"github.com/skein/front/internal/paths"
	"github.com/skein/front/internal/process"
)

// asArgoexec as the first argument makes this test program be argoexec, in the pod whose root is the second: a real
// process for each test, without a place on this machine that they would have to share.
const asArgoexec = "as-argoexec"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == asArgoexec {
		program := cli.Program{
			Args: os.Args[3:], Environ: os.Environ(), Paths: paths.Paths{Root: os.Args[2]},
			Front: filepath.Join(os.Args[2], "bin", "argoexec"), Stdout: os.Stdout, Stderr: os.Stderr,
			Signals: process.NotifyAll(),
		}
		os.Exit(program.Run())
	}
	code := m.Run()
	os.RemoveAll(buildDirectory)
	os.Exit(code)
}

// limit is for whatever has to happen soon, on a busy machine.
const limit = time.Minute

// pod is a pod's shared volume and the environment its containers have.
type pod struct {
	t     *testing.T
	root  string
	paths paths.Paths
}

// newPod makes a pod whose init container has written the template. In it, $ stands for the pod's root.
func newPod(t *testing.T, template string) *pod {
	t.Helper()
	root := t.TempDir()
	p := &pod{t: t, root: root, paths: paths.Paths{Root: root}}
	p.write(p.paths.Template(), strings.ReplaceAll(template, "$", root))
	p.write(filepath.Join(root, "tmp", "keep"), "")
	p.write(p.paths.TerminationLog(), "")
	return p
}

func (p *pod) write(path, text string) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		p.t.Fatal(err)
	}
}

// read gives a file's text, or "" when there is none.
func (p *pod) read(path string) string {
	p.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.t.Fatal(err)
	}
	return string(text)
}

func (p *pod) in(container, name string) string {
	return filepath.Join(p.paths.Container(container), name)
}

// argoexec is one run of argoexec.
type argoexec struct {
	*pod
	container      string
	command        *exec.Cmd
	stdout, stderr lockedBuffer
}

// container prepares a run in the named container, with more environment variables and arguments for argoexec.
func (p *pod) container(name string, environ []string, arguments ...string) *argoexec {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	run := &argoexec{pod: p, container: name}
	run.command = exec.Command(self, append([]string{asArgoexec, p.root}, arguments...)...)
	run.command.Dir = p.root
	run.command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "ARGO_CONTAINER_NAME=" + name, "ROOT=" + p.root}, environ...)
	run.command.Stdout, run.command.Stderr = &run.stdout, &run.stderr
	// Its own group, so that nothing a test sends reaches the tests.
	run.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return run
}

// emissary runs a shell script under the emissary, with ROOT as the pod's root.
func (p *pod) emissary(name, script string, environ ...string) *argoexec {
	p.t.Helper()
	return p.container(name, environ, "emissary", "--loglevel", "info", "--log-format", "text", "--gloglevel", "0", "--", "sh", "-c", script)
}

func (a *argoexec) start() *argoexec {
	a.t.Helper()
	if err := a.command.Start(); err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() {
		_ = syscall.Kill(-a.command.Process.Pid, syscall.SIGKILL)
		a.killCommand()
	})
	return a
}

// killCommand ends the command that a killed emissary has left running: it is in a group of its own.
func (a *argoexec) killCommand() {
	started, ended := a.journal(a.container, "process.start"), a.journal(a.container, "process.end")
	if len(started) > len(ended) {
		_ = syscall.Kill(-int(started[len(started)-1]["pid"].(float64)), syscall.SIGKILL)
	}
}

// end waits for the end and gives the exit code.
func (a *argoexec) end() int {
	a.t.Helper()
	timer := time.AfterFunc(limit, func() { _ = a.command.Process.Kill() })
	defer timer.Stop()
	err := a.command.Wait()
	var failure *exec.ExitError
	if err != nil && !errors.As(err, &failure) {
		a.t.Fatal(err)
	}
	if a.command.ProcessState.ExitCode() < 0 {
		a.t.Fatalf("argoexec was killed: %v\n%s", a.command.ProcessState, a.stderr.String())
	}
	return a.command.ProcessState.ExitCode()
}

func (a *argoexec) signal(number syscall.Signal) {
	a.t.Helper()
	if err := a.command.Process.Signal(number); err != nil {
		a.t.Fatal(err)
	}
}

// mustExit checks the exit code of a command that has no exit-code file.
func (a *argoexec) mustExit(want int) {
	a.t.Helper()
	if got := a.end(); got != want {
		a.t.Errorf("argoexec ended with %d, want %d\n%s", got, want, a.stderr.String())
	}
}

// exitCode is the container's exit-code file, "" when there is none.
func (a *argoexec) exitCode() string { return a.read(a.in(a.container, "exitcode")) }

// mustEnd checks that the process and its exit-code file say the same.
func (a *argoexec) mustEnd(want int) {
	a.t.Helper()
	if got := a.end(); got != want {
		a.t.Errorf("argoexec ended with %d, want %d\n%s", got, want, a.stderr.String())
	}
	if got := a.exitCode(); got != strconv.Itoa(want) {
		a.t.Errorf("the exit-code file has %q, want %d", got, want)
	}
}

// event is a line of a journal.
type event map[string]any

func (p *pod) journal(container string, of string) (events []event) {
	p.t.Helper()
	for _, line := range strings.FieldsFunc(p.read(p.paths.Journal(container)), func(r rune) bool { return r == '\n' }) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			p.t.Fatalf("%v in journal line %q", err, line)
		}
		if e["event"] == of {
			events = append(events, e)
		}
	}
	return events
}

func (e event) time(t *testing.T) time.Time {
	t.Helper()
	nanoseconds, err := strconv.ParseInt(e["timeUnixNano"].(string), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Unix(0, nanoseconds)
}

// eventually waits for something another process does.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for start := time.Now(); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Since(start) > limit {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(data)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

const plain = `{"name":"t","inputs":{},"outputs":{},"container":{"image":"x"}}`
