package journal

// Event is one of the types below.
type Event interface{ header() *Header }

// Header is what every line has. Of is the event's name.
type Header struct {
	Of           string `json:"event"`
	TimeUnixNano string `json:"timeUnixNano"`
}

func (h *Header) header() *Header { return h }

// Named makes the header of an event that happens now.
func Named(of string) Header { return Header{Of: of} }

// Start is the first line of a process: its span, which the core will emit, and that span's parent.
type Start struct {
	Header
	// Role is "emissary", "wait" or "supervisor".
	Role         string `json:"role"`
	Traceparent  string `json:"traceparent"`
	ParentSpanID string `json:"parentSpanId"`
	Tracestate   string `json:"tracestate,omitempty"`
	Baggage      string `json:"baggage,omitempty"`
	PID          int    `json:"pid"`
}

// ProcessStart is the start of the user's process; a containerSet may try more than once.
type ProcessStart struct {
	Header
	Attempt int    `json:"attempt"`
	PID     int    `json:"pid"`
	Command string `json:"command"`
}

// ProcessEnd is its end: 128+n and the signal's name when a signal ended it.
type ProcessEnd struct {
	Header
	Attempt  int    `json:"attempt"`
	ExitCode int    `json:"exitCode"`
	Signal   string `json:"signal"`
}

// Signal is one that was passed on to the user's process group, or, in wait, that was received.
type Signal struct {
	Header
	Signal string `json:"signal"`
	// Source is "process" (sent to the front), "file" (the signal file) or "sidecar" (the main containers ended).
	Source string `json:"source"`
}

// Output is an output of the root file system that was copied or packed; its time is when that began.
type Output struct {
	Header
	// Kind is "parameter" or "artifact".
	Kind    string  `json:"kind"`
	Path    string  `json:"path"`
	Seconds float64 `json:"seconds"`
	// Bytes are those of the files' contents; PackedBytes those of the file on the shared volume.
	Bytes       int64  `json:"bytes"`
	PackedBytes int64  `json:"packedBytes"`
	Files       int64  `json:"files"`
	Error       string `json:"error"`
}

// Error is something that went wrong and was, or will be, told to the user.
type Error struct {
	Header
	Message string `json:"message"`
}

// End is the end of the process that wrote Start.
type End struct {
	Header
	ExitCode int `json:"exitCode"`
}

// PreMain is the end of what comes before the user's containers in a pod without an init container. Not ready: they do
// not start, and there will be no outputs. In the journal of one of them it is that one which does not start.
type PreMain struct {
	Header
	Ready bool `json:"ready"`
}

// ActStart is the start of one run of the core.
type ActStart struct {
	Header
	Act string `json:"act"`
}

// ActEnd is its end, with what it cost, children included.
type ActEnd struct {
	Header
	Act         string  `json:"act"`
	ExitCode    int     `json:"exitCode"`
	CPUSeconds  float64 `json:"cpuSeconds"`
	MaxRSSBytes int64   `json:"maxRssBytes"`
}

// Watch is "watch.start" or "watch.end".
type Watch struct {
	Header
	// Reason of the end is "completed" (every main container reported its exit code), "lost" (those that did not are
	// dead) or "signal" (wait was told to stop).
	Reason string `json:"reason,omitempty"`
	// Lost are main containers that ended without an exit code.
	Lost []string `json:"lost,omitempty"`
}

// Deadline is the passing of the step's deadline.
type Deadline struct{ Header }

// Kill is a signal left for other containers.
type Kill struct {
	Header
	Signal     string   `json:"signal"`
	Containers []string `json:"containers"`
}
