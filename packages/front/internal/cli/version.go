package cli

import (
	"fmt"
	"runtime"
)

// Version is what the build says of itself.
type Version struct {
	Version      string
	BuildDate    string
	GitCommit    string
	GitTag       string
	GitTreeState string
}

func (p *Program) version(arguments []string) error {
	f, _, err := parseFlags(arguments)
	if err != nil {
		return err
	}
	v := p.Version
	fmt.Fprintf(p.Stdout, "argoexec: %s\n", v.Version)
	if f.short {
		return nil
	}
	fmt.Fprintf(p.Stdout, "  BuildDate: %s\n", v.BuildDate)
	fmt.Fprintf(p.Stdout, "  GitCommit: %s\n", v.GitCommit)
	fmt.Fprintf(p.Stdout, "  GitTreeState: %s\n", v.GitTreeState)
	if v.GitTag != "" {
		fmt.Fprintf(p.Stdout, "  GitTag: %s\n", v.GitTag)
	}
	fmt.Fprintf(p.Stdout, "  GoVersion: %s\n", runtime.Version())
	fmt.Fprintf(p.Stdout, "  Compiler: %s\n", runtime.Compiler)
	fmt.Fprintf(p.Stdout, "  Platform: %s/%s\n", runtime.GOOS, runtime.GOARCH)
	return nil
}
