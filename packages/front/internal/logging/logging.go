// Package logging makes the logger of the contract (§19): slog's text or JSON lines, each marked as Argo's, so that
// they can be told apart from what the user's program writes to the same stream.
package logging

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// New makes a logger that writes to w.
//
// Levels are debug, info, warn and error, with the aliases of older releases; formats are text and json; both in any
// case. An error means that the flags are wrong, for which the process ends with exit code 1.
func New(w io.Writer, level, format string) (*slog.Logger, error) {
	threshold, err := parseLevel(level)
	if err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: threshold}
	switch strings.ToLower(format) {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)).With("argo", true), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)).With("argo", true), nil
	}
	return nil, fmt.Errorf("invalid log format %q: it is text or json", format)
}

func parseLevel(text string) (slog.Level, error) {
	switch strings.ToLower(text) {
	case "debug", "trace":
		return slog.LevelDebug, nil
	case "info", "print":
		return slog.LevelInfo, nil
	case "warn", "warning":
		return slog.LevelWarn, nil
	case "error", "fatal", "panic":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("invalid log level %q: it is debug, info, warn or error", text)
}
