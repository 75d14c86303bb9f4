package emissary

import (
	"context"
	"fmt"
	"time"

	"github.com/skein/front/internal/ctr"
	"github.com/skein/front/internal/watch"
)

// stopGrace is how long a failed dependency waits for a signal of our own: whoever ends a pod tells its members one after
// another, and the first may be dead before the last has been told.
const stopGrace = 100 * time.Millisecond

// awaitDependencies waits until the members of a containerSet that this one depends on have succeeded. The error is
// that one has not, or that this container was told to stop.
func (e *emissary) awaitDependencies(ctx context.Context) error {
	for _, name := range e.template.Dependencies(e.Config.ContainerName) {
		e.log.Info("waiting for dependency", "dependency", name)
		if err := awaitDependency(ctx, e.Paths.Container(name), name); err != nil {
			select {
			case <-ctx.Done():
				return e.signals.stop()
			case <-time.After(stopGrace):
				return err
			}
		}
	}
	return nil
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
