// Package exit carries the exit code of the process inside an error, so that it is chosen where the reason is known
// and acted upon in one place only (contract §2.3, §2.4).
package exit

import (
	"errors"
	"fmt"
)

const (
	// Fatal is for what upstream logs as fatal: wrong log flags, a panic that was caught.
	Fatal = 1
	// Error is for every returned error that has no code of its own.
	Error = 64
	// PreMain is for a user container of an init-less pod whose supervisor failed before it could start.
	PreMain = 65
)

// Status ends the process with Code.
type Status struct {
	Code int
	// Cause is told to the user. A user's own exit code has none.
	Cause error
	// Told says that whoever failed has already told the user: nothing is printed.
	Told bool
}

func (s *Status) Error() string {
	if s.Cause != nil {
		return s.Cause.Error()
	}
	return fmt.Sprintf("exit status %d", s.Code)
}

func (s *Status) Unwrap() error { return s.Cause }

// With ends the process with code because of cause.
func With(code int, cause error) error { return &Status{Code: code, Cause: cause} }

// Code is the exit code err stands for: 0 for none, 64 for one that says nothing about it.
func Code(err error) int {
	if err == nil {
		return 0
	}
	var status *Status
	if errors.As(err, &status) {
		return status.Code
	}
	return Error
}
