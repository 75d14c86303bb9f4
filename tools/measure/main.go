// Command measure runs a command and writes what the kernel says it cost.
//
//	measure OUT.json COMMAND [ARG…]
//
// The figures are those of wait4(2): CPU of the command and of all its descendants that were waited for, and the
// peak resident set of the largest single one of them.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

type figures struct {
	WallSeconds float64 `json:"wallSeconds"`
	CPUSeconds  float64 `json:"cpuSeconds"`
	MaxRSSBytes int64   `json:"maxRssBytes"`
	ExitCode    int     `json:"exitCode"`
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: measure OUT.json COMMAND [ARG…]")
		os.Exit(2)
	}
	got, err := run(os.Args[2:])
	if err == nil {
		err = write(os.Args[1], got)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(2)
	}
	os.Exit(got.ExitCode)
}

func run(argv []string) (figures, error) {
	command := exec.Command(argv[0], argv[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	start := time.Now()
	err := command.Run()
	wall := time.Since(start)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return figures{}, err
	}
	// Not getrusage(RUSAGE_CHILDREN): that outlives exec(2), and this program takes the place of a shell that has run
	// programs of its own, such as those that mount a container's volumes.
	usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return figures{}, errors.New("the kernel gave no usage")
	}
	return figures{
		WallSeconds: wall.Seconds(),
		CPUSeconds:  time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds(),
		MaxRSSBytes: usage.Maxrss * 1024, // Linux counts in KiB
		ExitCode:    command.ProcessState.ExitCode(),
	}, nil
}

func write(path string, got figures) error {
	text, err := json.Marshal(got)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
