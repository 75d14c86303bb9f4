package capture

import (
	"errors"
	"fmt"
	"io"
)

// Sink is one place that gets a copy of a stream, or of both.
type Sink struct {
	Name string
	io.Writer
	// Required: that it could not take everything is an error. It is none that nobody reads a container's log.
	Required bool

	failed error
}

// Sinks are written in their order. One that fails is not written any more; the others still get everything.
type Sinks []*Sink

func (s Sinks) pass(chunk []byte) {
	for _, sink := range s {
		if sink.failed != nil {
			continue
		}
		if _, err := sink.Write(chunk); err != nil {
			sink.failed = fmt.Errorf("failed to write to %s: %w", sink.Name, err)
		}
	}
}

// Errors joins those of required sinks, and those of others.
func (s Sinks) Errors() (failure, warning error) {
	var failures, warnings []error
	for _, sink := range s {
		if sink.Required {
			failures = append(failures, sink.failed)
		} else {
			warnings = append(warnings, sink.failed)
		}
	}
	return errors.Join(failures...), errors.Join(warnings...)
}

// Tee is a writer to all the sinks. It never fails: what does is found in their Errors.
func (s Sinks) Tee() io.Writer { return tee(s) }

type tee Sinks

func (t tee) Write(chunk []byte) (int, error) {
	Sinks(t).pass(chunk)
	return len(chunk), nil
}
