package ctr

import (
	"context"
	"os"
	"path/filepath"

	"github.com/skein/front/internal/watch"
)

// State is how far a container is, as far as others can see.
type State int

const (
	// Waiting: nothing is known of it; its emissary may not have started yet.
	Waiting State = iota
	// Running: its emissary lives.
	Running
	// Reported: its exit code is there.
	Reported
	// Lost: its emissary is dead and left no exit code. None will ever come.
	Lost
)

// ReadState looks at one container's directory.
func ReadState(directory string) State {
	if reported(directory) {
		return Reported
	}
	switch readLock(directory) {
	case locked:
		return Running
	case released:
		// It may have reported between the two looks; the lock is released after that.
		if reported(directory) {
			return Reported
		}
		return Lost
	}
	return Waiting
}

func reported(directory string) bool {
	_, err := os.Stat(filepath.Join(directory, exitCodeName))
	return err == nil
}

// WaitEnded waits until each container has reported its exit code or is lost, and gives the directories of those that
// are lost. The error is that of ctx, or of a directory that cannot be created.
func WaitEnded(ctx context.Context, directories []string) (lost []string, err error) {
	for _, directory := range directories {
		if err := MakeDirectory(directory); err != nil {
			return nil, err
		}
	}
	err = watch.Until(ctx, directories, func() (bool, error) {
		lost = nil
		for _, directory := range directories {
			switch ReadState(directory) {
			case Lost:
				lost = append(lost, directory)
			case Reported:
			default:
				return false, nil
			}
		}
		return true, nil
	})
	return lost, err
}
