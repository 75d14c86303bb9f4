package targz

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func pack(t *testing.T, path string) (archive []byte, stats Stats, warnings []string) {
	t.Helper()
	var out bytes.Buffer
	stats, err := Pack(&out, path, Options{Level: -1, Workers: 2, Warn: func(path, what string) {
		warnings = append(warnings, path+" "+what)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), stats, warnings
}

func failure(t *testing.T, path string) error {
	t.Helper()
	_, err := Pack(io.Discard, path, Options{Level: -1, Workers: 2, Warn: func(string, string) {}})
	if err == nil {
		t.Fatalf("%s was packed", path)
	}
	return err
}

// entries describes each entry by type and name, and the target of a link.
func entries(t *testing.T, archive []byte) (described []string, headers map[string]*tar.Header) {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	headers = map[string]*tar.Header{}
	for reader := tar.NewReader(unzipped); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return described, headers
		}
		if err != nil {
			t.Fatal(err)
		}
		line := string(header.Typeflag) + " " + header.Name
		if header.Linkname != "" {
			line += " -> " + header.Linkname
		}
		described = append(described, line)
		headers[header.Name] = header
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// tree is the directory of the contract's appendix B.
func tree(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "dir")
	write(t, filepath.Join(root, "sub", "f.sh"), "echo hi\n", 0o755)
	if err := os.Symlink("f.sh", filepath.Join(root, "sub", "l")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "sub", "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestADirectoryIsPackedAsTheContractLists(t *testing.T) {
	archive, stats, _ := pack(t, tree(t))
	got, headers := entries(t, archive)
	want := []string{"5 dir", "5 dir/sub", "5 dir/sub/empty", "0 dir/sub/f.sh", "2 dir/sub/l -> f.sh"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if header := headers["dir/sub/f.sh"]; header.Format != tar.FormatUSTAR || header.Mode != 0o755 {
		t.Errorf("format %v, mode %o", header.Format, header.Mode)
	}
	if stats != (Stats{Files: 1, Bytes: 8}) {
		t.Errorf("stats %+v", stats)
	}
	if !bytes.Equal(archive[:10], []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}) {
		t.Errorf("gzip header %x", archive[:10])
	}
}

func TestTheSystemsTarUnpacksItToTheSame(t *testing.T) {
	root := tree(t)
	write(t, filepath.Join(root, strings.Repeat("long-name-", 20)+".txt"), "pax", 0o600)
	write(t, filepath.Join(root, "ünïcode"), strings.Repeat("x", 1<<20), 0o644)
	if err := os.Chtimes(filepath.Join(root, "ünïcode"), time.Time{}, time.Unix(1_000_000_000, 0)); err != nil {
		t.Fatal(err)
	}
	archive, _, _ := pack(t, root)
	into := t.TempDir()
	command := exec.Command("tar", "-xpzf", "-", "-C", into)
	command.Stdin = bytes.NewReader(archive)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	listing := func(root string) string {
		command := exec.Command("find", ".", "-printf", "%p %y %m %l\n")
		command.Dir = root
		output, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(output), "\n")
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	if got, want := listing(filepath.Join(into, "dir")), listing(root); got != want {
		t.Errorf("unpacked\n%s\nwant\n%s", got, want)
	}
	if info, err := os.Stat(filepath.Join(into, "dir", "ünïcode")); err != nil || info.ModTime().Unix() != 1_000_000_000 || info.Size() != 1<<20 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestASingleFileIsOneEntry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hello_world.txt")
	write(t, path, "hello world\n", 0o640)
	archive, _, _ := pack(t, path)
	if got, headers := entries(t, archive); !slices.Equal(got, []string{"0 hello_world.txt"}) || headers["hello_world.txt"].Mode != 0o640 {
		t.Errorf("got %q", got)
	}
}

func TestASymlinkAtTheRootIsFollowedAndKeepsItsName(t *testing.T) {
	root := tree(t)
	link := filepath.Join(filepath.Dir(root), "latest")
	if err := os.Symlink("dir", link); err != nil {
		t.Fatal(err)
	}
	archive, _, _ := pack(t, link+"/")
	if got, _ := entries(t, archive); got[0] != "5 latest" || got[3] != "0 latest/sub/f.sh" {
		t.Errorf("got %q", got)
	}
}

func TestModesOutsideTheNineBitsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "", 0o755|os.ModeSetuid)
	archive, _, _ := pack(t, path)
	if _, headers := entries(t, archive); headers["f"].Mode != 0o4755 {
		t.Errorf("mode %o", headers["f"].Mode)
	}
}

