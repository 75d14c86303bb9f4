package emissary

import (
	"errors"
	"time"

	"github.com/skein/front/internal/capture"
)

// pipeStreams are pipes whose contents go to the container's own streams and to files.
type pipeStreams struct {
	inheritedStreams // of which stdin stays
	e                *emissary
	kept             *kept
	pipes            *capture.Pipes
}

func newPipeStreams(e *emissary, kept *kept) (streams, error) {
	stdout, stderr := kept.sinks()
	pipes, err := capture.New(stdout, stderr)
	if err != nil {
		return nil, err
	}
	return &pipeStreams{e: e, kept: kept, pipes: pipes}, nil
}

func (s *pipeStreams) files() []uintptr {
	stdout, stderr := s.pipes.ProcessEnds()
	return []uintptr{0, stdout, stderr}
}

func (s *pipeStreams) start() { s.pipes.Start() }

func (s *pipeStreams) abandon() {
	s.pipes.Abandon()
	s.kept.close()
}

func (s *pipeStreams) finish(limit time.Duration) error {
	failure, warning := s.pipes.Finish(limit)
	s.e.warnOfLog(warning)
	return errors.Join(failure, s.kept.close())
}

// warnOfLog says that the container's own log lacks something. That is no failure: what is to be kept is in files.
func (e *emissary) warnOfLog(warning error) {
	if warning != nil {
		e.log.Warn("output was not passed on", "error", warning)
	}
}
