package outputs

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/skein/front/internal/journal"
	"github.com/skein/front/internal/logging"
	"github.com/skein/front/internal/paths"
	"github.com/skein/front/internal/template"
)

func TestMain(m *testing.M) {
	syscall.Umask(0)
	os.Exit(m.Run())
}

// container is the root file system of a user's container, and what saving its outputs leaves.
type container struct {
	t     *testing.T
	user  string // directory of the user's files
	paths paths.Paths
	log   bytes.Buffer
	lines []journal.Output
}

func newContainer(t *testing.T) *container {
	return &container{t: t, user: t.TempDir(), paths: paths.Paths{Root: t.TempDir()}}
}

func (c *container) write(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.user, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// save runs with a template in which $ is the directory of the user's files.
func (c *container) save(text string, inputsAreMounted bool) error {
	c.t.Helper()
	parsed, err := template.Parse([]byte(strings.ReplaceAll(text, "$", c.user)))
	if err != nil {
		c.t.Fatal(err)
	}
	journalPath := c.paths.Journal("main")
	log, err := logging.New(&c.log, "info", "text")
	if err != nil {
		c.t.Fatal(err)
	}
	saver := Saver{
		Template: parsed, Paths: c.paths, InputsAreMounted: inputsAreMounted,
		Log: log, Journal: journal.Open(journalPath),
	}
	failure := saver.Save()
	data, err := os.ReadFile(journalPath)
	if err != nil {
		c.t.Fatal(err)
	}
	for decoder := json.NewDecoder(bytes.NewReader(data)); decoder.More(); {
		var line journal.Output
		if err := decoder.Decode(&line); err != nil {
			c.t.Fatal(err)
		}
		c.lines = append(c.lines, line)
	}
	return failure
}

func (c *container) listing(path string) []string {
	c.t.Helper()
	output, err := exec.Command("tar", "-tzf", path).Output()
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.Fields(string(output))
}

func TestAParameterIsCopiedAsItIs(t *testing.T) {
	c := newContainer(t)
	path := c.write("out/param", "line\r\n\xff\n\n")
	if err := c.save(`{"outputs":{"parameters":[{"name":"p","valueFrom":{"path":"$/out/param"}},{"name":"q","valueFrom":{"expression":"1"}}]}}`, true); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(c.paths.OutputParameter(path))
	if err != nil || string(got) != "line\r\n\xff\n\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if info, _ := os.Stat(c.paths.OutputParameter(path)); info.Mode().Perm() != 0o666 {
		t.Errorf("mode %v: the core may run as another user", info.Mode())
	}
	if len(c.lines) != 1 || c.lines[0].Kind != "parameter" || c.lines[0].Path != path || c.lines[0].Bytes != 9 {
		t.Errorf("journal %+v", c.lines)
	}
}

func TestAnArtifactIsPackedWhereTheCoreLooksForIt(t *testing.T) {
	c := newContainer(t)
	c.write("out/a", strings.Repeat("a", 5000))
	c.write("out/b/c", "c")
	if err := c.save(`{"outputs":{"artifacts":[{"name":"x","path":"$/out/"},{"name":"no-path"}]}}`, true); err != nil {
		t.Fatal(err)
	}
	packed := c.paths.OutputArtifact(filepath.Join(c.user, "out"))
	if got := c.listing(packed); !slices.Equal(got, []string{"out", "out/a", "out/b", "out/b/c"}) {
		t.Errorf("got %q", got)
	}
	info, err := os.Stat(packed)
	if err != nil || info.Mode().Perm() != 0o666 {
		t.Fatalf("%v, %v", info, err)
	}
	if len(c.lines) != 1 || c.lines[0].Files != 2 || c.lines[0].Bytes != 5001 || c.lines[0].PackedBytes != info.Size() {
		t.Errorf("journal %+v", c.lines)
	}
}

func TestTheLevelFollowsTheStrategy(t *testing.T) {
	size := func(archive string) int64 {
		c := newContainer(t)
		path := c.write("f", strings.Repeat("compressible ", 10_000))
		if err := c.save(`{"outputs":{"artifacts":[{"name":"x","path":"$/f","archive":`+archive+`}]}}`, true); err != nil {
			t.Fatal(err)
		}
		if got := c.listing(c.paths.OutputArtifact(path)); !slices.Equal(got, []string{"f"}) {
			t.Errorf("%s: %q", archive, got)
		}
		return c.lines[0].PackedBytes
	}
	for archive, stored := range map[string]bool{
		`null`: false, `{"tar":{}}`: false, `{"tar":{"compressionLevel":9}}`: false,
		`{"tar":{"compressionLevel":0}}`: true, `{"none":{}}`: true, `{"zip":{}}`: true, `{}`: true,
	} {
		if got := size(archive); (got > 130_000) != stored {
			t.Errorf("archive %s takes %d bytes of 130,000", archive, got)
		}
	}
}

func TestOnePathIsPackedOnceForSeveralArtifacts(t *testing.T) {
	c := newContainer(t)
	path := c.write("f", strings.Repeat("compressible ", 10_000))
	err := c.save(`{"outputs":{"artifacts":[{"name":"x","path":"$/f","archive":{"none":{}}},
		{"name":"y","path":"$/f"},{"name":"z","path":"$/./f/","archive":{"zip":{}}}]}}`, true)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.listing(c.paths.OutputArtifact(path)); !slices.Equal(got, []string{"f"}) {
		t.Errorf("%q", got)
	}
	if len(c.lines) != 1 || c.lines[0].PackedBytes > 10_000 {
		t.Errorf("journal %+v", c.lines)
	}
}

