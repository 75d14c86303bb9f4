package wait

import (
	"os"
	"path/filepath"
	"time"

	"github.com/skein/front/internal/process"
)

func (s *watcher) startProgress() {
	if s.Config.ProgressTick == 0 {
		s.Log.Info("monitoring progress disabled")
		return
	}
	// The user's program only writes the file.
	_ = os.MkdirAll(filepath.Dir(s.Config.ProgressFile), 0o755)
	s.ticker = time.NewTicker(s.Config.ProgressTick)
}

func (s *watcher) ticks() <-chan time.Time {
	if s.ticker == nil {
		return nil
	}
	return s.ticker.C
}

// progress has the core report the progress, if the user's program has written any since it last did.
func (s *watcher) progress() {
	state := readState(s.Config.ProgressFile)
	if state == s.sentProgress || state == (fileState{}) || s.tick != nil || s.begin != nil {
		return
	}
	tick, err := s.startAct("tick")
	if err != nil {
		s.Log.Warn("failed to report progress", "error", err)
		return
	}
	s.tick, s.inProgress = tick, state
}

func (s *watcher) tickHasEnded(end process.End) {
	s.writeEnd(s.tick, end)
	if end.ExitCode() == 0 {
		s.sentProgress = s.inProgress
	}
	s.tick, s.tickEnd = nil, nil
}

// stopProgress ends a tick that is under way: finish reports the last progress.
func (s *watcher) stopProgress() {
	if s.ticker != nil {
		s.ticker.Stop()
		s.ticker = nil
	}
	if s.tick != nil && s.tickEnd == nil {
		s.tickEnd = s.tick.end(false)
	}
}
