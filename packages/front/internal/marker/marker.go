// Package marker is the status by which the supervisor of an init-less pod tells the containers beside it how far it is
// (contract §9.2).
package marker

import (
	"os"
	"path/filepath"
	"time"
)

// Interval is the time between two signs of life; whoever waits gives up after 30 s without one.
const Interval = 5 * time.Second

// Marker is the file at path. It always holds one whole status.
type Marker struct {
	path string
	beat chan struct{} // closed to end the heartbeat
	done chan struct{} // closed when it has ended
}

// Start writes the first sign of life, and a further one at every interval until Stop.
func Start(path string, interval time.Duration) (*Marker, error) {
	m := &Marker{path: path, beat: make(chan struct{}), done: make(chan struct{})}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	if err := m.write("RUNNING\n"); err != nil {
		return nil, err
	}
	go m.live(interval)
	return m, nil
}

func (m *Marker) live(interval time.Duration) {
	defer close(m.done)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-m.beat:
			return
		case <-ticker.C:
			// A full disk may have room again at the next one.
			_ = m.write("RUNNING\n")
		}
	}
}

// Stop ends the heartbeat. When it returns, nothing writes the marker any more, so that the final status stays.
func (m *Marker) Stop() {
	close(m.beat)
	<-m.done
}

// IsReady says whether the containers have been let start, by this run of the supervisor or an earlier one.
func IsReady(path string) bool {
	text, err := os.ReadFile(path)
	return err == nil && string(text) == ready
}

const ready = "READY\n"

// Ready lets the containers start.
func (m *Marker) Ready() error { return m.write(ready) }

// Failed ends the containers that wait, with the message.
func Failed(path, message string) error {
	return (&Marker{path: path}).write("FAILED\n" + message)
}

// write replaces the file, so that a reader finds the old status or the new one, and its modification time advances.
func (m *Marker) write(status string) error {
	temporary := m.path + ".tmp"
	if err := os.WriteFile(temporary, []byte(status), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, m.path)
}