func TestWhatDoesNotExistIsAWarning(t *testing.T) {
	c := newContainer(t)
	c.write("other", "x")
	err := c.save(`{"outputs":{"parameters":[{"name":"p","valueFrom":{"path":"$/no"}}],
		"artifacts":[{"name":"x","path":"$/no"},{"name":"y","path":"$/other"}]}}`, true)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(c.log.String(), `msg="cannot save parameter, does not exist"`) || !strings.Contains(c.log.String(), `msg="cannot save artifact"`) {
		t.Errorf("log %s", c.log.String())
	}
	if len(c.lines) != 1 {
		t.Errorf("journal %+v", c.lines)
	}
}

func TestEveryOutputIsTriedAndEveryFailureNamed(t *testing.T) {
	c := newContainer(t)
	c.write("dir/f", "x")
	c.write("ok", "x")
	err := c.save(`{"outputs":{"parameters":[{"name":"p","valueFrom":{"path":"$/dir"}}],"artifacts":[
		{"name":"bad","path":"$/dir","archive":{"tar":{"compressionLevel":42}}},{"name":"good","path":"$/ok"}]}}`, true)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"failed to copy " + c.user + "/dir: ",
		"failed to tarball the output " + c.user + "/dir to ",
		"gzip: invalid compression level: 42",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	if _, err := os.Stat(c.paths.OutputArtifact(c.user + "/ok")); err != nil {
		t.Error(err)
	}
	for _, path := range []string{c.paths.OutputArtifact(c.user + "/dir"), c.paths.OutputParameter(c.user + "/dir")} {
		for _, name := range []string{path, path + ".tmp"} {
			if _, err := os.Stat(name); err == nil {
				t.Errorf("%s was left behind", name)
			}
		}
	}
	if len(c.lines) != 3 || c.lines[0].Error == "" || c.lines[1].Error == "" || c.lines[2].Error != "" {
		t.Errorf("journal %+v", c.lines)
	}
}

// A reader of a pipe that nobody writes to waits for ever, and the pod with it.
func TestAPipeIsRefusedAndNotRead(t *testing.T) {
	c := newContainer(t)
	if err := syscall.Mkfifo(filepath.Join(c.user, "pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	err := c.save(`{"outputs":{"parameters":[{"name":"p","valueFrom":{"path":"$/pipe"}}]}}`, true)
	if err == nil || !strings.Contains(err.Error(), "it is a pipe") {
		t.Errorf("error %v", err)
	}
}

// Two outputs of which one is called as a temporary file of the other could be.
func TestNoOutputIsTakenForATemporaryFile(t *testing.T) {
	c := newContainer(t)
	c.write("p.tmp", "first")
	c.write("p", "second")
	if err := c.save(`{"outputs":{"parameters":[{"name":"a","valueFrom":{"path":"$/p.tmp"}},{"name":"b","valueFrom":{"path":"$/p"}}]}}`, true); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"p.tmp": "first", "p": "second"} {
		got, err := os.ReadFile(c.paths.OutputParameter(c.user + "/" + name))
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestWhatTheCoreSeesItselfIsNotSaved(t *testing.T) {
	text := `{"container":{"volumeMounts":[{"name":"v","mountPath":"$/volume"}]},
		"inputs":{"artifacts":[{"name":"in","path":"$/in"}]},
		"outputs":{"parameters":[{"name":"p","valueFrom":{"path":"$/volume/p"}}],
			"artifacts":[{"name":"v","path":"$/volume/a"},{"name":"i","path":"$/in/sub"}]}}`
	for _, inputsAreMounted := range []bool{true, false} {
		c := newContainer(t)
		c.write("volume/p", "x")
		c.write("volume/a", "x")
		input := c.write("in/sub", "x")
		if err := c.save(text, inputsAreMounted); err != nil {
			t.Fatal(err)
		}
		var saved []string
		for _, line := range c.lines {
			saved = append(saved, line.Path)
		}
		want := []string{input} // of a pod without an init container, whose inputs are links
		if inputsAreMounted {
			want = nil
		}
		if !slices.Equal(saved, want) {
			t.Errorf("inputs mounted %v: saved %q", inputsAreMounted, saved)
		}
	}
}

func TestWorkersFitTheContainer(t *testing.T) {
	limit := filepath.Join(t.TempDir(), "memory.max")
	for text, want := range map[string]int{
		"max\n": 6, "16777216\n": 1, "4096\n": 1, "9223372036854771712\n": 6,
	} {
		if err := os.WriteFile(limit, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := workers(6, []string{"/nowhere", limit}); got != want {
			t.Errorf("with a limit of %q: %d, want %d", text, got, want)
		}
	}
}

func TestOfAParameterNobodyCanReportOnlyTheSizeIsCopied(t *testing.T) {
	c := newContainer(t)
	path := c.write("huge", "x")
	const size = 20 << 30
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	if err := c.save(`{"outputs":{"parameters":[{"name":"p","valueFrom":{"path":"$/huge"}}]}}`, true); err != nil {
		t.Fatal(err)
	}
	var info syscall.Stat_t
	if err := syscall.Stat(c.paths.OutputParameter(path), &info); err != nil {
		t.Fatal(err)
	}
	if info.Size != size || info.Blocks*512 > 2*maxParameterBytes {
		t.Errorf("the copy has %d bytes and takes %d", info.Size, info.Blocks*512)
	}
}
