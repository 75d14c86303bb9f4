package termination

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTheLastMessageWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "termination-log")
	for _, message := range []string{"a first and longer message", "Step exceeded its deadline"} {
		if err := WriteMessage(path, message); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "Step exceeded its deadline" {
		t.Errorf("got %q, %v", got, err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
}

func TestALongMessageKeepsItsBeginning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "termination-log")
	if err := WriteMessage(path, "begin"+strings.Repeat("é", 4000)); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(path)
	if len(got) > maxMessageBytes || !strings.HasPrefix(string(got), "beginé") || !utf8.Valid(got) {
		t.Errorf("%d bytes, valid %v", len(got), utf8.Valid(got))
	}
}
