package config

import (
	"testing"
	"time"
)

func TestParseReadsWhatAControllerSets(t *testing.T) {
	got := Parse([]string{
		"ARGO_CONTAINER_NAME=main",
		"ARGO_TEMPLATE=",
		"ARGO_INCLUDE_SCRIPT_OUTPUT=true",
		"ARGO_DEADLINE=2026-11-22T21:58:00Z",
		"ARGO_TERMINATION_GRACE_PERIOD_SECONDS=7",
		"ARGO_PROGRESS_FILE=/var/run/argo/progress",
		"ARGO_PROGRESS_PATCH_TICK_DURATION=1m0s",
		"ARGO_PROGRESS_FILE_TICK_DURATION=3s",
	})
	if got.ContainerName != "main" || !got.IncludeScriptOutput || !got.HasTemplate || got.Template != "" {
		t.Errorf("parsed %+v", got)
	}
	if got.GracePeriod != 7*time.Second || got.ProgressTick != time.Minute {
		t.Errorf("durations %v, %v", got.GracePeriod, got.ProgressTick)
	}
	if want := time.Date(2026, 11, 22, 21, 58, 0, 0, time.UTC); !got.Deadline.Equal(want) {
		t.Errorf("deadline %v, want %v", got.Deadline, want)
	}
}

func TestTheZeroTimeIsNoDeadline(t *testing.T) {
	for _, text := range []string{"0001-01-01T00:00:00Z", "", "tomorrow"} {
		if got := Parse([]string{"ARGO_DEADLINE=" + text}).Deadline; !got.IsZero() {
			t.Errorf("ARGO_DEADLINE=%q gives %v", text, got)
		}
	}
}

func TestGracePeriodFallsBackToThirtySeconds(t *testing.T) {
	for _, text := range []string{"", "0", "-1", "soon", "1.5"} {
		got := Parse([]string{"ARGO_TERMINATION_GRACE_PERIOD_SECONDS=" + text}).GracePeriod
		if got != 30*time.Second {
			t.Errorf("%q gives %v", text, got)
		}
	}
}

func TestProgressNeedsItsFileAndBothDurations(t *testing.T) {
	file, patch, tick := "ARGO_PROGRESS_FILE=/p", "ARGO_PROGRESS_PATCH_TICK_DURATION=1s", "ARGO_PROGRESS_FILE_TICK_DURATION=3s"
	if got := Parse([]string{file, patch, tick}).ProgressTick; got != time.Second {
		t.Errorf("all set: %v", got)
	}
	for name, environ := range map[string][]string{
		"no file":       {patch, tick},
		"no patch tick": {file, tick},
		"no file tick":  {file, patch},
		"zero":          {file, patch, "ARGO_PROGRESS_FILE_TICK_DURATION=0s"},
		"unreadable":    {file, "ARGO_PROGRESS_PATCH_TICK_DURATION=often", tick},
	} {
		if got := Parse(environ).ProgressTick; got != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}