func TestAFIFOIsAHeaderAndIsNotOpened(t *testing.T) {
	root := tree(t)
	if err := syscall.Mkfifo(filepath.Join(root, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	archive, _, _ := pack(t, root)
	if got, _ := entries(t, archive); !slices.Contains(got, "6 dir/fifo") {
		t.Errorf("got %q", got)
	}
}

func TestASocketIsAnErrorThatNamesIt(t *testing.T) {
	root := tree(t)
	listener, err := net.Listen("unix", filepath.Join(root, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	want := filepath.Join(root, "s") + ": archive/tar: sockets not supported"
	if err := failure(t, root); err.Error() != want {
		t.Errorf("got %v", err)
	}
	if err := failure(t, filepath.Join(root, "s")); !strings.HasSuffix(err.Error(), "/s is not a regular file or directory") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsMissingIsNotFound(t *testing.T) {
	if err := failure(t, filepath.Join(t.TempDir(), "nothing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestAWrongLevelIsGzipsError(t *testing.T) {
	_, err := Pack(io.Discard, tree(t), Options{Level: 42, Workers: 1})
	if err == nil || err.Error() != "gzip: invalid compression level: 42" {
		t.Errorf("got %v", err)
	}
}

func TestLinksThatAreToBeFollowedArePackedAsWhatTheyLeadTo(t *testing.T) {
	place := t.TempDir()
	inputs, root := filepath.Join(place, "inputs"), filepath.Join(place, "root")
	for _, directory := range []string{filepath.Join(inputs, "d"), root} {
		if err := os.MkdirAll(directory, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{filepath.Join(inputs, "d", "x"): "X", filepath.Join(inputs, "f"): "F"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for path, target := range map[string]string{
		filepath.Join(root, "d"):              filepath.Join(inputs, "d"),
		filepath.Join(root, "f"):              filepath.Join(inputs, "f"),
		filepath.Join(root, "gone"):           filepath.Join(inputs, "gone"),
		filepath.Join(root, "other"):          "/etc",
		filepath.Join(inputs, "d", "f"):       filepath.Join(inputs, "f"),
		filepath.Join(inputs, "d", "in-turn"): filepath.Join(inputs, "d"),
	} {
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	stats, err := Pack(&out, root, Options{
		Level: -1, Workers: 1, Warn: func(path, what string) { t.Error(path, what) },
		Follow: []string{filepath.Join(inputs, "d"), filepath.Join(inputs, "f"), filepath.Join(inputs, "gone")},
	})
	if err != nil {
		t.Fatal(err)
	}
	described, _ := entries(t, out.Bytes())
	want := []string{
		"5 root", "5 root/d", "0 root/d/f", "2 root/d/in-turn -> " + filepath.Join(inputs, "d"), "0 root/d/x",
		"0 root/f", "2 root/gone -> " + filepath.Join(inputs, "gone"), "2 root/other -> /etc",
	}
	if !slices.Equal(described, want) {
		t.Errorf("got %q, want %q", described, want)
	}
	if stats.Files != 3 || stats.Bytes != 3 {
		t.Errorf("%+v", stats)
	}
}

func TestAFileTheKernelMakesUpIsPackedWithWhatItHolds(t *testing.T) {
	want, err := os.ReadFile("/proc/version")
	if err != nil {
		t.Skipf("no /proc here: %v", err)
	}
	archive, stats, warnings := pack(t, "/proc/version")
	_, headers := entries(t, archive)
	if header := headers["version"]; header == nil || header.Size != int64(len(want)) {
		t.Errorf("header %+v, want %d bytes", headers["version"], len(want))
	}
	if stats.Bytes != int64(len(want)) || stats.Files != 1 || len(warnings) > 0 {
		t.Errorf("stats %+v, warnings %q", stats, warnings)
	}
}

func TestAFileTheKernelMakesUpWithoutEndIsAnErrorThatNamesIt(t *testing.T) {
	const path = "/proc/self/pagemap" // eight bytes for each page there could be
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no pagemap here: %v", err)
	}
	if err := failure(t, path); !strings.Contains(err.Error(), "pagemap holds more than 262144 bytes") {
		t.Errorf("got %v", err)
	}
}
