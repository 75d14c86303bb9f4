// Package watch waits for files that other containers write.
package watch

import (
	"context"
	"time"
)

const (
	// pollInterval is used where the kernel gives no inotify instance (EMFILE, ENOSPC, or a sandbox without it).
	pollInterval = 2 * time.Second
	// safetyInterval is for file systems whose changes inotify does not see, and for a queue that overflowed. It costs
	// one stat and saves a pod from waiting for ever.
	safetyInterval = 10 * time.Second
	// settleDelay is for what becomes true just after the event that announces it: the kernel tells of the closing of
	// a file before it releases its locks.
	settleDelay = 25 * time.Millisecond
)

// Until calls look at once and then whenever a file in one of the directories was created, renamed into it, or closed
// by its writer, until look says that it is done or fails, or ctx ends; its error is then that of ctx.
//
// Writes to a file that stays open are not noticed: the directories hold captured output, too. look may be called
// without a reason.
func Until(ctx context.Context, directories []string, look func() (done bool, err error)) error {
	return Every(ctx, safetyInterval, directories, look)
}

// Every is Until that also looks after each interval, for what no file tells of, such as that nothing has changed.
func Every(ctx context.Context, interval time.Duration, directories []string, look func() (bool, error)) error {
	changes, stop, err := notify(directories)
	if err != nil {
		interval = min(interval, pollInterval)
	} else {
		defer stop()
	}
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		if done, err := look(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changes:
			timer.Reset(settleDelay)
		case <-timer.C:
			timer.Reset(interval)
		}
	}
}
