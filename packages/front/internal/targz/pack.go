// Package targz packs a file or a directory the way the contract wants it (§13.2): a gzip-compressed tar whose entries
// begin with the base name of what was packed.
package targz

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/skein/front/internal/pargzip"
)

// Options of Pack.
type Options struct {
	// Level is gzip's: -2 to 9, -1 being the default and 0 no compression.
	Level int
	// Workers compress at the same time; at least 1.
	Workers int
	// Warn is told of files that changed while they were read, and of what became of them. Never nil.
	Warn func(path, what string)
	// Follow names the targets of symbolic links that are packed as what they lead to; all others stay links.
	Follow []string
}

// Stats say what was packed: regular files, and the bytes of their contents.
type Stats struct {
	Files int64
	Bytes int64
}

// Pack writes what is at path, which must be a regular file or a directory after following symlinks, to out.
//
// The archive is whole if and only if there is no error. Files may change while they are read: one that grows is
// packed at the size it had when it was opened, one that is gone before it was opened is left out (both are warned
// of), and one that shrinks is an error, for its size is written before its contents.
func Pack(out io.Writer, path string, options Options) (Stats, error) {
	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Stats{}, err
	}
	info, err := os.Lstat(root)
	if err != nil {
		return Stats{}, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return Stats{}, fmt.Errorf("%s is not a regular file or directory", path)
	}
	zip, err := pargzip.NewWriter(out, options.Level, options.Workers)
	if err != nil {
		return Stats{}, err
	}
	p := &packer{
		tar: tar.NewWriter(zip), root: root, base: filepath.Base(filepath.Clean(path)),
		warn: options.Warn, follow: options.Follow,
	}
	err = p.entry(root, info)
	// In this order, and each of them: what is buffered may find the disk full only now.
	if err == nil {
		err = p.tar.Close()
	}
	return p.stats, errors.Join(err, zip.Close())
}

type packer struct {
	tar    *tar.Writer
	root   string
	base   string // the name of root in the archive
	warn   func(path, what string)
	follow []string
	stats  Stats
	// buffer is for copying: io.Copy would make one for each file.
	buffer []byte
}

// entry packs what is at path, and for a directory everything below it, in lexical order.
func (p *packer) entry(path string, info fs.FileInfo) error {
	switch {
	case info.Mode().IsRegular():
		return p.file(path)
	case info.IsDir():
		return p.directory(path, info)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return p.unlessGone(path, err)
		}
		if at := slices.Index(p.follow, target); at >= 0 {
			if led, err := p.lead(path, at); led {
				return err
			}
		}
		return p.header(path, info, target)
	}
	// Devices and FIFOs have a header only; a socket is an error of the tar package.
	return p.header(path, info, "")
}

// lead packs what the link at path leads to, under the link's name. Below it the same link stays one: it may lead to
// something that holds it. A link to nothing is left to the caller.
func (p *packer) lead(path string, at int) (led bool, err error) {
	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false, nil
	}
	info, err := os.Lstat(root)
	if err != nil {
		return false, nil
	}
	inner := &packer{
		tar: p.tar, root: root, base: p.name(path), warn: p.warn,
		follow: slices.Delete(slices.Clone(p.follow), at, at+1),
	}
	err = inner.entry(root, info)
	p.stats.Files += inner.stats.Files
	p.stats.Bytes += inner.stats.Bytes
	return true, err
}

func (p *packer) name(path string) string { return p.base + strings.TrimPrefix(path, p.root) }

func (p *packer) directory(path string, info fs.FileInfo) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return p.unlessGone(path, err)
	}
	if err := p.header(path, info, ""); err != nil {
		return err
	}
	for _, entry := range entries {
		child := filepath.Join(path, entry.Name())
		info, err := entry.Info()
		if err == nil {
			err = p.entry(child, info)
		} else {
			err = p.unlessGone(child, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// file packs a regular file by what it is once it is open. If something else has taken its place by then, it is
// neither followed nor waited for.
func (p *packer) file(path string) error {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return p.unlessGone(path, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s was replaced while it was packed", path)
	}
	if info.Size() == 0 {
		return p.sizeless(path, file, info)
	}
	if err := p.header(path, info, ""); err != nil {
		return err
	}
	return p.contents(path, file, info.Size())
}

// sizeless packs a file that says it is empty: those that the kernel makes up, as below /proc, say so whatever they hold.
func (p *packer) sizeless(path string, file *os.File, info fs.FileInfo) error {
	buffer := p.copyBuffer()
	held, err := io.ReadFull(file, buffer)
	switch {
	case err == nil:
		if now, err := file.Stat(); err != nil || now.Size() == 0 {
			return fmt.Errorf("%s holds more than %d bytes and does not say how many", path, held)
		}
		p.warnCut(path, int64(held))
	case err != io.EOF && err != io.ErrUnexpectedEOF:
		return fmt.Errorf("%s: %w", path, err)
	}
	header, err := tar.FileInfoHeader(info, "")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	header.Size = int64(held)
	if err := p.write(path, header); err != nil {
		return err
	}
	p.stats.Bytes += int64(held)
	p.stats.Files++
	if _, err := p.tar.Write(buffer[:held]); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

const copyBytes = 256 * 1024

func (p *packer) contents(path string, file *os.File, size int64) error {
	buffer := p.copyBuffer()
	// Hidden in a struct, so that io.CopyBuffer uses the buffer instead of methods of either side.
	copied, err := io.CopyBuffer(struct{ io.Writer }{p.tar}, struct{ io.Reader }{io.LimitReader(file, size)}, buffer)
	p.stats.Bytes += copied
	p.stats.Files++
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case copied < size:
		return fmt.Errorf("%s shrank from %d to %d bytes while it was packed", path, size, copied)
	}
	if n, _ := file.Read(buffer[:1]); n > 0 {
		p.warnCut(path, size)
	}
	return nil
}

func (p *packer) warnCut(path string, size int64) {
	p.warn(path, fmt.Sprintf("grew while it was packed: only its first %d bytes are in the archive", size))
}

func (p *packer) copyBuffer() []byte {
	if p.buffer == nil {
		p.buffer = make([]byte, copyBytes)
	}
	return p.buffer
}

func (p *packer) header(path string, info fs.FileInfo, linkTarget string) error {
	header, err := tar.FileInfoHeader(info, linkTarget)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return p.write(path, header)
}

func (p *packer) write(path string, header *tar.Header) error {
	header.Name = p.name(path)
	if err := p.tar.WriteHeader(header); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// unlessGone makes a file that vanished since its directory was read a warning, other than the root.
func (p *packer) unlessGone(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) && path != p.root {
		p.warn(path, "was removed while its directory was packed")
		return nil
	}
	return err
}
