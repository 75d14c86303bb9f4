package ctr

import (
	"os"
	"path/filepath"
	"syscall"
)

const lockName = "lock"

// Lock says that this container's emissary lives. The kernel takes it back at the end of the process, whatever ended
// it, so that others learn of an end that could not be reported any more: an emissary killed with its whole cgroup for
// want of memory writes no exit code. The file must stay referenced until the process ends.
//
// An error is no reason to stop: without the lock others wait as long as they always did.
func Lock(directory string) (*os.File, error) {
	temporary := filepath.Join(directory, lockName+".tmp")
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := flock(file, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, err
	}
	// Only now does it get its name, so that nobody sees it unlocked in a living container.
	if err := os.Rename(temporary, filepath.Join(directory, lockName)); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

type lockState int

const (
	neverLocked lockState = iota
	locked
	released
)

func readLock(directory string) lockState {
	file, err := os.Open(filepath.Join(directory, lockName))
	if err != nil {
		return neverLocked
	}
	defer file.Close()
	switch err := flock(file, syscall.LOCK_SH|syscall.LOCK_NB); err {
	case nil:
		return released
	case syscall.EWOULDBLOCK:
		return locked
	}
	return neverLocked // a file system without locks says nothing
}

func flock(file *os.File, how int) error {
	for {
		if err := syscall.Flock(int(file.Fd()), how); err != syscall.EINTR {
			return err
		}
	}
}
