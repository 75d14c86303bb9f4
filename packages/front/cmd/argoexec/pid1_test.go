package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// enter makes of the pod's root what a container sees of it, and then becomes the command, as PID 1 of its namespace.
const enter = `set -e
mount --make-rprivate /
mkdir -p "$ROOT/run" "$ROOT/opt"
for name in null zero full urandom tty; do touch "$ROOT/dev/$name"; mount --bind "/dev/$name" "$ROOT/dev/$name"; done
mount --rbind "$ROOT/dev" /dev
mount --bind "$ROOT/var/run/argo" "$ROOT/run"
mount -t tmpfs tmpfs /var/run
mkdir /var/run/argo
mount --bind "$ROOT/run" /var/run/argo
mount --bind "$ROOT/opt" /opt
mount -t proc proc /proc
exec "$@"
`

// isolated prepares a run of the real binary as PID 1 of a container's namespaces, with the pod's shared volume, /opt
// and /dev in their places. It skips the test where that is not allowed.
func (p *pod) isolated(name string, environ []string, arguments ...string) *argoexec {
	p.t.Helper()
	run := &argoexec{pod: p, container: name}
	path := binary(p.t, runtime.GOARCH)
	run.command = exec.Command("sh", append([]string{"-c", enter, "sh", path}, arguments...)...)
	run.command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "ARGO_CONTAINER_NAME=" + name, "ROOT=" + p.root, "ARGOEXEC=" + path}, environ...)
	run.command.Stdout, run.command.Stderr = &run.stdout, &run.stderr
	run.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	if os.Getuid() != 0 {
		attributes := run.command.SysProcAttr
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	probe := *run.command
	probe.Args = []string{"sh", "-c", "exit 0"}
	probe.Stdout, probe.Stderr = nil, nil
	if err := probe.Run(); err != nil {
		p.t.Skip("no namespaces here:", err)
	}
	return run.start()
}

// residentBytes is the memory of a process, shared pages included.
func residentBytes(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	var kilobytes int
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		t.Fatal(err)
	}
	return kilobytes * 1024
}

// maxResidentBytes is what the front may hold while it waits; upstream's holds 80 MB.
const maxResidentBytes = 8_000_000

func TestAnEmissaryThatWaitsTakesLittleMemory(t *testing.T) {
	p := newPod(t, `{"container":{},"script":{"source":"`+strings.Repeat("echo a long script; ", 5000)+`"}}`)
	run := p.isolated("main", []string{captured}, "emissary", "--", "sh", "-c",
		`i=0; while [ $i -lt 20000 ]; do echo "a line of output"; i=$((i+1)); done; echo ready; sleep 1000`)
	eventually(t, "output", func() bool { return strings.HasSuffix(run.stdout.String(), "ready\n") })
	resident := residentBytes(t, run.command.Process.Pid)
	t.Logf("%d bytes after capturing %d", resident, len(run.stdout.String()))
	if resident > maxResidentBytes {
		t.Errorf("%d bytes", resident)
	}
}

func TestAWaitThatWaitsTakesLittleMemory(t *testing.T) {
	p := newWaitPod(t, plain, nil)
	run := p.isolated("wait", append(progress(p, "10ms"), "ARGO_DEADLINE=2100-01-01T00:00:00Z"), "wait")
	p.write(filepath.Join(p.paths.Shared(), "progress"), "1/2\n")
	eventually(t, "a tick", func() bool { return strings.Contains(p.calls(), "wait tick") })
	resident := residentBytes(t, run.command.Process.Pid)
	t.Logf("%d bytes", resident)
	if resident > maxResidentBytes {
		t.Errorf("%d bytes", resident)
	}
	p.report("main", 0)
	run.mustExit(0)
}

func TestPID1ReapsOrphansAndIsKilledAsTheControllerDoesIt(t *testing.T) {
	p := newPod(t, plain)
	// The controller execs kill in the container; here the command does it.
	run := p.isolated("main", nil, "emissary", "--", "sh", "-c", `
		(sh -c 'echo $$ > "$ROOT/orphan"' &)
		while [ ! -s "$ROOT/orphan" ] || [ -e "/proc/$(cat "$ROOT/orphan")" ]; do sleep 0.01; done
		trap 'exit 11' TERM; "$ARGOEXEC" kill 15 1; `+loop)
	run.mustEnd(11)
	if got := p.journal("main", "start")[0]["pid"]; got != 1.0 {
		t.Errorf("it was process %v", got)
	}
	if got := run.stdout.String(); got != "killing 1 with terminated\n" {
		t.Errorf("got %q", got)
	}
}

func TestAnImageWithNothingInItIsEnough(t *testing.T) {
	p := newPod(t, `{"container":{},"outputs":{"artifacts":[{"name":"o","path":"/out"}],"parameters":[{"name":"p","valueFrom":{"path":"/out"}}]}}`)
	front, err := os.ReadFile(binary(t, runtime.GOARCH))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(p.root, "argoexec"), filepath.Join(p.root, "true")} {
		p.write(path, string(front))
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p.write(filepath.Join(p.root, "out"), "an output")
	// No libraries, no shell, no /proc, no user database: only the front, which is also the user's program here.
	run := &argoexec{pod: p, container: "main", command: exec.Command("/argoexec", "emissary", "--", "/true", "version", "--short")}
	run.command.Env = []string{"ARGO_CONTAINER_NAME=main", captured}
	run.command.Dir = "/"
	run.command.Stdout, run.command.Stderr = &run.stdout, &run.stderr
	run.command.SysProcAttr = &syscall.SysProcAttr{Chroot: p.root, Setpgid: true}
	if os.Getuid() != 0 {
		t.Skip("chroot is for root")
	}
	run.start().mustEnd(0)
	if got := run.stdout.String(); !strings.HasPrefix(got, "argoexec: ") || p.read(p.in("main", "stdout")) != got {
		t.Errorf("got %q", got)
	}
	if !exists(p.paths.OutputArtifact("/out")) || p.read(p.paths.OutputParameter("/out")) != "an output" {
		t.Errorf("outputs are missing: %s", run.stderr.String())
	}
}
