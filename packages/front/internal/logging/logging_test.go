package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"
)

// pairs has values of every kind that is logged here, and what makes slog quote them.
var pairs = []any{
	"error", nil, "failure", errors.New("open /x: no such file or directory"), "after", 1500 * time.Millisecond,
	"names", []string{"main", "side car"}, "pid", 12, "empty", "", "equals", "a=b", "quote", `"`, "umlaut", "ü",
	"control", "a\tb\x01", "invalid", "\xff", "path", `C:\x`, "html", "<&>", "wide", "世界", "space", "\u00a0",
}

func bothWays(t *testing.T, format string, handler func(*bytes.Buffer) slog.Handler) (ours, slogs string) {
	t.Helper()
	var own, reference bytes.Buffer
	log, err := New(&own, "info", format)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	log.now = func() time.Time { return at }
	log.Warn("a message", pairs...)

	record := slog.NewRecord(at, slog.LevelWarn, "a message", 0)
	record.Add(append(pairs, "argo", true)...)
	if err := handler(&reference).Handle(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	return own.String(), reference.String()
}

func TestTextLinesAreSlogs(t *testing.T) {
	ours, slogs := bothWays(t, "text", func(w *bytes.Buffer) slog.Handler { return slog.NewTextHandler(w, nil) })
	if ours != slogs {
		t.Errorf("got  %s\nwant %s", ours, slogs)
	}
}

func TestJSONLinesSayWhatSlogsDo(t *testing.T) {
	ours, slogs := bothWays(t, "JSON", func(w *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(w, nil) })
	var got, want map[string]any
	if err := json.Unmarshal([]byte(ours), &got); err != nil {
		t.Fatalf("%v in %s", err, ours)
	}
	if err := json.Unmarshal([]byte(slogs), &want); err != nil {
		t.Fatal(err)
	}
	for key := range want {
		gotText, _ := json.Marshal(got[key])
		wantText, _ := json.Marshal(want[key])
		if !bytes.Equal(gotText, wantText) {
			t.Errorf("%s: %s, want %s", key, gotText, wantText)
		}
	}
	if len(got) != len(want) || got["argo"] != true {
		t.Errorf("got %s", ours)
	}
}

func TestLevelsAndTheirAliases(t *testing.T) {
	for level, lines := range map[string]int{
		"debug": 4, "trace": 4, "info": 3, "PRINT": 3, "Warn": 2, "error": 1, "fatal": 1, "panic": 1,
	} {
		var out bytes.Buffer
		log, err := New(&out, level, "text")
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("d")
		log.Info("i")
		log.Warn("w")
		log.Error("e")
		if got := bytes.Count(out.Bytes(), []byte("\n")); got != lines {
			t.Errorf("level %s writes %d of 4 lines, want %d", level, got, lines)
		}
	}
}

func TestWrongFlagsAreErrors(t *testing.T) {
	if _, err := New(nil, "loud", "text"); err == nil {
		t.Error("level loud was taken")
	}
	if _, err := New(nil, "info", "xml"); err == nil {
		t.Error("format xml was taken")
	}
}
