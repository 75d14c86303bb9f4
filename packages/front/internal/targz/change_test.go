package targz

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// change is a writer that does something once, after a number of bytes have gone into the archive: by then a file that
// is larger is being read.
type change struct {
	after int
	do    func()
}

func (c *change) Write(data []byte) (int, error) {
	c.after -= len(data)
	if c.after <= 0 && c.do != nil {
		c.do()
		c.do = nil
	}
	return len(data), nil
}

// big is larger than what the blocks of the compressor, and the buffers before it, hold together.
const big = 32 << 20

func TestAFileThatShrinksWhileItIsPackedIsAnErrorThatNamesIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, strings.Repeat("x", big), 0o644)
	out := &change{after: 1 << 20, do: func() {
		if err := os.Truncate(path, 1); err != nil {
			t.Error(err)
		}
	}}
	_, err := Pack(out, path, Options{Level: 0, Workers: 1})
	if err == nil || !strings.HasPrefix(err.Error(), path+" shrank from 33554432 to ") {
		t.Errorf("got %v", err)
	}
}

func TestAFileThatGrowsWhileItIsPackedIsCutAndNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, strings.Repeat("x", big), 0o644)
	var warnings []string
	out := &change{after: 1 << 20, do: func() {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		if _, err := file.WriteString("more"); err != nil {
			t.Error(err)
		}
	}}
	stats, err := Pack(out, path, Options{Level: 0, Workers: 1, Warn: func(path, what string) {
		warnings = append(warnings, path+" "+what)
	}})
	if err != nil || stats.Bytes != big {
		t.Errorf("packed %d bytes, %v", stats.Bytes, err)
	}
	if len(warnings) != 1 || !strings.HasPrefix(warnings[0], path+" grew while it was packed") {
		t.Errorf("warnings %q", warnings)
	}
}

func TestAFileThatVanishesWhileItsDirectoryIsPackedIsLeftOutAndNamed(t *testing.T) {
	root := filepath.Join(t.TempDir(), "dir")
	write(t, filepath.Join(root, "a-big-one"), strings.Repeat("x", big), 0o644)
	gone := filepath.Join(root, "gone")
	write(t, gone, "", 0o644)
	var warnings []string
	out := &change{after: 1 << 20, do: func() {
		if err := os.Remove(gone); err != nil {
			t.Error(err)
		}
	}}
	_, err := Pack(out, root, Options{Level: 0, Workers: 1, Warn: func(path, what string) {
		warnings = append(warnings, path+" "+what)
	}})
	if err != nil || len(warnings) != 1 || !strings.HasPrefix(warnings[0], gone+" was removed") {
		t.Errorf("warnings %q, %v", warnings, err)
	}
}

type full struct{ room int }

func (f *full) Write(data []byte) (int, error) {
	if f.room -= len(data); f.room < 0 {
		return 0, syscall.ENOSPC
	}
	return len(data), nil
}

// Upstream ignored the errors of closing, so a full disk could yield a corrupt archive that was reported as a success.
func TestADiskThatIsFullAtTheVeryEndIsAnError(t *testing.T) {
	root := tree(t)
	archive, _, _ := pack(t, root)
	for _, room := range []int{10, len(archive) - 9, len(archive) - 1} {
		_, err := Pack(&full{room: room}, root, Options{Level: -1, Workers: 1})
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("with room for %d of %d bytes: %v", room, len(archive), err)
		}
	}
	if _, err := Pack(&full{room: len(archive)}, root, Options{Level: -1, Workers: 1}); err != nil {
		t.Errorf("with room for all: %v", err)
	}
}
