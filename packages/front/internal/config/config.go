// Package config reads the environment variables of the contract (§3) once, at the edge.
package config

import (
	"strconv"
	"strings"
	"time"
)

// DefaultGracePeriod is Kubernetes' own default of terminationGracePeriodSeconds.
const DefaultGracePeriod = 30 * time.Second

// Config is what the front wants to know of its environment. Nothing below cli reads a variable.
type Config struct {
	ContainerName string
	NodeID        string
	WorkflowUID   string

	// Template is ARGO_TEMPLATE; HasTemplate tells an empty variable from a missing one.
	Template    string
	HasTemplate bool

	IncludeScriptOutput bool
	// ArgsFile holds the arguments that were too long for the pod's definition, as a JSON array.
	ArgsFile string
	// WaitForReady is set in pods without init: a supervisor stages files and inputs, and says when.
	WaitForReady bool
	PauseBefore  bool
	PauseAfter   bool

	// GracePeriod is how long a process may take from SIGTERM to its end.
	GracePeriod time.Duration
	// Deadline is the zero time when there is none, or none that can be read: the core complains about those.
	Deadline time.Time

	// CompressThreads is zero when the container's own limit decides.
	CompressThreads int

	ProgressFile string
	// ProgressTick is zero when progress is not monitored.
	ProgressTick time.Duration

	TraceParent string
	TraceState  string
	Baggage     string

	// Environ is the whole environment, for processes started from here.
	Environ []string
}

// Parse reads an environment as given by os.Environ. It never fails: what the contract calls an error here is
// found and worded by the core, and a user's container must not fail for a variable it does not need.
func Parse(environ []string) Config {
	values := make(map[string]string, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			values[name] = value
		}
	}
	template, hasTemplate := values["ARGO_TEMPLATE"]
	return Config{
		ContainerName:       values["ARGO_CONTAINER_NAME"],
		NodeID:              values["ARGO_NODE_ID"],
		WorkflowUID:         values["ARGO_WORKFLOW_UID"],
		Template:            template,
		HasTemplate:         hasTemplate,
		IncludeScriptOutput: values["ARGO_INCLUDE_SCRIPT_OUTPUT"] == "true",
		ArgsFile:            values["ARGO_CONTAINER_ARGS_FILE"],
		WaitForReady:        values["ARGO_WAIT_FOR_READY"] == "true",
		PauseBefore:         values["ARGO_DEBUG_PAUSE_BEFORE"] == "true",
		PauseAfter:          values["ARGO_DEBUG_PAUSE_AFTER"] == "true",
		GracePeriod:         gracePeriod(values["ARGO_TERMINATION_GRACE_PERIOD_SECONDS"]),
		Deadline:            deadline(values["ARGO_DEADLINE"]),
		CompressThreads:     compressThreads(values["SKEIN_COMPRESS_THREADS"]),
		ProgressFile:        values["ARGO_PROGRESS_FILE"],
		ProgressTick:        progressTick(values),
		TraceParent:         values["TRACEPARENT"],
		TraceState:          values["TRACESTATE"],
		Baggage:             values["BAGGAGE"],
		Environ:             environ,
	}
}

func gracePeriod(text string) time.Duration {
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds <= 0 {
		return DefaultGracePeriod
	}
	return time.Duration(seconds) * time.Second
}

func deadline(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

func compressThreads(text string) int {
	threads, err := strconv.Atoi(text)
	if err != nil || threads < 0 {
		return 0
	}
	return threads
}

// progressTick is zero unless both durations are set: the second has no other use any more (contract §3.1).
func progressTick(values map[string]string) time.Duration {
	patch, err := time.ParseDuration(values["ARGO_PROGRESS_PATCH_TICK_DURATION"])
	if err != nil || patch <= 0 || values["ARGO_PROGRESS_FILE"] == "" {
		return 0
	}
	file, err := time.ParseDuration(values["ARGO_PROGRESS_FILE_TICK_DURATION"])
	if err != nil || file == 0 {
		return 0
	}
	return patch
}
