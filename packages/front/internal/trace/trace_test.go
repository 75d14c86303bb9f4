package trace

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/skein/front/internal/config"
)

const parent = "00-3be030a2cdb056498597b40666665e37-79e6b1236d70c8e3-01"

func TestTheControllersContextIsTheParent(t *testing.T) {
	got := Start(config.Config{TraceParent: parent, TraceState: "workflow=argo/x"}, "/nowhere")
	if got.TraceID != "3be030a2cdb056498597b40666665e37" || got.ParentSpanID != "79e6b1236d70c8e3" || got.State != "workflow=argo/x" {
		t.Errorf("got %+v", got)
	}
	if !regexp.MustCompile(`^00-3be030a2cdb056498597b40666665e37-[0-9a-f]{16}-01$`).MatchString(got.Traceparent()) || got.SpanID == got.ParentSpanID {
		t.Errorf("own traceparent %s", got.Traceparent())
	}
}

func TestTheFileOfInitIsNext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "context.json")
	if err := os.WriteFile(path, []byte(`{"traceparent":"`+parent+`","tracestate":"a=b","baggage":"c=d"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	got := Start(config.Config{TraceParent: "junk", TraceState: "of=junk"}, path)
	if got.ParentSpanID != "79e6b1236d70c8e3" || got.State != "a=b" || got.Baggage != "c=d" {
		t.Errorf("got %+v", got)
	}
}

func TestWithoutAContextIdsComeFromTheWorkflow(t *testing.T) {
	c := config.Config{WorkflowUID: "1765cc30-0431-4a17-a34d-fd1178ec033f", NodeID: "artifact-passing-wd8qx-3585661328"}
	got := Start(c, "/nowhere")
	// printf %s artifact-passing-wd8qx-3585661328 | sha256sum | cut -c1-16
	if got.TraceID != "1765cc3004314a17a34dfd1178ec033f" || got.ParentSpanID != "62d9ca4af2793016" || got.Flags != "01" {
		t.Errorf("got %+v", got)
	}
}

func TestWithoutAnythingATraceBegins(t *testing.T) {
	first, second := Start(config.Config{}, "/nowhere"), Start(config.Config{}, "/nowhere")
	if !isHex(first.TraceID, 32) || first.ParentSpanID != "" || first.TraceID == second.TraceID {
		t.Errorf("got %+v and %+v", first, second)
	}
}

func TestInvalidTraceparentsAreNone(t *testing.T) {
	for _, text := range []string{
		"", "junk", parent + "-more", "ff" + parent[2:], "00-00000000000000000000000000000000-79e6b1236d70c8e3-01",
		"00-3be030a2cdb056498597b40666665e37-0000000000000000-01", "00-3BE030A2CDB056498597B40666665E37-79e6b1236d70c8e3-01",
		"00-3be030a2cdb056498597b40666665e37-79e6b1236d70c8e3-1",
	} {
		if _, ok := below(text, "", ""); ok {
			t.Errorf("%q was taken", text)
		}
	}
	if _, ok := below("01"+parent[2:]+"-more", "", ""); !ok {
		t.Error("a later version with more fields was refused")
	}
}

func TestEnvironReplacesWhatTheContainerWasGiven(t *testing.T) {
	c := Context{TraceID: "a", SpanID: "b", Flags: "01", Baggage: "k=v"}
	got := c.Environ([]string{"PATH=/bin", "TRACEPARENT=old", "TRACESTATE=old", "EMPTY="})
	want := []string{"PATH=/bin", "EMPTY=", "TRACEPARENT=00-a-b-01", "ARGO_OTEL_traceparent=00-a-b-01", "BAGGAGE=k=v"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheSettingsOfInitAreForWhoeverDoesNotSetThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "context.json")
	saved := `{"traceparent":"` + parent + `","environment":{"OTEL_EXPORTER_OTLP_PROTOCOL":"grpc","OTEL_EXPORTER_OTLP_ENDPOINT":"http://c:4317","LD_PRELOAD":"x"}}`
	if err := os.WriteFile(path, []byte(saved), 0o644); err != nil {
		t.Fatal(err)
	}
	got := Start(config.Config{TraceParent: parent}, path).WithSettings(path).Environ([]string{"PATH=/bin", "OTEL_EXPORTER_OTLP_PROTOCOL=http/json"})
	want := []string{"PATH=/bin", "OTEL_EXPORTER_OTLP_PROTOCOL=http/json", "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317"}
	if !slices.Equal(got[:3], want) || len(got) != 5 {
		t.Errorf("got %v, want %v and the context", got, want)
	}
}
