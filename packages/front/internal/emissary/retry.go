package emissary

import (
	"context"
	"fmt"
	"time"

	"github.com/skein/front/internal/template"
)

type retry struct {
	// attempts are all of them, not those after the first: that is what upstream makes of `retries`.
	attempts int
	pause    time.Duration
}

// retryPolicy is a containerSet's retryStrategy; everything else has one attempt (contract §7, step 14).
func retryPolicy(t *template.Template) (retry, error) {
	if t.ContainerSet == nil || t.ContainerSet.RetryStrategy == nil || t.ContainerSet.RetryStrategy.Retries == nil {
		return retry{attempts: 1}, nil
	}
	strategy := t.ContainerSet.RetryStrategy
	policy := retry{attempts: int(*strategy.Retries)}
	if strategy.Duration == "" {
		return policy, nil
	}
	pause, err := time.ParseDuration(strategy.Duration)
	if err != nil {
		return retry{}, err
	}
	if pause < 0 {
		return retry{}, fmt.Errorf("duration has to be positive, but it is %v", pause)
	}
	policy.pause = pause
	return policy, nil
}

// runUntilSuccess tries until the command succeeds, the attempts are used up, or the container is told to stop; then
// the last attempt's end is what counts.
func (e *emissary) runUntilSuccess(ctx context.Context, policy retry, program string, argv []string) (ended error) {
	if policy.attempts <= 0 {
		e.log.Warn("retries of the containerSet's retryStrategy is not a positive number: the command is not run")
		return nil
	}
	for attempt := 1; ; attempt++ {
		ended = e.attempt(attempt, program, argv)
		if ended == nil || attempt >= policy.attempts || e.signals.isStopped() {
			return ended
		}
		e.Journal.Release()
		select {
		case <-time.After(policy.pause):
		case <-ctx.Done():
			return ended
		}
		e.log.Info("retrying", "attempt", attempt+1, "of", policy.attempts, "error", ended)
	}
}
