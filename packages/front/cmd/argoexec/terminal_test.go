package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// terminal is what a container with tty: true has as its stdin, and the side its user sits at.
func terminal(t *testing.T) (container, user *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { user.Close() })
	var number, unlock int32
	connection, err := user.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = connection.Control(func(fd uintptr) {
		_, _, _ = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCGPTN, uintptr(unsafe.Pointer(&number)))
		_, _, _ = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCSPTLCK, uintptr(unsafe.Pointer(&unlock)))
	})
	if err != nil {
		t.Fatal(err)
	}
	container, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return container, user
}

func TestAContainerWithATerminalGivesItsCommandOne(t *testing.T) {
	p := newPod(t, plain)
	container, user := terminal(t)
	run := p.emissary("main", `test -t 0 && test -t 1 && test -t 2 && read line </dev/tty && echo "got $line"; exit 5`, captured)
	run.command.Stdin, run.command.Stdout = container, container
	run.start()
	container.Close()
	if _, err := user.WriteString("typed\r"); err != nil {
		t.Fatal(err)
	}
	run.mustEnd(5)
	// EIO once nobody has the terminal any more.
	seen, _ := io.ReadAll(user)
	if !strings.Contains(string(seen), "got typed\r\n") {
		t.Errorf("the user saw %q", seen)
	}
	for _, name := range []string{"stdout", "combined"} {
		if got := p.read(p.in("main", name)); !strings.HasSuffix(got, "got typed\r\n") {
			t.Errorf("%s has %q", name, got)
		}
	}
}

func TestASignalReachesACommandWithATerminal(t *testing.T) {
	p := newPod(t, plain)
	container, _ := terminal(t)
	run := p.emissary("main", `trap 'exit 6' TERM; `+say("ready")+loop)
	run.command.Stdin = container
	run.start()
	p.said("ready")
	run.signal(syscall.SIGTERM)
	run.mustEnd(6)
}
