package ctr

import (
	"os"
	"path/filepath"
)

const stoppedName = "stopped"

// MarkStopped says that this container was told to end, before it says with which code it did. An error is no reason to
// stop: those that depend on it then take its end for its own.
func MarkStopped(directory string) error {
	return os.WriteFile(filepath.Join(directory, stoppedName), nil, 0o644)
}

// WasStopped says whether a container that has ended had been told to.
func WasStopped(directory string) bool {
	_, err := os.Stat(filepath.Join(directory, stoppedName))
	return err == nil
}
