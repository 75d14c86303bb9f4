// Argoexec is the front of Skein's executor: a static program that runs in any container, whatever its image holds.
// It starts processes, waits, forwards signals and packs files; everything else it leaves to the core beside it.
package main

import (
	"os"
	"runtime/debug"

	"github.com/skein/front/internal/cli"
	"github.com/skein/front/internal/paths"
	"github.com/skein/front/internal/process"
)

// Set by the linker, see build.sh.
var (
	version      = "unknown"
	buildDate    = "unknown"
	gitCommit    = "unknown"
	gitTag       = ""
	gitTreeState = "unknown"
)

// Before anything else: as process 1, Go ends with code 2 and without a word on a SIGTERM that nobody has asked for.
var signals = process.NotifyAll()

func main() {
	// It lives as long as the user's process and does next to nothing: a small heap is worth more than rare collections.
	debug.SetGCPercent(20)
	program := cli.Program{
		Args:    os.Args[1:],
		Environ: os.Environ(),
		Paths:   paths.Paths{Root: "/"},
		Front:   cli.OwnFile(os.Args[0]),
		Signals: signals,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Version: cli.Version{
			Version: version, BuildDate: buildDate, GitCommit: gitCommit, GitTag: gitTag, GitTreeState: gitTreeState,
		},
	}
	os.Exit(program.Run())
}
