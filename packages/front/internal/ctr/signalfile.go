package ctr

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const signalName = "signal"

// LeaveSignal asks the emissary of a container to deliver a signal. It is renamed into place, so it is never read in
// part; a signal that has not been taken yet is replaced.
func LeaveSignal(directory string, signal syscall.Signal) error {
	temporary := filepath.Join(directory, signalName+".tmp")
	if err := os.WriteFile(temporary, []byte(strconv.Itoa(int(signal))), 0o666); err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Join(directory, signalName))
}

// TakeSignal gives the signal that was left for a container, and removes it; 0 when there is none. Anything that is
// not a positive number is left alone: its writer may not have finished.
func TakeSignal(directory string) (syscall.Signal, error) {
	path := filepath.Join(directory, signalName)
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, nil
	}
	number, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || number <= 0 {
		return 0, nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return syscall.Signal(number), err
	}
	return syscall.Signal(number), nil
}
