package template

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skein/front/internal/config"
	"github.com/skein/front/internal/paths"
)

func parse(t *testing.T, text string) *Template {
	t.Helper()
	template, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func TestMainContainers(t *testing.T) {
	if got := parse(t, `{"script":{"source":"x"}}`).MainContainers(); !slices.Equal(got, []string{"main"}) {
		t.Errorf("script: %v", got)
	}
	set := parse(t, `{"containerSet":{"containers":[{"name":"b"},{"name":"a","dependencies":["b"]}]},"sidecars":[{"name":"web"}]}`)
	if got := set.MainContainers(); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("containerSet: %v", got)
	}
	if got := set.Dependencies("a"); !slices.Equal(got, []string{"b"}) {
		t.Errorf("dependencies: %v", got)
	}
	if !set.IsSidecar("web") || set.IsSidecar("a") {
		t.Error("web is a sidecar and a is not")
	}
}

func TestRetriesAreANumberOrItsText(t *testing.T) {
	for text, want := range map[string]IntOrString{`3`: 3, `"3"`: 3, `"often"`: 0, `0`: 0} {
		set := parse(t, `{"containerSet":{"containers":[],"retryStrategy":{"retries":`+text+`}}}`).ContainerSet
		if got := *set.RetryStrategy.Retries; got != want {
			t.Errorf("retries %s is %d, want %d", text, got, want)
		}
	}
}

func TestCompressionLevelFollowsTheStrategy(t *testing.T) {
	for archive, want := range map[string]int{
		`null`: -1, `{"tar":{}}`: -1, `{"tar":{"compressionLevel":0}}`: 0, `{"tar":{"compressionLevel":9}}`: 9,
		`{"none":{}}`: 0, `{"zip":{}}`: 0, `{}`: 0,
	} {
		artifacts := parse(t, `{"outputs":{"artifacts":[{"name":"x","archive":`+archive+`}]}}`).Outputs.Artifacts
		if got := artifacts[0].CompressionLevel(); got != want {
			t.Errorf("archive %s is packed at level %d, want %d", archive, got, want)
		}
	}
}

func TestVolumesAreFoundByComponentsAndTheDeepestFirst(t *testing.T) {
	template := parse(t, `{"container":{"volumeMounts":[
		{"name":"data","mountPath":"/data"},{"name":"deep","mountPath":"/data/deep/"},{"name":"far","mountPath":"/a/b/far"}]}}`)
	for path, want := range map[string]string{
		"/data": "data", "/data/x": "data", "/data/deep/x": "deep", "/data2": "", "/tmp": "", "/data/../tmp": "",
	} {
		got := ""
		if mount := template.VolumeAt(path); mount != nil {
			got = mount.Name
		}
		if got != want {
			t.Errorf("VolumeAt(%s) is %q, want %q", path, got, want)
		}
	}
	if mount := template.VolumeBelow("/a"); mount == nil || mount.Name != "far" {
		t.Errorf("VolumeBelow(/a) is %v", mount)
	}
	if mount := template.VolumeBelow("/a/b/far"); mount != nil {
		t.Errorf("VolumeBelow(/a/b/far) is %v", mount)
	}
}

func TestAContainerSetsMembersMountsDoNotCount(t *testing.T) {
	template := parse(t, `{"containerSet":{"volumeMounts":[{"name":"w","mountPath":"/work"}],
		"containers":[{"name":"main","volumeMounts":[{"name":"m","mountPath":"/member"}]}]}}`)
	if template.VolumeAt("/work/x") == nil || template.VolumeAt("/member/x") != nil {
		t.Error("/work is a volume of the set, /member is not")
	}
}

func TestRequiredInputsAreMountedAndOptionalOnesPerhapsNot(t *testing.T) {
	template := parse(t, `{"inputs":{"artifacts":[{"name":"src","path":"/src"},{"name":"opt","path":"/opt","optional":true}]}}`)
	if template.InputAt("/src/sub") == nil || template.InputAt("/src2") != nil || template.InputAt("/opt") != nil {
		t.Error("only /src and what is below it is surely an input")
	}
}

func TestReadPrefersTheFileAndKnowsOffloading(t *testing.T) {
	p := paths.Paths{Root: t.TempDir()}
	container := func(name string) string { return `{"containerSet":{"containers":[{"name":"` + name + `"}]}}` }
	name := func(c config.Config) string {
		t.Helper()
		template, err := Read(p, c)
		if err != nil {
			t.Fatal(err)
		}
		return template.MainContainers()[0]
	}
	inline := config.Config{HasTemplate: true, Template: container("inline")}
	if got := name(inline); got != "inline" {
		t.Errorf("without a file: %s", got)
	}
	write(t, p.OffloadedTemplate(), container("offloaded"))
	if got := name(config.Config{HasTemplate: true, Template: "offloaded"}); got != "offloaded" {
		t.Errorf("offloaded: %s", got)
	}
	write(t, p.Template(), container("file"))
	if got := name(inline); got != "file" {
		t.Errorf("with a file: %s", got)
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	p := paths.Paths{Root: t.TempDir()}
	_, err := Read(p, config.Config{})
	if err == nil || !strings.HasPrefix(err.Error(), "failed to read template: neither "+p.Template()) {
		t.Errorf("missing: %v", err)
	}
	_, err = Read(p, config.Config{HasTemplate: true, Template: "{"})
	if err == nil || !strings.HasPrefix(err.Error(), "failed to unmarshal template: ") {
		t.Errorf("malformed: %v", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
