package ctr

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// killPatience is how long Kill waits for the exit codes of containers it has sent SIGKILL (contract §8.4).
const killPatience = 10 * time.Second

// Kill ends containers in two phases: SIGTERM, then, for those that have not ended after grace (or when ctx ends
// before that), SIGKILL and up to ten more seconds. sent is told of each phase and the directories it went to.
func Kill(ctx context.Context, directories []string, grace time.Duration, sent func(syscall.Signal, []string)) error {
	if err := leaveAll(directories, syscall.SIGTERM); err != nil {
		return err
	}
	sent(syscall.SIGTERM, directories)
	if waitFor(ctx, directories, grace) == nil {
		return nil
	}
	remaining := living(directories)
	if err := leaveAll(remaining, syscall.SIGKILL); err != nil {
		return err
	}
	sent(syscall.SIGKILL, remaining)
	return waitFor(context.Background(), remaining, killPatience)
}

func waitFor(ctx context.Context, directories []string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := WaitEnded(ctx, directories)
	return err
}

// leaveAll tries every container, whatever happens with the others.
func leaveAll(directories []string, signal syscall.Signal) error {
	var failures []error
	for _, directory := range directories {
		failures = append(failures, MakeDirectory(directory), LeaveSignal(directory, signal))
	}
	return errors.Join(failures...)
}

func living(directories []string) []string {
	var result []string
	for _, directory := range directories {
		if state := ReadState(directory); state != Reported && state != Lost {
			result = append(result, directory)
		}
	}
	return result
}
