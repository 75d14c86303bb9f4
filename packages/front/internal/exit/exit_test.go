package exit

import (
	"errors"
	"fmt"
	"testing"
)

func TestCode(t *testing.T) {
	cause := errors.New("no such thing")
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{cause, 64},
		{&Status{Code: 143}, 143},
		{With(PreMain, cause), 65},
		{fmt.Errorf("while starting: %w", With(PreMain, cause)), 65},
	} {
		if got := Code(test.err); got != test.want {
			t.Errorf("Code(%v) = %d, want %d", test.err, got, test.want)
		}
	}
}

func TestAStatusReadsAsItsCauseOrItsCode(t *testing.T) {
	if got := (&Status{Code: 3}).Error(); got != "exit status 3" {
		t.Errorf("got %q", got)
	}
	cause := errors.New("context canceled")
	err := With(PreMain, cause)
	if err.Error() != "context canceled" || !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}
