// Package template reads the few fields of a workflow template that the front acts upon (contract §5).
// Everything else in a template is the core's business and is not even kept.
package template

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// MainContainer is the name of the one user container a pod has, unless its template is a containerSet.
const MainContainer = "main"

// Template has the API's field names.
type Template struct {
	Inputs struct {
		Artifacts []Artifact `json:"artifacts"`
	} `json:"inputs"`
	Outputs struct {
		Parameters []Parameter `json:"parameters"`
		Artifacts  []Artifact  `json:"artifacts"`
	} `json:"outputs"`
	Container       *Mounting     `json:"container"`
	Script          *Mounting     `json:"script"`
	ContainerSet    *ContainerSet `json:"containerSet"`
	Sidecars        []Named       `json:"sidecars"`
	ArchiveLocation *struct {
		ArchiveLogs bool `json:"archiveLogs"`
	} `json:"archiveLocation"`
}

// Mounting is whatever mounts volumes.
type Mounting struct {
	VolumeMounts []VolumeMount `json:"volumeMounts"`
}

type VolumeMount struct {
	Name      string `json:"name"`
	MountPath string `json:"mountPath"`
}

type Named struct {
	Name string `json:"name"`
}

type Parameter struct {
	Name      string `json:"name"`
	ValueFrom *struct {
		Path string `json:"path"`
	} `json:"valueFrom"`
}

type Artifact struct {
	Name     string   `json:"name"`
	Path     string   `json:"path"`
	Optional bool     `json:"optional"`
	Archive  *Archive `json:"archive"`
}

// Archive is the artifact's strategy; without one it is a tar at the default compression.
type Archive struct {
	Tar *struct {
		CompressionLevel *int `json:"compressionLevel"`
	} `json:"tar"`
}

type ContainerSet struct {
	Containers []struct {
		Name         string   `json:"name"`
		Dependencies []string `json:"dependencies"`
	} `json:"containers"`
	VolumeMounts  []VolumeMount  `json:"volumeMounts"`
	RetryStrategy *RetryStrategy `json:"retryStrategy"`
}

type RetryStrategy struct {
	Retries *IntOrString `json:"retries"`
	// Duration is a Go duration, empty for none.
	Duration string `json:"duration"`
}

// IntOrString is a number, or a string that should have been one and counts as 0 when it is not (contract §7, step 14).
type IntOrString int

func (v *IntOrString) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
		number, _ := strconv.Atoi(text)
		*v = IntOrString(number)
		return nil
	}
	return json.Unmarshal(data, (*int)(v))
}

// Parse reads a template's JSON. Fields it does not know are left out.
func Parse(data []byte) (*Template, error) {
	template := &Template{}
	if err := json.Unmarshal(data, template); err != nil {
		return nil, err
	}
	return template, nil
}

// MainContainers are the containers whose end is the end of the step: every member of a containerSet, else "main".
func (t *Template) MainContainers() []string {
	if t.ContainerSet == nil {
		return []string{MainContainer}
	}
	names := make([]string, 0, len(t.ContainerSet.Containers))
	for _, container := range t.ContainerSet.Containers {
		names = append(names, container.Name)
	}
	return names
}

// IsSidecar says whether the named container only accompanies the main ones.
func (t *Template) IsSidecar(name string) bool {
	for _, sidecar := range t.Sidecars {
		if sidecar.Name == name {
			return true
		}
	}
	return false
}

// Dependencies are the members of a containerSet that must have succeeded before the named one starts.
func (t *Template) Dependencies(name string) []string {
	if t.ContainerSet == nil {
		return nil
	}
	for _, container := range t.ContainerSet.Containers {
		if container.Name == name {
			return container.Dependencies
		}
	}
	return nil
}

// ArchiveLogs says whether the containers' output is to be kept as an artifact.
func (t *Template) ArchiveLogs() bool {
	return t.ArchiveLocation != nil && t.ArchiveLocation.ArchiveLogs
}

// defaultCompression is gzip's own: level 6.
const defaultCompression = -1

// CompressionLevel is the gzip level for packing a in the user's container: its own when it is uploaded as that very
// archive, 0 when the core will unpack it again (none, zip, and the empty object, contract §11.3).
func (a *Artifact) CompressionLevel() int {
	switch {
	case a.Archive == nil:
		return defaultCompression
	case a.Archive.Tar == nil:
		return 0
	case a.Archive.Tar.CompressionLevel == nil:
		return defaultCompression
	}
	return *a.Archive.Tar.CompressionLevel
}
