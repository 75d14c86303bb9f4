package capture

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

type outputs struct{ stdout, combined bytes.Buffer }

func connect(t *testing.T, o *outputs) *Pipes {
	t.Helper()
	combined := &Sink{Name: "combined", Writer: &o.combined, Required: true}
	p, err := New(Sinks{{Name: "stdout", Writer: &o.stdout, Required: true}, combined}, Sinks{combined})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run captures a shell script, and gives the error of its sinks and how long Finish took.
func run(t *testing.T, p *Pipes, script string, limit time.Duration) (failure error, took time.Duration) {
	t.Helper()
	stdout, stderr := p.ProcessEnds()
	process, err := os.StartProcess("/bin/sh", []string{"sh", "-c", script}, &os.ProcAttr{
		Files: []*os.File{nil, duplicate(t, stdout), duplicate(t, stderr)},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Start()
	if _, err := process.Wait(); err != nil {
		t.Fatal(err)
	}
	ended := time.Now()
	failure, _ = p.Finish(limit)
	return failure, time.Since(ended)
}

func duplicate(t *testing.T, fd uintptr) *os.File {
	t.Helper()
	copied, err := syscall.Dup(int(fd))
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(copied)
	file := os.NewFile(uintptr(copied), "pipe")
	t.Cleanup(func() { file.Close() })
	return file
}

// write writes to the process ends without a process.
func write(t *testing.T, fd uintptr, text string) {
	t.Helper()
	if _, err := syscall.Write(int(fd), []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestBothStreamsAreCapturedWhole(t *testing.T) {
	var o outputs
	// More than a megabyte in lines of two lengths, from two writers at once.
	script := `(i=0; while [ $i -lt 10000 ]; do echo "out $i ...................................................."; i=$((i+1)); done) &
		(i=0; while [ $i -lt 10000 ]; do echo "err $i ..........................................................." >&2; i=$((i+1)); done) & wait`
	if failure, _ := run(t, connect(t, &o), script, time.Second); failure != nil {
		t.Fatal(failure)
	}
	outLines, errLines := 0, 0
	for _, line := range strings.Split(strings.TrimSuffix(o.combined.String(), "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, fmt.Sprintf("out %d ...", outLines)):
			outLines++
		case strings.HasPrefix(line, fmt.Sprintf("err %d ...", errLines)):
			errLines++
		default:
			t.Fatalf("after %d and %d lines: %q", outLines, errLines, line)
		}
	}
	if outLines != 10000 || errLines != 10000 {
		t.Errorf("%d and %d lines", outLines, errLines)
	}
	if got := strings.Count(o.stdout.String(), "\n"); got != 10000 || strings.Contains(o.stdout.String(), "err") {
		t.Errorf("stdout has %d lines", got)
	}
}

// told passes on how much has arrived.
type told struct {
	bytes.Buffer
	arrived chan struct{}
}

func (w *told) Write(chunk []byte) (int, error) {
	defer func() { w.arrived <- struct{}{} }()
	return w.Buffer.Write(chunk)
}

func TestWhatWasReadBeforeTheOtherStreamWasWrittenComesFirst(t *testing.T) {
	combined := &told{arrived: make(chan struct{}, 1)}
	sinks := Sinks{{Name: "combined", Writer: combined, Required: true}}
	p, err := New(sinks, sinks)
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := p.ProcessEnds()
	ends := []uintptr{uintptr(duplicate(t, stdout).Fd()), uintptr(duplicate(t, stderr).Fd())}
	p.Start()
	want := ""
	for i := range 200 {
		line := fmt.Sprintln(i)
		want += line
		write(t, ends[i%2], line)
		<-combined.arrived
	}
	if failure, _ := p.Finish(time.Millisecond); failure != nil {
		t.Fatal(failure)
	}
	if combined.String() != want {
		t.Errorf("got %q", combined.String())
	}
}

func TestTheStreamThatWasWrittenFirstComesFirst(t *testing.T) {
	for _, first := range []string{"stdout", "stderr"} {
		var o outputs
		p := connect(t, &o)
		stdout, stderr := p.ProcessEnds()
		if first == "stdout" {
			write(t, stdout, "o")
			write(t, stderr, "e")
		} else {
			write(t, stderr, "e")
			write(t, stdout, "o")
		}
		p.Start()
		if failure, _ := p.Finish(time.Minute); failure != nil {
			t.Fatal(failure)
		}
		if want := map[string]string{"stdout": "oe", "stderr": "eo"}[first]; o.combined.String() != want {
			t.Errorf("%s first: %q", first, o.combined.String())
		}
	}
}

func TestADescendantThatKeepsThePipesDoesNotHoldUpTheEnd(t *testing.T) {
	var o outputs
	p := connect(t, &o)
	failure, took := run(t, p, `sleep 100 & echo $!; echo last words`, 100*time.Millisecond)
	defer endDescendant(t, &o)
	if failure != nil {
		t.Fatal(failure)
	}
	if took < 100*time.Millisecond || took > time.Second {
		t.Errorf("took %v", took)
	}
	if !strings.HasSuffix(o.stdout.String(), "last words\n") {
		t.Errorf("got %q", o.stdout.String())
	}
}

func endDescendant(t *testing.T, o *outputs) {
	var pid int
	if _, err := fmt.Sscan(o.stdout.String(), &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func TestADescendantThatKeepsWritingIsCutOff(t *testing.T) {
	var o outputs
	p := connect(t, &o)
	failure, took := run(t, p, `while :; do echo noise >&2; done & echo $!`, 50*time.Millisecond)
	defer endDescendant(t, &o)
	if failure != nil || took > time.Second {
		t.Errorf("took %v, %v", took, failure)
	}
}

// gate lets nothing through until it is opened.
type gate struct {
	bytes.Buffer
	opened chan struct{}
}

func (g *gate) Write(chunk []byte) (int, error) {
	<-g.opened
	return g.Buffer.Write(chunk)
}

func TestWhatWasWrittenBeforeTheEndIsNotLostToASlowSink(t *testing.T) {
	slow := &gate{opened: make(chan struct{})}
	p, err := New(Sinks{{Name: "stdout", Writer: slow, Required: true}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	stdout, _ := p.ProcessEnds()
	write(t, stdout, strings.Repeat("x", 60_000))
	p.Start()
	time.AfterFunc(20*time.Millisecond, func() { close(slow.opened) })
	if failure, _ := p.Finish(time.Millisecond); failure != nil {
		t.Fatal(failure)
	}
	if slow.Len() != 60_000 {
		t.Errorf("%d bytes arrived", slow.Len())
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestASinkThatFailsDoesNotStopTheOthers(t *testing.T) {
	var kept bytes.Buffer
	p, err := New(Sinks{
		{Name: "combined", Writer: fullDisk{}, Required: true},
		{Name: "log", Writer: fullDisk{}},
		{Name: "stdout", Writer: &kept, Required: true},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	stdout, _ := p.ProcessEnds()
	write(t, stdout, "result")
	p.Start()
	failure, warning := p.Finish(time.Minute)
	if kept.String() != "result" || !errors.Is(failure, syscall.ENOSPC) || !strings.Contains(failure.Error(), "combined") {
		t.Errorf("kept %q, failure %v", kept.String(), failure)
	}
	if warning == nil || strings.Contains(failure.Error(), "log") {
		t.Errorf("failure %v, warning %v", failure, warning)
	}
}

func TestATeeWritesToAllThatStillTake(t *testing.T) {
	var kept bytes.Buffer
	sinks := Sinks{{Name: "full", Writer: fullDisk{}}, {Name: "kept", Writer: &kept, Required: true}}
	for range 2 {
		if n, err := sinks.Tee().Write([]byte("ab")); n != 2 || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
	}
	if failure, warning := sinks.Errors(); kept.String() != "abab" || failure != nil || !errors.Is(warning, syscall.ENOSPC) {
		t.Errorf("kept %q, failure %v, warning %v", kept.String(), failure, warning)
	}
}

func TestNoDescriptorStaysOpen(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("no /proc")
		}
		return len(entries)
	}
	_ = exec.Command("/bin/true").Run() // whatever os opens once
	before := count()
	for range 5 {
		var o outputs
		p := connect(t, &o)
		p.Start()
		p.Finish(time.Second)
		connect(t, &o).Abandon()
	}
	if after := count(); after != before {
		t.Errorf("%d descriptors, then %d", before, after)
	}
}
