// Package terminal gives the user's process a terminal of its own when the container has one (tty: true), so that it
// leads its own session, as it would without the executor, while what it prints can be captured.
package terminal

import (
	"io"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// Terminal is a pseudo-terminal between the container's terminal and the user's process.
type Terminal struct {
	outer   int // the container's terminal
	master  *os.File
	slave   *os.File
	restore *syscall.Termios
	done    chan struct{}
}

// IsTerminal says whether a descriptor is a terminal.
func IsTerminal(fd int) bool {
	var state syscall.Termios
	return ioctl(fd, syscall.TCGETS, unsafe.Pointer(&state)) == nil
}

// Open makes a pseudo-terminal of the size of the terminal outer.
func Open(outer int) (*Terminal, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	slave, err := openSlave(master)
	if err != nil {
		master.Close()
		return nil, err
	}
	t := &Terminal{outer: outer, master: master, slave: slave, done: make(chan struct{})}
	t.Resize()
	return t, nil
}

func openSlave(master *os.File) (*os.File, error) {
	var number, unlock int32
	if err := control(master, syscall.TIOCGPTN, unsafe.Pointer(&number)); err != nil {
		return nil, os.NewSyscallError("TIOCGPTN", err)
	}
	if err := control(master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock)); err != nil {
		return nil, os.NewSyscallError("TIOCSPTLCK", err)
	}
	return os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
}

// ProcessEnd is the descriptor for the process' stdin, stdout and stderr.
func (t *Terminal) ProcessEnd() uintptr { return t.slave.Fd() }

// Start is called once the process has been started: input goes in untouched, and output to the writer.
func (t *Terminal) Start(input io.Reader, output io.Writer) {
	t.slave.Close()
	t.restore, _ = makeRaw(t.outer)
	go func() { _, _ = io.Copy(t.master, input) }() // ends with the program, or when the terminal is closed
	go func() {
		defer close(t.done)
		_, _ = io.Copy(output, t.master) // EIO when the last process has closed the terminal
	}()
}

// Resize passes the size of the container's terminal on.
func (t *Terminal) Resize() {
	var size [4]uint16 // struct winsize
	if ioctl(t.outer, syscall.TIOCGWINSZ, unsafe.Pointer(&size)) == nil {
		_ = control(t.master, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	}
}

// Finish is called when the process has ended. It returns when all output has been passed on, or, if descendants keep
// the terminal open, when limit has passed; and restores the container's terminal.
func (t *Terminal) Finish(limit time.Duration) {
	_ = t.master.SetReadDeadline(time.Now().Add(limit))
	<-t.done
	t.master.Close()
	if t.restore != nil {
		_ = ioctl(t.outer, syscall.TCSETS, unsafe.Pointer(t.restore))
	}
}

// Abandon releases a terminal whose process could not be started.
func (t *Terminal) Abandon() {
	t.slave.Close()
	t.master.Close()
}

// makeRaw lets every byte through as it is (cfmakeraw of termios(3)), and gives the state to go back to.
func makeRaw(fd int) (before *syscall.Termios, err error) {
	var state syscall.Termios
	if err := ioctl(fd, syscall.TCGETS, unsafe.Pointer(&state)); err != nil {
		return nil, err
	}
	raw := state
	raw.Iflag &^= syscall.IGNBRK | syscall.BRKINT | syscall.PARMRK | syscall.ISTRIP |
		syscall.INLCR | syscall.IGNCR | syscall.ICRNL | syscall.IXON
	raw.Oflag &^= syscall.OPOST
	raw.Lflag &^= syscall.ECHO | syscall.ECHONL | syscall.ICANON | syscall.ISIG | syscall.IEXTEN
	raw.Cflag = raw.Cflag&^(syscall.CSIZE|syscall.PARENB) | syscall.CS8
	raw.Cc[syscall.VMIN], raw.Cc[syscall.VTIME] = 1, 0
	if err := ioctl(fd, syscall.TCSETS, unsafe.Pointer(&raw)); err != nil {
		return nil, err
	}
	return &state, nil
}

// control is an ioctl that leaves the file in the runtime's poller, which File.Fd would not.
func control(file *os.File, request uintptr, argument unsafe.Pointer) error {
	connection, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	if err := connection.Control(func(fd uintptr) { failure = ioctl(int(fd), request, argument) }); err != nil {
		return err
	}
	return failure
}

func ioctl(fd int, request uintptr, argument unsafe.Pointer) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}
