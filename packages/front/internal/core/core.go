// Package core finds and runs the other half of the executor: a JavaScript program and its Node.js, in the executor's
// image only. Everything that thinks is there; nothing of it runs in a user's container.
package core

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/skein/front/internal/config"
	"github.com/skein/front/internal/cores"
	"github.com/skein/front/internal/paths"
)

// Core is an installed core, below a directory such as /opt/skein:
//
//	bin/node             the Node.js that runs it
//	core/argoexec.cjs    the program
//	core/node-flags      flags for node, one a line; need not exist
type Core struct {
	node  string
	argv  []string // what comes before the arguments
	front string
	// cpuLimits say how many processors the container may use.
	cpuLimits []cores.Limit
}

// Find looks beside the front (as in an image, where that is /bin/argoexec, or in a build), then where an image keeps it.
func Find(front string, p paths.Paths) (*Core, error) {
	candidates := []string{filepath.Join(filepath.Dir(front), "..", "opt", "skein"), p.Core()}
	for _, directory := range candidates {
		core := &Core{node: filepath.Join(directory, "bin", "node"), front: front, cpuLimits: p.CPULimits()}
		program := filepath.Join(directory, "core", "argoexec.cjs")
		if !isFile(core.node) || !isFile(program) {
			continue
		}
		core.argv = append([]string{"node"}, readFlags(filepath.Join(directory, "core", "node-flags"))...)
		core.argv = append(core.argv, program)
		return core, nil
	}
	return nil, fmt.Errorf("this container has only the front of argoexec, and the command needs the core: "+
		"it is neither in %s nor in %s. Run it in the executor's image (executor.image in the workflow-controller's ConfigMap)",
		candidates[0], candidates[1])
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func readFlags(path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

// Command is how to start the core with arguments.
func (c *Core) Command(arguments []string) (path string, argv []string) {
	return c.node, append(c.argv[:len(c.argv):len(c.argv)], arguments...)
}

// Environ is the environment it is started with: it copies the front into pods, so it has to know where that is. It
// compresses on Node's thread pool, whose size cannot be changed any more once it runs.
func (c *Core) Environ(environ []string) []string {
	result := make([]string, 0, len(environ)+2)
	hasPoolSize := false
	for _, entry := range environ {
		hasPoolSize = hasPoolSize || strings.HasPrefix(entry, poolVariable)
		if !strings.HasPrefix(entry, frontVariable) {
			result = append(result, entry)
		}
	}
	// One more than may compress, so that whoever is done finds the next block waiting.
	threads := cores.Threads(config.Parse(environ).CompressThreads, c.cpuLimits) + 1
	if threads > defaultPoolSize && !hasPoolSize {
		result = append(result, poolVariable+strconv.Itoa(threads))
	}
	return append(result, frontVariable+c.front)
}

const (
	frontVariable = "SKEIN_FRONT="
	poolVariable  = "UV_THREADPOOL_SIZE="
	// defaultPoolSize is libuv's: https://docs.libuv.org/en/v1.x/threadpool.html
	defaultPoolSize = 4
)

// Become replaces this process by the core. It returns only if that fails.
func (c *Core) Become(arguments, environ []string) error {
	path, argv := c.Command(arguments)
	return c.Explain(syscall.Exec(path, argv, c.Environ(environ)))
}

// Explain says what it means that the core could not be started.
func (c *Core) Explain(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("failed to start %s: this container has not the C library that it needs. "+
			"Run the command in the executor's image: %w", c.node, err)
	}
	return fmt.Errorf("failed to start %s: %w", c.node, err)
}
