package main

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// maxBinaryBytes is what init copies into every pod; upstream copies 117,391,522 bytes.
const maxBinaryBytes = 3_000_000

// buildDirectory is where build leaves the binaries; TestMain removes it.
var buildDirectory = filepath.Join(os.TempDir(), fmt.Sprintf("argoexec-%d", os.Getpid()))

var build = sync.OnceValue(func() error {
	command := exec.Command("sh", "../../build.sh")
	command.Env = append(os.Environ(), "SKEIN_FRONT_DIST="+buildDirectory)
	command.Stderr = os.Stderr
	return command.Run()
})

func binary(t *testing.T, architecture string) string {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(buildDirectory, "linux-"+architecture, "argoexec")
}

func TestTheBinariesAreSmallAndStatic(t *testing.T) {
	for architecture, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		path := binary(t, architecture)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d bytes", architecture, info.Size())
		if info.Size() > maxBinaryBytes {
			t.Errorf("%s: %d bytes, want at most %d", architecture, info.Size(), maxBinaryBytes)
		}
		file, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if file.Machine != machine {
			t.Errorf("%s: made for %v", architecture, file.Machine)
		}
		for _, program := range file.Progs {
			if program.Type == elf.PT_INTERP || program.Type == elf.PT_DYNAMIC {
				t.Errorf("%s: has a %v segment, and so needs a loader", architecture, program.Type)
			}
		}
	}
}

func TestVersionSaysWhichBuildThisIs(t *testing.T) {
	path := binary(t, runtime.GOARCH)
	long, err := exec.Command(path, "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^argoexec: \d+\.\d+\.\d+\n  BuildDate: \S+\n  GitCommit: \S+\n  GitTreeState: \S+\n  GoVersion: go\S+\n  Compiler: gc\n  Platform: linux/` + runtime.GOARCH + `\n$`)
	if !want.Match(long) {
		t.Errorf("got %q", long)
	}
	short, err := exec.Command(path, "version", "--short", "--loglevel", "info").Output()
	if err != nil || string(short) != strings.SplitAfter(string(long), "\n")[0] {
		t.Errorf("got %q, %v", short, err)
	}
}

func TestWithoutACommandThereIsHelp(t *testing.T) {
	for _, arguments := range [][]string{{}, {"help"}, {"--help"}, {"--loglevel", "info"}} {
		output, err := exec.Command(binary(t, runtime.GOARCH), arguments...).Output()
		if err != nil || !strings.Contains(string(output), "Usage: argoexec COMMAND [FLAGS]") {
			t.Errorf("%q: %q, %v", arguments, output, err)
		}
	}
}
