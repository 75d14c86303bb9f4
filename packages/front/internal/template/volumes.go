package template

import (
	"path/filepath"
	"sort"
	"strings"
)

// volumeMounts are those the contract considers for overlap (§5.1); a containerSet's members' own are not among them.
func (t *Template) volumeMounts() []VolumeMount {
	switch {
	case t.Container != nil:
		return t.Container.VolumeMounts
	case t.Script != nil:
		return t.Script.VolumeMounts
	case t.ContainerSet != nil:
		return t.ContainerSet.VolumeMounts
	}
	return nil
}

// VolumeAt is the user's volume that path lies in, the deepest of several, or nil.
// Paths are compared by their components: /data2 is not in /data.
func (t *Template) VolumeAt(path string) *VolumeMount {
	mounts := append([]VolumeMount(nil), t.volumeMounts()...)
	sort.SliceStable(mounts, func(i, j int) bool { return len(mounts[i].MountPath) > len(mounts[j].MountPath) })
	for i := range mounts {
		if isWithin(path, mounts[i].MountPath) {
			return &mounts[i]
		}
	}
	return nil
}

// VolumeBelow is a user's volume that is mounted somewhere below path, or nil.
func (t *Template) VolumeBelow(path string) *VolumeMount {
	for _, mount := range t.volumeMounts() {
		if isWithin(mount.MountPath, path) && filepath.Clean(mount.MountPath) != filepath.Clean(path) {
			return &mount
		}
	}
	return nil
}

// InputAt is the input artifact that is mounted at path or above it in a pod with an init container, or nil.
// Optional inputs are not considered: they may not have been supplied, and then nothing is mounted.
func (t *Template) InputAt(path string) *Artifact {
	for i := range t.Inputs.Artifacts {
		input := &t.Inputs.Artifacts[i]
		if input.Path != "" && !input.Optional && isWithin(path, input.Path) {
			return input
		}
	}
	return nil
}

func isWithin(path, parent string) bool {
	path, parent = filepath.Clean(path), filepath.Clean(parent)
	return path == parent || parent == "/" || strings.HasPrefix(path, parent+"/")
}
