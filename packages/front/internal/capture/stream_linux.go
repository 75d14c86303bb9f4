package capture

import (
	"os"
	"syscall"
	"unsafe"
)

type stream struct {
	read, write int
	sinks       Sinks
	open        bool
	// hungUp: nobody can write any more, and no further event will say so.
	hungUp bool
	// left is how many bytes were in the pipe when the process ended and are still to be read.
	left int
}

func newStream(sinks Sinks) (*stream, error) {
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	s := &stream{read: ends[0], write: ends[1], sinks: sinks, open: true}
	// Only our end: programs do not expect a stdout that does not block.
	if err := syscall.SetNonblock(s.read, true); err != nil {
		s.closeRead()
		s.closeWrite()
		return nil, os.NewSyscallError("fcntl", err)
	}
	return s, nil
}

func (s *stream) closeWrite() {
	if s.write >= 0 {
		syscall.Close(s.write)
		s.write = -1
	}
}

func (s *stream) closeRead() {
	if s.open {
		syscall.Close(s.read)
		s.open = false
		s.left = 0
	}
}

// pass moves one chunk to the sinks, and says whether there may be more.
func (s *stream) pass(buffer []byte) (more bool) {
	if !s.open {
		return false
	}
	n, err := syscall.Read(s.read, buffer)
	switch {
	case err == syscall.EINTR:
		return true
	case err == syscall.EAGAIN:
		s.left = 0
		return false
	case err != nil || n == 0:
		s.closeRead()
		return false
	}
	s.left -= n
	s.sinks.pass(buffer[:n])
	// A pipe gives all it has: less than was asked for means that it was empty, and the next write is a new edge.
	return n == len(buffer) || s.left > 0 || s.hungUp
}

// takeStock notes how many bytes the pipe holds, and says whether there are any.
func (s *stream) takeStock() bool {
	if !s.open {
		return false
	}
	var count int32
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(s.read), syscall.TIOCINQ, uintptr(unsafe.Pointer(&count)))
	if errno == 0 {
		s.left = int(count)
	}
	return s.left > 0
}
