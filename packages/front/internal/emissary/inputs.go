package emissary

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skein/front/internal/template"
)

// linkInputs puts links to the input artifacts where the template wants them: a pod without an init container cannot
// mount them (contract §9.5).
func (e *emissary) linkInputs() error {
	// The working directory may be the very path that is replaced by a link, and would then be a directory that is no
	// longer there.
	before, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("failed to get working directory: %w", err)
	}
	if err := os.Chdir(e.Paths.Shared()); err != nil {
		return fmt.Errorf("failed to leave working directory: %w", err)
	}
	for _, input := range outerFirst(e.template.Inputs.Artifacts) {
		if err := linkInput(e.template, input, e.Paths.InputArtifact(input.Name)); err != nil {
			return err
		}
	}
	if err := os.Chdir(before); err != nil {
		return fmt.Errorf("failed to enter working directory %s again: the artifact at that path must be a directory: %w", before, err)
	}
	return nil
}

// outerFirst sorts inputs so that one at a path below another's is linked into it, and not cleared away by it. Mounts are
// made in this order, too, in whatever order they are declared.
func outerFirst(inputs []template.Artifact) []template.Artifact {
	depth := func(a template.Artifact) int { return strings.Count(filepath.Clean(a.Path), "/") }
	sorted := slices.Clone(inputs)
	slices.SortStableFunc(sorted, func(a, b template.Artifact) int { return depth(a) - depth(b) })
	return sorted
}

func linkInput(t *template.Template, input template.Artifact, source string) error {
	if _, err := os.Lstat(source); errors.Is(err, fs.ErrNotExist) {
		return nil // optional, or in a volume of the user's, where it was loaded to at once
	} else if err != nil {
		return fmt.Errorf("failed to stat input artifact %q at %s: %w", input.Name, source, err)
	}
	path := filepath.Clean(input.Path)
	if input.Path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("failed to create parent directory for artifact %q at %s: %w", input.Name, path, err)
	}
	if _, err := os.Lstat(path); err == nil {
		if err := clear(t, input.Name, path); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("failed to stat artifact path %q at %s: %w", input.Name, path, err)
	}
	if err := os.Symlink(source, path); err != nil {
		return fmt.Errorf("failed to symlink input artifact %q (%s -> %s): %w", input.Name, path, source, err)
	}
	return nil
}

// clear removes what the image has at the path of an input, but nothing in a volume of the user's, nor a directory that
// one is mounted in. Links on the way to the path are resolved for that, a link at the path is only removed.
func clear(t *template.Template, name, path string) error {
	parent, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("failed to resolve parent of artifact path %q at %s: %w", name, path, err)
	}
	resolved := filepath.Join(parent, filepath.Base(path))
	if volume := t.VolumeAt(resolved); volume != nil {
		return refusal(name, path, resolved, "inside", volume)
	}
	if volume := t.VolumeBelow(resolved); volume != nil {
		return refusal(name, path, resolved, "which contains", volume)
	}
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("failed to clear existing path for artifact %q at %s: %w", name, path, err)
	}
	return nil
}

func refusal(name, path, resolved, relation string, volume *template.VolumeMount) error {
	return fmt.Errorf("refusing to stage input artifact %q at %s: it resolves to %s %s volume mount %q (%s), "+
		"and replacing it would destroy what is in the volume; let the two paths not overlap",
		name, path, resolved, relation, volume.Name, volume.MountPath)
}
