package emissary

import (
	"context"
	"fmt"
	"time"

	"github.com/skein/front/internal/ctr"
	"github.com/skein/front/internal/watch"
)

// stopGrace is how long those that wait for a container which was told to end wait to be told, too: a controller that
// stops a pod runs a command in one container after the other, and the first is dead before the last has been told.
const stopGrace = 3 * time.Second

// awaitDependencies waits until the members of a containerSet that this one depends on have succeeded. The error is
// that one has not, or that this container was told to stop.
func (e *emissary) awaitDependencies(ctx context.Context) error {
	for _, name := range e.template.Dependencies(e.Config.ContainerName) {
		e.log.Info("waiting for dependency", "dependency", name)
		directory := e.Paths.Container(name)
		err := awaitDependency(ctx, directory, name)
		if err != nil && ctr.WasStopped(directory) {
			e.log.Info("the dependency was told to stop; waiting to be told, too", "dependency", name, "atMost", stopGrace)
			waitAtMost(ctx, stopGrace)
		}
		if ctx.Err() != nil {
			return e.signals.stop()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func waitAtMost(ctx context.Context, limit time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(limit):
	}
}

func awaitDependency(ctx context.Context, directory, name string) error {
	if err := ctr.MakeDirectory(directory); err != nil {
		return fmt.Errorf("failed to create ctr directory: %w", err)
	}
	return watch.Until(ctx, []string{directory}, func() (bool, error) {
		switch code, ok := ctr.ReadExitCode(directory); {
		case ok && code != 0:
			return false, fmt.Errorf("dependency %q exited with non-zero code: %d", name, code)
		case ok:
			return true, nil
		case ctr.ReadState(directory) == ctr.Lost:
			return false, fmt.Errorf("dependency %q ended without an exit code: it was killed, perhaps for want of memory", name)
		}
		return false, nil
	})
}
