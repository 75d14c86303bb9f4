package terminal

import (
	"bytes"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// outer is a terminal as a container with tty: true has it, and the side its user sits at.
func outer(t *testing.T, rows, columns uint16) (terminal, user *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { user.Close() })
	terminal, err = openSlave(user)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	size := [4]uint16{rows, columns}
	if err := control(user, syscall.TIOCSWINSZ, unsafe.Pointer(&size)); err != nil {
		t.Fatal(err)
	}
	return terminal, user
}

// run runs a script on a terminal of its own and gives what it printed.
func run(t *testing.T, terminal *os.File, script string, input io.Reader) string {
	t.Helper()
	inner, err := Open(int(terminal.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	end := inner.ProcessEnd()
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", script}, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{end, end, end},
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0},
	})
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	inner.Start(input, &output)
	if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	inner.Finish(5 * time.Second)
	return output.String()
}

func TestTheProcessHasATerminalOfTheSameSize(t *testing.T) {
	terminal, _ := outer(t, 33, 101)
	got := run(t, terminal, `test -t 0 && test -t 1 && test -t 2 && stty size < /dev/tty`, strings.NewReader(""))
	if got != "33 101\r\n" {
		t.Errorf("got %q", got)
	}
}

func TestInputReachesTheProcess(t *testing.T) {
	terminal, user := outer(t, 24, 80)
	if _, err := user.WriteString("typed\r"); err != nil {
		t.Fatal(err)
	}
	got := run(t, terminal, `stty -echo; read line; echo "got $line"`, terminal)
	if !strings.HasSuffix(got, "got typed\r\n") {
		t.Errorf("got %q", got)
	}
}

func TestTheOuterTerminalIsAsItWasAfterwards(t *testing.T) {
	terminal, _ := outer(t, 24, 80)
	state := func() (s syscall.Termios) {
		if err := ioctl(int(terminal.Fd()), syscall.TCGETS, unsafe.Pointer(&s)); err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := state()
	run(t, terminal, "true", strings.NewReader(""))
	if state() != before {
		t.Error("it was left raw")
	}
}

func TestAPipeIsNoTerminal(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	terminal, _ := outer(t, 24, 80)
	if IsTerminal(int(read.Fd())) || !IsTerminal(int(terminal.Fd())) {
		t.Error("a pipe is none, a pseudo-terminal is one")
	}
}
