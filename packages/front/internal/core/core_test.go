package core

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/skein/front/internal/paths"
)

func install(t *testing.T, directory string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFindPrefersTheCoreBesideTheFront(t *testing.T) {
	root := t.TempDir()
	front := filepath.Join(root, "usr", "bin", "argoexec")
	whole := map[string]string{"bin/node": "", "core/argoexec.cjs": "", "core/node-flags": "--no-warnings\n--max-old-space-size=64\n"}
	p := paths.Paths{Root: root}
	if _, err := Find(front, p); err == nil || !strings.Contains(err.Error(), filepath.Join(root, "usr/opt/skein")) || !strings.Contains(err.Error(), p.Core()) {
		t.Errorf("without a core: %v", err)
	}
	install(t, p.Core(), whole)
	install(t, filepath.Join(root, "usr/opt/skein"), map[string]string{"bin/node": ""}) // half of one is none
	for _, want := range []string{p.Core(), filepath.Join(root, "usr/opt/skein")} {
		install(t, want, whole)
		found, err := Find(front, p)
		if err != nil {
			t.Fatal(err)
		}
		path, argv := found.Command([]string{"init", "--loglevel", "info"})
		wantArgv := []string{"node", "--no-warnings", "--max-old-space-size=64", want + "/core/argoexec.cjs", "init", "--loglevel", "info"}
		if path != want+"/bin/node" || !slices.Equal(argv, wantArgv) {
			t.Errorf("%s %q", path, argv)
		}
	}
}

func TestTheCoreIsToldWhereTheFrontIs(t *testing.T) {
	c := &Core{front: "/bin/argoexec"}
	want := []string{"A=b", "UV_THREADPOOL_SIZE=4", "SKEIN_FRONT=/bin/argoexec"}
	if got := c.Environ([]string{"SKEIN_FRONT=/old", "A=b", "UV_THREADPOOL_SIZE=4"}); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestTheCoresThreadPoolHasRoomForAllThatCompress(t *testing.T) {
	c := &Core{front: "f"}
	for want, environ := range map[string][]string{
		"UV_THREADPOOL_SIZE=13": {"SKEIN_COMPRESS_THREADS=12"},
		"UV_THREADPOOL_SIZE=2":  {"SKEIN_COMPRESS_THREADS=12", "UV_THREADPOOL_SIZE=2"},
		"":                      {"SKEIN_COMPRESS_THREADS=3"}, // libuv's own four are enough
	} {
		var got []string
		for _, entry := range c.Environ(environ) {
			if strings.HasPrefix(entry, "UV_THREADPOOL_SIZE=") {
				got = append(got, entry)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("with %q: %q, want %q", environ, got, want)
		}
	}
}

func TestANodeWithoutItsLoaderIsExplained(t *testing.T) {
	err := (&Core{node: "/opt/skein/bin/node"}).Explain(&fs.PathError{Op: "fork/exec", Path: "/opt/skein/bin/node", Err: syscall.ENOENT})
	if !strings.Contains(err.Error(), "C library") || !strings.Contains(err.Error(), "executor's image") {
		t.Errorf("got %v", err)
	}
	if err := (&Core{node: "n"}).Explain(syscall.EACCES); strings.Contains(err.Error(), "C library") {
		t.Errorf("got %v", err)
	}
}
