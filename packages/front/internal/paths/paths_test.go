package paths

import "testing"

func TestOutputsNeverLieOutsideTheirDirectory(t *testing.T) {
	p := Paths{Root: "/pod"}
	for path, want := range map[string]string{
		"/tmp/out":         "/pod/var/run/argo/outputs/artifacts/tmp/out.tgz",
		"/tmp/out/":        "/pod/var/run/argo/outputs/artifacts/tmp/out.tgz",
		"out":              "/pod/var/run/argo/outputs/artifacts/out.tgz",
		"/a//b/./c":        "/pod/var/run/argo/outputs/artifacts/a/b/c.tgz",
		"/../../../etc/x":  "/pod/var/run/argo/outputs/artifacts/etc/x.tgz",
		"../../../../etc/": "/pod/var/run/argo/outputs/artifacts/etc.tgz",
	} {
		if got := p.OutputArtifact(path); got != want {
			t.Errorf("OutputArtifact(%q) = %q, want %q", path, got, want)
		}
	}
	if got, want := p.OutputParameter("/../x"), "/pod/var/run/argo/outputs/parameters/x"; got != want {
		t.Errorf("OutputParameter = %q, want %q", got, want)
	}
}
