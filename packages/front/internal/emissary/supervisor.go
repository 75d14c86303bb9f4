package emissary

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/skein/front/internal/watch"
)

const (
	// supervisorTimeout is how long the supervisor's status may stay as it is, or missing (contract §9.4).
	supervisorTimeout = 30 * time.Second
	supervisorPoll    = 2 * time.Second
)

// waitForSupervisor waits until the supervisor of an init-less pod has staged files and inputs.
func (e *emissary) waitForSupervisor(ctx context.Context) error {
	e.log.Info("waiting for supervisor status marker")
	start := time.Now()
	return watch.Every(ctx, supervisorPoll, []string{e.Paths.Shared()}, func() (bool, error) {
		return readStatus(e.Paths.Status(), start, time.Now())
	})
}

// readStatus says whether the supervisor is ready; an error is that it failed, or has not lived for too long.
func readStatus(path string, start, now time.Time) (ready bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if now.Sub(start) > supervisorTimeout {
			return false, fmt.Errorf("supervisor presumed dead: status marker never appeared within %v", supervisorTimeout)
		}
		return false, nil
	case err != nil:
		return false, fmt.Errorf("stat supervisor status: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return false, nil // replaced between the two calls
	}
	token, message, _ := strings.Cut(string(text), "\n")
	switch strings.TrimSpace(token) {
	case "READY":
		return true, nil
	case "FAILED":
		return false, fmt.Errorf("supervisor reported pre-main failure: %s", strings.TrimSpace(message))
	}
	if now.Sub(info.ModTime()) > supervisorTimeout {
		return false, fmt.Errorf("supervisor presumed dead: no status update within %v", supervisorTimeout)
	}
	return false, nil
}
