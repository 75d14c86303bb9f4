// Package paths knows where everything of the executor contract lies in a pod.
package paths

import (
	"path/filepath"

	"github.com/skein/front/internal/cores"
)

// Paths are the contract's paths (§4) below one root: "/" in a pod, a temporary directory in a test.
// Paths that come out of a template belong to the user's program and are never moved below Root.
type Paths struct {
	Root string
}

func (p Paths) at(path string) string { return filepath.Join(p.Root, path) }

// Shared is the volume every container of the pod sees.
func (p Paths) Shared() string { return p.at("/var/run/argo") }

// Template is the template as init wrote it.
func (p Paths) Template() string { return p.at("/var/run/argo/template") }

// Status is the marker by which the supervisor of an init-less pod says how far it is.
func (p Paths) Status() string { return p.at("/var/run/argo/status") }

// Container is the directory in which containers leave messages for and about the named one.
func (p Paths) Container(name string) string { return filepath.Join(p.at("/var/run/argo/ctr"), name) }

// OutputParameter is where the copy of the parameter file at path goes.
// The path is cleaned as an absolute one, so it cannot lead out of the outputs directory.
func (p Paths) OutputParameter(path string) string {
	return filepath.Join(p.at("/var/run/argo/outputs/parameters"), filepath.Clean("/"+path))
}

// OutputArtifact is where the packed artifact at path goes.
func (p Paths) OutputArtifact(path string) string {
	return filepath.Join(p.at("/var/run/argo/outputs/artifacts"), filepath.Clean("/"+path)) + ".tgz"
}

// InputArtifact is where the supervisor of an init-less pod puts the named input.
func (p Paths) InputArtifact(name string) string {
	return filepath.Join(p.at("/argo/inputs/artifacts"), name)
}

// OffloadedTemplate is the template of a pod whose environment is too small for it.
func (p Paths) OffloadedTemplate() string { return p.at("/argo/config/ARGO_TEMPLATE") }

// TerminationLog is what the kubelet shows as the container's message.
func (p Paths) TerminationLog() string { return p.at("/dev/termination-log") }

// Temp is the container's own temporary directory.
func (p Paths) Temp() string { return p.at("/tmp") }

// Journal is the file in which front and core tell each other what happened in the named container.
func (p Paths) Journal(container string) string {
	return filepath.Join(p.at("/var/run/argo/skein/journal"), container+".jsonl")
}

// TraceContext is the trace context init found, for containers that are given none.
func (p Paths) TraceContext() string { return p.at("/var/run/argo/skein/context.json") }

// Core is where an image keeps the core when it is not beside the front.
func (p Paths) Core() string { return p.at("/opt/skein") }

// MemoryLimits are the files in which cgroup v2 and v1 say how much memory the container may use.
func (p Paths) MemoryLimits() []string {
	return []string{p.at("/sys/fs/cgroup/memory.max"), p.at("/sys/fs/cgroup/memory/memory.limit_in_bytes")}
}

// CPULimits are the files in which cgroup v2 and v1 say how much processor time the container may use.
func (p Paths) CPULimits() []cores.Limit {
	v1 := func(controller string) cores.Limit {
		directory := filepath.Join(p.at("/sys/fs/cgroup"), controller)
		return cores.Limit{
			Quota:  filepath.Join(directory, "cpu.cfs_quota_us"),
			Period: filepath.Join(directory, "cpu.cfs_period_us"),
		}
	}
	return []cores.Limit{{Quota: p.at("/sys/fs/cgroup/cpu.max")}, v1("cpu"), v1("cpu,cpuacct")}
}
