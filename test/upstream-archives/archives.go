// Command archives packs and unpacks as upstream's executor does, with the library it uses, by the rules of the contract
// (§13): `archives pack-tgz|pack-zip SOURCE` writes to the standard output, `archives unpack-tgz|unpack-zip TARGET` reads the
// standard input (a zip from a file: `archives unpack-zip TARGET FILE`). It is no part of Skein, and not upstream's source.
package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(command string, args []string) error {
	switch command {
	case "pack-tgz":
		return packTgz(args[0], os.Stdout)
	case "pack-zip":
		return packZip(args[0], os.Stdout)
	case "unpack-tgz":
		return unpackTgz(args[0], os.Stdin)
	case "unpack-zip":
		return unpackZip(args[0], args[1])
	}
	return fmt.Errorf("no such command: %s", command)
}

// packTgz: one entry named by its base name for a file; for a directory itself first, then what is below it in lexical
// order, without trailing slashes, links as links (§13.2).
func packTgz(source string, out io.Writer) error {
	packed := gzip.NewWriter(out)
	archive := tar.NewWriter(packed)
	base := filepath.Base(source)
	err := filepath.Walk(source, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		link := ""
		if info.Mode()&os.ModeSymlink != 0 {
			if link, err = os.Readlink(path); err != nil {
				return err
			}
		}
		header, err := tar.FileInfoHeader(info, link)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(source, path)
		if err != nil {
			return err
		}
		header.Name = filepath.ToSlash(filepath.Join(base, relative))
		header.ModTime = header.ModTime.Round(time.Second)
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		return copyFile(archive, path)
	})
	if err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return packed.Close()
}

// packZip has no entries for directories, and a single file goes by its absolute path (§13.2).
func packZip(source string, out io.Writer) error {
	archive := zip.NewWriter(out)
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	err = filepath.Walk(source, func(path string, entry os.FileInfo, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name := path
		if info.IsDir() {
			relative, err := filepath.Rel(source, path)
			if err != nil {
				return err
			}
			name = filepath.Join(filepath.Base(source), relative)
		}
		to, err := archive.Create(filepath.ToSlash(name))
		if err != nil || !entry.Mode().IsRegular() {
			return err
		}
		return copyFile(to, path)
	})
	if err != nil {
		return err
	}
	return archive.Close()
}

// unpackTgz ignores modes of directories and everything that is no file, directory or symbolic link (§13.1).
func unpackTgz(target string, in io.Reader) error {
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	archive := tar.NewReader(unpacked)
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		path := filepath.Join(target, filepath.Clean(header.Name))
		if !strings.HasPrefix(path, filepath.Clean(target)+"/") {
			return fmt.Errorf("illegal file path: %s", header.Name)
		}
		switch header.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(path, 0o755)
		case tar.TypeSymlink:
			if !strings.HasPrefix(filepath.Join(filepath.Dir(path), header.Linkname), filepath.Clean(target)+"/") {
				return fmt.Errorf("illegal symlink target: %s -> %s", header.Name, header.Linkname)
			}
			err = os.Symlink(header.Linkname, path)
		case tar.TypeReg:
			err = writeFile(path, archive, header.FileInfo().Mode().Perm(), 0o755)
			if err == nil {
				err = os.Chtimes(path, time.Time{}, header.ModTime)
			}
		}
		if err != nil {
			return err
		}
	}
}

func unpackZip(target, path string) error {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	for _, entry := range archive.File {
		path := filepath.Join(target, entry.Name)
		if !strings.HasPrefix(path, filepath.Clean(target)+"/") {
			return fmt.Errorf("%s: Illegal file path", path)
		}
		if entry.FileInfo().IsDir() {
			if err := os.MkdirAll(path, entry.Mode().Perm()); err != nil {
				return err
			}
			continue
		}
		content, err := entry.Open()
		if err != nil {
			return err
		}
		if err := writeFile(path, content, entry.Mode().Perm(), 0o755); err != nil {
			return err
		}
		content.Close()
	}
	return nil
}

func writeFile(path string, content io.Reader, mode, parentMode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), parentMode); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, content); err != nil {
		return err
	}
	if err := file.Chmod(mode); err != nil {
		return err
	}
	return file.Close()
}

func copyFile(to io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(to, file)
	return err
}
