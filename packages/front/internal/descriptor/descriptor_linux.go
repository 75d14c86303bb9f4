// Package descriptor writes to descriptors that this program was given, and shares with others who may change them.
package descriptor

import (
	"syscall"
	"unsafe"
)

// Writer writes to a descriptor, also when somebody else has made it non-blocking: then it waits.
type Writer int

func (w Writer) Write(data []byte) (written int, err error) {
	for written < len(data) {
		n, err := syscall.Write(int(w), data[written:])
		if n > 0 {
			written += n
		}
		switch err {
		case nil, syscall.EINTR:
		case syscall.EAGAIN:
			poll(int(w), pollOut, true)
		default:
			return written, err
		}
	}
	return written, nil
}

// IsBroken says whether a descriptor is a pipe that nobody reads any more. Once it is, it stays so.
func IsBroken(fd int) bool { return poll(fd, 0, false)&pollError != 0 }

// Of poll(2); the syscall package has neither them nor the call.
const (
	pollOut   = 0x4
	pollError = 0x8
)

type pollFD struct {
	fd     int32
	events int16
	found  int16
}

func poll(fd int, events int16, wait bool) int16 {
	request := pollFD{fd: int32(fd), events: events}
	var limit *syscall.Timespec // nil waits for as long as it takes
	if !wait {
		limit = &syscall.Timespec{}
	}
	_, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&request)), 1,
		uintptr(unsafe.Pointer(limit)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return request.found
}
