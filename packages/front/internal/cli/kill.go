package cli

import (
	"fmt"
	"strconv"
	"syscall"
)

// kill is for controllers, which exec it in containers that may have nothing else: `argoexec kill 15 1`. The signal
// goes to exactly that process.
func (p *Program) kill(arguments []string) error {
	f, positional, err := parseFlags(arguments)
	if err != nil {
		return err
	}
	if _, err := p.logger(f); err != nil {
		return err
	}
	if len(positional) != 2 {
		return fmt.Errorf("kill takes a signal and a process, as numbers: argoexec kill SIGNAL PID, not %q", positional)
	}
	number, err := strconv.Atoi(positional[0])
	if err != nil {
		return fmt.Errorf("failed to parse signal: %w", err)
	}
	pid, err := strconv.Atoi(positional[1])
	if err != nil {
		return fmt.Errorf("failed to parse PID: %w", err)
	}
	if pid <= 0 {
		return fmt.Errorf("failed to parse PID: %d is not a process", pid)
	}
	signal := syscall.Signal(number)
	fmt.Fprintf(p.Stdout, "killing %d with %v\n", pid, signal)
	if err := syscall.Kill(pid, signal); err != nil {
		return fmt.Errorf("failed to kill %d with %v: %w", pid, signal, err)
	}
	return nil
}
