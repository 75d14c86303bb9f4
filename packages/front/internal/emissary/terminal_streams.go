package emissary

import (
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/skein/front/internal/capture"
	"github.com/skein/front/internal/terminal"
)

// terminalStreams are a terminal of the process' own. It has one stream of output, which counts as stdout.
type terminalStreams struct {
	e        *emissary
	kept     *kept
	terminal *terminal.Terminal
	sinks    capture.Sinks
}

func newTerminalStreams(e *emissary, kept *kept) (streams, error) {
	inner, err := terminal.Open(syscall.Stdin)
	if err != nil {
		return nil, err
	}
	sinks, _ := kept.sinks()
	return &terminalStreams{e: e, kept: kept, terminal: inner, sinks: sinks}, nil
}

func (s *terminalStreams) files() []uintptr {
	end := s.terminal.ProcessEnd()
	return []uintptr{end, end, end}
}

// attributes make the process the leader of a session, and of the group that is signalled.
func (s *terminalStreams) attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
}

func (s *terminalStreams) start() {
	s.terminal.Start(os.Stdin, s.sinks.Tee())
	s.e.signals.onResize(s.terminal.Resize)
}

func (s *terminalStreams) abandon() {
	s.terminal.Abandon()
	s.kept.close()
}

func (s *terminalStreams) finish(limit time.Duration) error {
	s.terminal.Finish(limit)
	failure, warning := s.sinks.Errors()
	s.e.warnOfLog(warning)
	return errors.Join(failure, s.kept.close())
}
