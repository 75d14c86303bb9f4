package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"testing"
	"time"
)

func TestTextLinesAreSlogsAndMarked(t *testing.T) {
	var out bytes.Buffer
	log, err := New(&out, "info", "text")
	if err != nil {
		t.Fatal(err)
	}
	log.Info("sub-process exited", "error", nil, "after", 1500*time.Millisecond)
	want := regexp.MustCompile(`^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\S+ level=INFO msg="sub-process exited" argo=true error=<nil> after=1.5s\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("got %q", out.String())
	}
}

func TestJSONLinesHaveNanosecondsAndErrorTexts(t *testing.T) {
	var out bytes.Buffer
	log, err := New(&out, "info", "JSON")
	if err != nil {
		t.Fatal(err)
	}
	log.Warn("Failed to kill", "error", errors.New("no such process"), "after", time.Second)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line["level"] != "WARN" || line["argo"] != true || line["error"] != "no such process" || line["after"] != 1e9 {
		t.Errorf("got %v", line)
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
