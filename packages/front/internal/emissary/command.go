package emissary

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// maxArgumentBytes is the kernel's limit of one argument (MAX_ARG_STRLEN), its terminating zero included.
const maxArgumentBytes = 131072

var errNoCommand = errors.New("no command to run: argoexec emissary -- COMMAND [ARGUMENT…]")

// expand appends the arguments that were too long for the pod's definition, if there are any. One that is even too long
// for the kernel goes to a file, and the program gets "@" and its name instead.
func (e *emissary) expand(command []string) ([]string, error) {
	if len(command) == 0 {
		return nil, errNoCommand
	}
	if e.Config.ArgsFile == "" {
		return command, nil
	}
	data, err := os.ReadFile(e.Config.ArgsFile)
	if err != nil {
		return nil, fmt.Errorf("failed to read container args file %s: %w", e.Config.ArgsFile, err)
	}
	var more []string
	if err := json.Unmarshal(data, &more); err != nil {
		return nil, fmt.Errorf("failed to unmarshal container args: %w", err)
	}
	command = append(command[:len(command):len(command)], more...)
	arguments := command[1:]
	for i, argument := range arguments {
		if len(argument) < maxArgumentBytes {
			continue
		}
		path, err := e.writeArgument(i, argument)
		if err != nil {
			return nil, fmt.Errorf("failed to write large arg %d to file: %w", i, err)
		}
		arguments[i] = "@" + path
	}
	return command, nil
}

// writeArgument prefers the place the contract names. The shared volume can be written even if the root cannot.
func (e *emissary) writeArgument(index int, argument string) (path string, err error) {
	name := fmt.Sprintf("argo_arg_%d.txt", index)
	path = filepath.Join(e.Paths.Temp(), name)
	if os.WriteFile(path, []byte(argument), 0o644) == nil {
		return path, nil
	}
	path = filepath.Join(e.directory(), name)
	return path, os.WriteFile(path, []byte(argument), 0o644)
}
