package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestUntilSeesARenamedFileAtOnce(t *testing.T) {
	best := time.Minute
	for range 10 {
		best = min(best, timeToSeeARename(t))
	}
	if best > 5*time.Millisecond {
		t.Errorf("noticed after %v", best)
	}
}

func timeToSeeARename(t *testing.T) time.Duration {
	t.Helper()
	directory := t.TempDir()
	target := filepath.Join(directory, "exitcode")
	appeared := make(chan time.Time, 1)
	looked := make(chan struct{}, 1)
	go func() {
		<-looked
		temporary := target + ".tmp"
		if err := os.WriteFile(temporary, []byte("0"), 0o644); err != nil {
			t.Error(err)
		}
		appeared <- time.Now()
		if err := os.Rename(temporary, target); err != nil {
			t.Error(err)
		}
	}()
	err := Until(context.Background(), []string{directory}, func() (bool, error) {
		select {
		case looked <- struct{}{}:
		default:
		}
		return exists(target), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return time.Since(<-appeared)
}

func TestUntilDoesNotWakeForAFileThatStaysOpen(t *testing.T) {
	directory := t.TempDir()
	log, err := os.Create(filepath.Join(directory, "combined"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var looks atomic.Int32
	first := make(chan struct{})
	ended := make(chan error)
	go func() {
		ended <- Until(ctx, []string{directory}, func() (bool, error) {
			if looks.Add(1) == 1 {
				close(first)
			}
			return false, nil
		})
	}()
	<-first
	for range 1000 {
		if _, err := log.WriteString("a line of the user's program\n"); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if got := looks.Load(); got != 1 {
		t.Errorf("looked %d times", got)
	}
}

func TestUntilLooksOnceMoreAfterAChangeHasSettled(t *testing.T) {
	directory := t.TempDir()
	looks := 0
	start := time.Now()
	err := Until(context.Background(), []string{directory}, func() (bool, error) {
		looks++
		if looks == 1 {
			return false, os.WriteFile(filepath.Join(directory, "lock"), nil, 0o644)
		}
		return time.Since(start) >= settleDelay, nil
	})
	if err != nil || time.Since(start) > safetyInterval/2 {
		t.Errorf("ended after %v with %v", time.Since(start), err)
	}
}

func TestUntilReturnsTheErrorOfLook(t *testing.T) {
	failure := errors.New("not to be read")
	err := Until(context.Background(), []string{t.TempDir()}, func() (bool, error) { return false, failure })
	if !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
}

func TestUntilPollsWhereThereIsNoInotify(t *testing.T) {
	directory := t.TempDir()
	target := filepath.Join(directory, "exitcode")
	looks := 0
	// A directory that is missing cannot be watched, which is the same to the caller as inotify that is used up.
	err := Until(context.Background(), []string{filepath.Join(directory, "missing")}, func() (bool, error) {
		looks++
		if looks == 1 {
			return false, os.WriteFile(target, nil, 0o644)
		}
		return exists(target), nil
	})
	if err != nil || looks != 2 {
		t.Errorf("after %d looks: %v", looks, err)
	}
}
