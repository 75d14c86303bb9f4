package cores

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "limit")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheProcessorsAreThoseOfTheContainersLimit(t *testing.T) {
	all := runtime.NumCPU()
	for text, want := range map[string]int{
		"max 100000\n":    all,
		"100000 100000\n": 1,
		"10000 100000\n":  1,
		"150000 100000\n": min(2, all),
		"garbage":         all,
		"max 0\n":         all,
	} {
		if got := Allowed([]Limit{{Quota: "/nowhere"}, {Quota: write(t, text)}}); got != want {
			t.Errorf("cpu.max of %q: %d, want %d", text, got, want)
		}
	}
	for quota, want := range map[string]int{"-1\n": all, "50000\n": 1, "150000\n": min(2, all), "6400000\n": all} {
		v1 := Limit{Quota: write(t, quota), Period: write(t, "100000\n")}
		if got := Allowed([]Limit{{Quota: "/nowhere"}, v1}); got != want {
			t.Errorf("quota of %q: %d, want %d", quota, got, want)
		}
	}
	if got := Allowed(nil); got != all {
		t.Errorf("without limits: %d, want %d", got, all)
	}
}

func TestTheOperatorsNumberIsTaken(t *testing.T) {
	if got := Threads(23, nil); got != 23 {
		t.Errorf("got %d", got)
	}
	if got := Threads(0, []Limit{{Quota: write(t, "50000 100000")}}); got != 1 {
		t.Errorf("got %d", got)
	}
	if got := Threads(0, nil); got > most {
		t.Errorf("got %d", got)
	}
}
