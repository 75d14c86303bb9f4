// Package trace keeps a container's place in the trace of its workflow: W3C trace context in, W3C trace context out
// (https://www.w3.org/TR/trace-context/). It sends nothing; the core makes spans of what the journal says.
package trace

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"github.com/skein/front/internal/config"
)

// Context is the span of this container and its parent.
type Context struct {
	// TraceID has 32 hex digits, SpanID and ParentSpanID 16; ParentSpanID may be empty.
	TraceID, SpanID, ParentSpanID string
	// Flags are two hex digits.
	Flags   string
	State   string
	Baggage string
	// Settings are variables for a process whose container does not set them: where to send its own spans.
	Settings map[string]string
}

// Traceparent is the header that makes something a child of this container's span.
func (c Context) Traceparent() string {
	return "00-" + c.TraceID + "-" + c.SpanID + "-" + c.Flags
}

// Start gives this container a span of its own, below the context the controller gave it, else below the one init
// found and left in contextFile, else below one derived from the workflow (so that spans made later from the Workflow
// object join up), else below none.
func Start(c config.Config, contextFile string) Context {
	left := read(contextFile)
	context, ok := below(c.TraceParent, c.TraceState, c.Baggage)
	if !ok {
		context, ok = below(left.Traceparent, left.Tracestate, left.Baggage)
	}
	if !ok {
		context = derived(c.WorkflowUID, c.NodeID)
	}
	context.SpanID = randomHex(8)
	return context
}

// WithSettings is c with the settings that are in contextFile by now: in a pod without an init container the file comes
// while the others wait.
func (c Context) WithSettings(contextFile string) Context {
	c.Settings = read(contextFile).Environment
	return c
}

// left is what init leaves for the other containers.
type left struct {
	Traceparent, Tracestate, Baggage string
	Environment                      map[string]string
}

// read gives nothing for a file that is not there, or not whole.
func read(path string) left {
	var found left
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &found) != nil {
		return left{}
	}
	return found
}

// below is the context whose parent is the span of a traceparent; what the specification calls invalid is no context.
func below(traceparent, state, baggage string) (Context, bool) {
	parts := strings.Split(strings.TrimSpace(traceparent), "-")
	if len(parts) < 4 || (parts[0] == "00" && len(parts) > 4) || parts[0] == "ff" {
		return Context{}, false
	}
	if !isHex(parts[0], 2) || !isHex(parts[1], 32) || !isHex(parts[2], 16) || !isHex(parts[3], 2) {
		return Context{}, false
	}
	if isZero(parts[1]) || isZero(parts[2]) {
		return Context{}, false
	}
	return Context{TraceID: parts[1], ParentSpanID: parts[2], Flags: parts[3], State: state, Baggage: baggage}, true
}

func derived(workflowUID, nodeID string) Context {
	traceID := strings.ToLower(strings.ReplaceAll(workflowUID, "-", ""))
	if !isHex(traceID, 32) || isZero(traceID) {
		return Context{TraceID: randomHex(16), Flags: "01"}
	}
	sum := sha256([]byte(nodeID))
	return Context{TraceID: traceID, ParentSpanID: hex.EncodeToString(sum[:8]), Flags: "01"}
}

func isHex(text string, digits int) bool {
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == ""
}

func isZero(text string) bool { return strings.Trim(text, "0") == "" }

// randomHex gives n bytes as hex digits. Ids need to be unique, not secret.
func randomHex(n int) string {
	bytes := make([]byte, n)
	for i := range bytes {
		bytes[i] = byte(rand.Uint32())
	}
	bytes[0] |= 1 // all zeros would be invalid
	return hex.EncodeToString(bytes)
}

// Environ is environ with the variables that make a program's spans children of this container's.
// ARGO_OTEL_traceparent is what scripts of older releases look for.
func (c Context) Environ(environ []string) []string {
	result := make([]string, 0, len(environ)+len(c.Settings)+4)
	given := make(map[string]bool)
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		given[name] = true
		switch name {
		case "TRACEPARENT", "TRACESTATE", "BAGGAGE", "ARGO_OTEL_traceparent":
		default:
			result = append(result, entry)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		// Only what it is meant for: the volume is shared with the user's containers.
		if strings.HasPrefix(name, "OTEL_") && !given[name] {
			result = append(result, name+"="+c.Settings[name])
		}
	}
	result = append(result, "TRACEPARENT="+c.Traceparent(), "ARGO_OTEL_traceparent="+c.Traceparent())
	if c.State != "" {
		result = append(result, "TRACESTATE="+c.State)
	}
	if c.Baggage != "" {
		result = append(result, "BAGGAGE="+c.Baggage)
	}
	return result
}
