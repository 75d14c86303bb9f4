package journal

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func lines(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

func TestLinesAreOfTheSharedFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "skein", "journal", "main.jsonl")
	j := Open(path)
	at := Header{Of: "process.end", TimeUnixNano: "1763848680000000001"}
	j.Write(&ProcessEnd{Header: at, Attempt: 1, ExitCode: 143, Signal: "SIGTERM"})
	want := `{"event":"process.end","timeUnixNano":"1763848680000000001","attempt":1,"exitCode":143,"signal":"SIGTERM"}`
	if got := lines(t, path); len(got) != 1 || got[0] != want {
		t.Errorf("got %v", got)
	}
}

func TestAnEventHappensNowUnlessItSaysWhen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "main.jsonl")
	before := time.Now()
	Open(path).Write(&End{Header: Named("end")})
	var line struct{ TimeUnixNano json.Number }
	if err := json.Unmarshal([]byte(lines(t, path)[0]), &line); err != nil {
		t.Fatal(err)
	}
	nanoseconds, err := line.TimeUnixNano.Int64()
	if err != nil || nanoseconds < before.UnixNano() || nanoseconds > time.Now().UnixNano() {
		t.Errorf("time %v, %v", line.TimeUnixNano, err)
	}
}

func TestHeldEventsReachTheFileOnRelease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "main.jsonl")
	j := Open(path)
	j.Hold()
	j.Write(&End{Header: Named("end"), ExitCode: 3})
	if data, _ := os.ReadFile(path); len(data) != 0 {
		t.Fatalf("while held the file has %q", data)
	}
	j.Release()
	j.Write(&End{Header: Named("end"), ExitCode: 4})
	if got := lines(t, path); len(got) != 2 || !strings.Contains(got[0], `"exitCode":3`) {
		t.Errorf("got %v", got)
	}
}

func TestWritersDoNotTearEachOthersLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wait.jsonl")
	var writers sync.WaitGroup
	for range 4 {
		j := Open(path)
		writers.Add(1)
		go func() {
			defer writers.Done()
			for range 100 {
				j.Write(&Error{Header: Named("error"), Message: strings.Repeat("m", 500)})
			}
		}()
	}
	writers.Wait()
	got := lines(t, path)
	for _, line := range got {
		if !json.Valid([]byte(line)) {
			t.Fatalf("torn line %q", line)
		}
	}
	if len(got) != 400 {
		t.Errorf("%d lines", len(got))
	}
}

func TestAJournalThatCannotBeWrittenHarmsNobody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	j := Open(filepath.Join(file, "below", "main.jsonl"))
	j.Hold()
	j.Write(&End{Header: Named("end")})
	j.Release()
}
