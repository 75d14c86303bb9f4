// Package ctr is how the containers of a pod talk to each other: through small files in one directory per container,
// /var/run/argo/ctr/<name> (contract §4).
//
//	exitcode  the exit code of the container's process, whole or absent
//	signal    a signal to deliver to it, in decimal
//	lock      locked for as long as the container's emissary lives
//	stopped   there when it was told to end
//
// The umask is expected to be 0: containers of one pod run as different users.
package ctr

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const exitCodeName = "exitcode"

// MakeDirectory creates a container's directory. Whoever needs it first does; its existence means nothing.
func MakeDirectory(directory string) error { return os.MkdirAll(directory, 0o777) }

// ReadExitCode gives the container's exit code once there is one.
func ReadExitCode(directory string) (code int, ok bool) {
	data, err := os.ReadFile(filepath.Join(directory, exitCodeName))
	if err != nil {
		return 0, false
	}
	code, err = strconv.Atoi(strings.TrimSpace(string(data)))
	return code, err == nil
}

// ExitCodeFile is the report of a container's end, prepared while there still is room on the disk.
type ExitCodeFile struct {
	directory string
	file      *os.File
}

// PrepareExitCode creates the file under another name, with room for any code, so that a disk that the user's process
// has filled meanwhile cannot keep its end from being reported.
func PrepareExitCode(directory string) (*ExitCodeFile, error) {
	file, err := os.OpenFile(filepath.Join(directory, exitCodeName+".tmp"), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if _, err := file.WriteString("255"); err != nil {
		file.Close()
		return nil, err
	}
	return &ExitCodeFile{directory: directory, file: file}, nil
}

// Write reports the code. There is no sync: readers share this kernel, and would only be kept waiting.
func (e *ExitCodeFile) Write(code int) error {
	err := errors.Join(overwrite(e.file, strconv.Itoa(code)), e.file.Close())
	if err == nil {
		err = os.Rename(e.file.Name(), filepath.Join(e.directory, exitCodeName))
	}
	if err == nil {
		return nil
	}
	// The user's process may have removed the prepared file; then a new one has to do.
	again := e.file.Name() + ".2"
	if os.WriteFile(again, []byte(strconv.Itoa(code)), 0o644) == nil &&
		os.Rename(again, filepath.Join(e.directory, exitCodeName)) == nil {
		return nil
	}
	return fmt.Errorf("failed to write exit code: %w", err)
}

func overwrite(file *os.File, text string) error {
	if _, err := file.WriteAt([]byte(text), 0); err != nil {
		return err
	}
	return file.Truncate(int64(len(text)))
}
