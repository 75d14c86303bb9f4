// Package journal writes down what the front observes, for the core to make spans and reports of.
//
// A journal is a file of JSON lines, one per event, each appended by a single write, so that front and core may share
// one. It is evidence, not state: whatever goes wrong in writing it is ignored, for nothing may fail on its account.
package journal

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Journal is safe for use by several goroutines.
type Journal struct {
	mu   sync.Mutex
	file *os.File
	held [][]byte
	hold bool
}

// Open appends to the journal at path, making its directories for everyone (the umask is expected to be 0).
func Open(path string) *Journal {
	_ = os.MkdirAll(filepath.Dir(path), 0o777)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return &Journal{}
	}
	return &Journal{file: file}
}

// Write appends one event. Its time is now, unless the event has set one.
func (j *Journal) Write(event Event) {
	header := event.header()
	if header.TimeUnixNano == "" {
		header.TimeUnixNano = Time(time.Now())
	}
	line, err := json.Marshal(event)
	if err != nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.hold {
		j.held = append(j.held, line)
		return
	}
	j.append(line)
}

// Hold keeps events in memory until Release: no disk may stand between the end of a process and the report of it.
func (j *Journal) Hold() {
	j.mu.Lock()
	j.hold = true
	j.mu.Unlock()
}

// Release writes what was held.
func (j *Journal) Release() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range j.held {
		j.append(line)
	}
	j.held, j.hold = nil, false
}

func (j *Journal) append(line []byte) {
	if j.file != nil {
		_, _ = j.file.Write(append(line, '\n'))
	}
}

// Time is t as Unix nanoseconds in decimal, which is how OTLP's JSON has it.
func Time(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }
