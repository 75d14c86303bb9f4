// Package outputs copies what the user's process left in the root file system of its container to where the core can
// see it (contract §7.4): parameters as they are, artifacts packed.
package outputs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/skein/front/internal/cores"
	"github.com/skein/front/internal/journal"
	"github.com/skein/front/internal/logging"
	"github.com/skein/front/internal/paths"
	"github.com/skein/front/internal/targz"
	"github.com/skein/front/internal/template"
)

// Saver saves the outputs of one container.
type Saver struct {
	Template *template.Template
	Paths    paths.Paths
	Log      *logging.Logger
	Journal  *journal.Journal
	// InputsAreMounted: this pod mounts its input artifacts, so outputs at or below them are read from there. Pods
	// without an init container link them instead.
	InputsAreMounted bool
	// CompressThreads is how many processors may compress; zero leaves it to the container's limit.
	CompressThreads int
}

// Save saves every output that has a path and is not in a volume, whatever happens with the others. Each appears
// whole or not at all. What does not exist is none of its business: the core knows whether it had to.
func (s *Saver) Save() error {
	var failures []string
	for _, parameter := range s.Template.Outputs.Parameters {
		if parameter.ValueFrom == nil || parameter.ValueFrom.Path == "" {
			continue
		}
		if err := s.save("parameter", parameter.ValueFrom.Path, s.copyParameter); err != nil {
			failures = append(failures, err.Error())
		}
	}
	packed := map[string]bool{}
	for _, artifact := range s.Template.Outputs.Artifacts {
		destination := s.Paths.OutputArtifact(artifact.Path)
		if artifact.Path == "" || packed[destination] {
			continue
		}
		pack := func(path string, output *journal.Output) error { return s.packArtifact(artifact, output) }
		if err := s.save("artifact", artifact.Path, pack); err != nil {
			failures = append(failures, err.Error())
			continue
		}
		packed[destination] = true
	}
	if len(failures) > 0 {
		return errors.New(strings.Join(failures, "; "))
	}
	return nil
}

// save does what parameters and artifacts have in common, work being what they have not.
func (s *Saver) save(kind, path string, work func(path string, output *journal.Output) error) error {
	if s.isSeenElsewhere(path) {
		s.Log.Info("no need to save "+kind+" - on overlapping volume", "src", path)
		return nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		s.Log.Warn(map[string]string{
			"parameter": "cannot save parameter, does not exist",
			"artifact":  "cannot save artifact",
		}[kind], "src", path, "error", err)
		return nil
	}
	s.Log.Info("saving "+kind, "src", path)
	start := time.Now()
	output := &journal.Output{
		Header: journal.Header{Of: "output", TimeUnixNano: journal.Time(start)}, Kind: kind, Path: path,
	}
	err := work(path, output)
	output.Seconds = time.Since(start).Seconds()
	if err != nil {
		output.Error = err.Error()
	}
	s.Journal.Write(output)
	return err
}

// isSeenElsewhere: the core sees the user's volumes, and mounted inputs, too.
func (s *Saver) isSeenElsewhere(path string) bool {
	return s.Template.VolumeAt(path) != nil || (s.InputsAreMounted && s.Template.InputAt(path) != nil)
}

func (s *Saver) copyParameter(path string, output *journal.Output) error {
	if isSpecial(path) {
		return fmt.Errorf("failed to open %s: it is a pipe, a socket or a device, and not a file", path)
	}
	source, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("failed to open %s: %w", path, err)
	}
	defer source.Close()
	return replace(s.Paths.OutputParameter(path), func(file *os.File) error {
		copied, err := copyBounded(file, source)
		output.Bytes, output.PackedBytes, output.Files = copied, copied, 1
		if err != nil {
			return fmt.Errorf("failed to copy %s: %w", path, err)
		}
		return nil
	})
}

// maxParameterBytes is more than the core ever reads of a parameter (its MAX_PARAMETER_BYTES, 3 MiB).
const maxParameterBytes = 4 << 20

// copyBounded copies what can be reported. Of a file that is larger, the copy has the size, for the core to tell, and
// takes no more room in the pod's shared volume than one that is not.
func copyBounded(file, source *os.File) (int64, error) {
	copied, err := io.Copy(file, io.LimitReader(source, maxParameterBytes))
	if err != nil || copied < maxParameterBytes {
		return copied, err
	}
	info, err := source.Stat()
	if err != nil {
		return copied, err
	}
	return copied, file.Truncate(max(copied, info.Size()))
}

func (s *Saver) packArtifact(artifact template.Artifact, output *journal.Output) error {
	destination := s.Paths.OutputArtifact(artifact.Path)
	return replace(destination, func(file *os.File) error {
		stats, err := targz.Pack(file, artifact.Path, targz.Options{
			Level:   s.levelFor(destination),
			Workers: workers(cores.Threads(s.CompressThreads, s.Paths.CPULimits()), s.Paths.MemoryLimits()),
			Follow:  s.linkedInputs(),
			Warn: func(path, what string) {
				s.Log.Warn("output changed while it was saved", "path", path, "what", what)
			},
		})
		output.Files, output.Bytes = stats.Files, stats.Bytes
		if err != nil {
			return fmt.Errorf("failed to tarball the output %s to %s: %w", artifact.Path, destination, err)
		}
		output.PackedBytes, err = file.Seek(0, io.SeekCurrent)
		return err
	})
}

// linkedInputs are the targets of the links by which this pod's inputs got where main sees them. To main they are files,
// and so they are in an archive of a directory above them: where they lead to is not in the pod that loads it.
func (s *Saver) linkedInputs() []string {
	if s.InputsAreMounted {
		return nil
	}
	var targets []string
	for _, input := range s.Template.Inputs.Artifacts {
		targets = append(targets, s.Paths.InputArtifact(input.Name))
	}
	return targets
}

// levelFor is the level of the first artifact that wants compression, of those that are saved out of the same archive.
func (s *Saver) levelFor(destination string) int {
	for _, artifact := range s.Template.Outputs.Artifacts {
		if artifact.Path == "" || s.Paths.OutputArtifact(artifact.Path) != destination {
			continue
		}
		if level := artifact.CompressionLevel(); level != 0 {
			return level
		}
	}
	return 0
}

// isSpecial tells what must not be opened: reading a pipe that nobody writes to takes for ever.
func isSpecial(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// replace creates a file under a name that no output can have and gives it its own once write and close have succeeded.
// Files and directories are made for the user of the core to read; the umask is expected to be 0.
func replace(path string, write func(*os.File) error) (err error) {
	directory := filepath.Dir(path)
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return fmt.Errorf("failed to create directory %s: %w", directory, err)
	}
	file, err := os.CreateTemp(directory, ".skein-*")
	if err != nil {
		return fmt.Errorf("failed to create destination %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name()) // what cannot be used only takes room
		}
	}()
	if err := write(file); err != nil {
		file.Close()
		return err
	}
	if err := file.Chmod(0o666); err != nil {
		file.Close()
		return fmt.Errorf("failed to create destination %s: %w", path, err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("failed to close %s: %w", path, err)
	}
	return os.Rename(file.Name(), path)
}
