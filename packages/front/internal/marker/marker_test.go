package marker

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestMarkerLivesUntilItIsStopped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "argo", "status")
	m, err := Start(path, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "RUNNING\n" {
		t.Errorf("status is %q at the start", got)
	}
	first, _ := os.Stat(path)
	for deadline := time.Now().Add(10 * time.Second); ; {
		now, err := os.Stat(path)
		if err == nil && now.ModTime().After(first.ModTime()) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the marker's modification time does not advance")
		}
	}
	m.Stop()
	if err := m.Ready(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond) // twenty beats, if there were any
	if got := read(t, path); got != "READY\n" {
		t.Errorf("status is %q after the heartbeat was stopped", got)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o644 {
		t.Errorf("mode is %v", info.Mode())
	}
}

func TestFailedCarriesItsMessage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status")
	if err := Failed(path, "two\nlines"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "FAILED\ntwo\nlines" {
		t.Errorf("status is %q", got)
	}
}

func TestStartSaysThatTheMarkerCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(filepath.Join(file, "status"), time.Second); err == nil {
		t.Error("no error")
	}
}

func TestIsReadyOnlyOnceTheContainersMayStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status")
	if IsReady(path) {
		t.Error("ready before there is a marker")
	}
	m, err := Start(path, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if IsReady(path) {
		t.Error("ready while it runs")
	}
	m.Stop()
	if err := m.Ready(); err != nil || !IsReady(path) {
		t.Errorf("not ready, %v", err)
	}
	if err := Failed(path, "READY\n"); err != nil || IsReady(path) {
		t.Errorf("ready after a failure, %v", err)
	}
}
