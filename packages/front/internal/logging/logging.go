// Package logging makes the log lines of the contract (§19): those of slog's text and JSON handlers, each marked as
// Argo's, so that they can be told apart from what the user's program writes to the same stream.
//
// It is not slog itself, which would take 140 KB of a program that is copied into every pod.
package logging

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Logger writes each line with one write. It is safe for use by several goroutines if its writer is.
type Logger struct {
	w         io.Writer
	threshold level
	json      bool
	now       func() time.Time
}

type level int

const (
	debug level = iota
	info
	warn
	failure
)

var levelNames = [...]string{"DEBUG", "INFO", "WARN", "ERROR"}

// New makes a logger.
//
// Levels are debug, info, warn and error, with the aliases of older releases; formats are text and json; both in any
// case. An error means that the flags are wrong, for which the process ends with exit code 1.
func New(w io.Writer, level, format string) (*Logger, error) {
	threshold, err := parseLevel(level)
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(format) {
	case "text":
		return &Logger{w: w, threshold: threshold, now: time.Now}, nil
	case "json":
		return &Logger{w: w, threshold: threshold, json: true, now: time.Now}, nil
	}
	return nil, fmt.Errorf("invalid log format %q: it is text or json", format)
}

func parseLevel(text string) (level, error) {
	switch strings.ToLower(text) {
	case "debug", "trace":
		return debug, nil
	case "info", "print":
		return info, nil
	case "warn", "warning":
		return warn, nil
	case "error", "fatal", "panic":
		return failure, nil
	}
	return 0, fmt.Errorf("invalid log level %q: it is debug, info, warn or error", text)
}

// Debug and its likes take a message, and then keys and values in turn. A value is a string, an error (nil is
// <nil> in text and null in JSON), a duration (in JSON: nanoseconds), or anything encoding/json takes.
func (l *Logger) Debug(message string, fields ...any) { l.log(debug, message, fields) }
func (l *Logger) Info(message string, fields ...any)  { l.log(info, message, fields) }
func (l *Logger) Warn(message string, fields ...any)  { l.log(warn, message, fields) }
func (l *Logger) Error(message string, fields ...any) { l.log(failure, message, fields) }

func (l *Logger) log(at level, message string, fields []any) {
	if at < l.threshold {
		return
	}
	fields = append(fields[:len(fields):len(fields)], "argo", true)
	line, pair := []byte{}, appendText
	if l.json {
		line, pair = append(line, '{'), appendJSON
	}
	layout := map[bool]string{false: "2006-01-02T15:04:05.000Z07:00", true: time.RFC3339Nano}[l.json]
	line = pair(line, "time", l.now().Format(layout))
	line = pair(line, "level", levelNames[at])
	line = pair(line, "msg", message)
	for i := 0; i+1 < len(fields); i += 2 {
		line = pair(line, fields[i].(string), fields[i+1])
	}
	line = line[:len(line)-1] // what separates pairs
	if l.json {
		line = append(line, '}')
	}
	_, _ = l.w.Write(append(line, '\n'))
}

func appendText(line []byte, key string, value any) []byte {
	text := fmt.Sprint(value) // errors and durations have their own way
	if needsQuotes(text) {
		text = strconv.Quote(text)
	}
	return append(append(append(append(line, key...), '='), text...), ' ')
}

func needsQuotes(text string) bool {
	if text == "" {
		return true
	}
	for _, r := range text {
		if r == ' ' || r == '"' || r == '=' || r == utf8.RuneError || !unicode.IsPrint(r) {
			return true
		}
	}
	return false
}

func appendJSON(line []byte, key string, value any) []byte {
	if err, ok := value.(error); ok {
		value = err.Error()
	}
	name, _ := json.Marshal(key)
	encoded, err := json.Marshal(value)
	if err != nil {
		encoded, _ = json.Marshal(fmt.Sprint(value))
	}
	return append(append(append(append(line, name...), ':'), encoded...), ',')
}
