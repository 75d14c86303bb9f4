package emissary

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/skein/front/internal/capture"
	"github.com/skein/front/internal/descriptor"
	"github.com/skein/front/internal/terminal"
)

// streams are stdin, stdout and stderr of one process.
type streams interface {
	// files and attributes are what to start the process with.
	files() []uintptr
	attributes() *syscall.SysProcAttr
	// start is called once the process has been started, abandon when it could not be.
	start()
	abandon()
	// finish is called when the process has ended, and returns when all it wrote has been passed on. Descendants are
	// waited for no longer than limit. The error is that something could not be captured.
	finish(limit time.Duration) error
}

func (e *emissary) openStreams() (streams, error) {
	kept, err := e.openKept()
	if err != nil {
		return nil, err
	}
	var opened streams
	switch {
	case terminal.IsTerminal(syscall.Stdin):
		opened, err = newTerminalStreams(e, kept)
	case kept == nil:
		opened = inheritedStreams{}
	default:
		opened, err = newPipeStreams(e, kept)
	}
	if err != nil {
		kept.close()
		return nil, err
	}
	return opened, nil
}

// kept are the files that keep what the process writes, for the script's result and the archived logs. nil is none.
type kept struct{ stdout, combined *os.File }

// openKept appends to the files: attempts accumulate.
func (e *emissary) openKept() (*kept, error) {
	if !e.Config.IncludeScriptOutput && !e.template.ArchiveLogs() {
		return nil, nil
	}
	e.log.Info("capturing logs")
	open := func(name string) (*os.File, error) {
		return os.OpenFile(filepath.Join(e.directory(), name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	}
	stdout, err := open("stdout")
	if err != nil {
		return nil, fmt.Errorf("failed to open stdout: %w", err)
	}
	combined, err := open("combined")
	if err != nil {
		stdout.Close()
		return nil, fmt.Errorf("failed to open combined: %w", err)
	}
	return &kept{stdout, combined}, nil
}

func (k *kept) close() error {
	if k == nil {
		return nil
	}
	return errors.Join(k.stdout.Close(), k.combined.Close())
}

// sinks are where the two streams go. Files come first: they do not block when nobody reads the container's log.
func (k *kept) sinks() (stdout, stderr capture.Sinks) {
	if k != nil {
		combined := &capture.Sink{Name: k.combined.Name(), Writer: k.combined, Required: true}
		stdout = capture.Sinks{{Name: k.stdout.Name(), Writer: k.stdout, Required: true}, combined}
		stderr = capture.Sinks{combined}
	}
	stdout = append(stdout, &capture.Sink{Name: "stdout", Writer: descriptor.Writer(syscall.Stdout)})
	stderr = append(stderr, &capture.Sink{Name: "stderr", Writer: descriptor.Writer(syscall.Stderr)})
	return stdout, stderr
}

// inheritedStreams are the container's own: nothing is copied.
type inheritedStreams struct{}

func (inheritedStreams) files() []uintptr                 { return []uintptr{0, 1, 2} }
func (inheritedStreams) attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
func (inheritedStreams) start()                           {}
func (inheritedStreams) abandon()                         {}
func (inheritedStreams) finish(time.Duration) error       { return nil }
