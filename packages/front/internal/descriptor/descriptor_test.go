package descriptor

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"testing"
)

func pipe(t *testing.T) (read *os.File, write int) {
	t.Helper()
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	read = os.NewFile(uintptr(ends[0]), "pipe")
	t.Cleanup(func() { read.Close() })
	return read, ends[1]
}

func TestAFullNonBlockingPipeIsWaitedFor(t *testing.T) {
	read, write := pipe(t)
	if err := syscall.SetNonblock(write, true); err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("0123456789"), 100_000)
	written := make(chan error, 1)
	go func() {
		_, err := Writer(write).Write(want)
		syscall.Close(write)
		written <- err
	}()
	got, err := io.ReadAll(read)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

func TestAPipeWithoutAReaderIsBroken(t *testing.T) {
	signal.Ignore(syscall.SIGPIPE)
	defer signal.Reset(syscall.SIGPIPE)
	read, write := pipe(t)
	defer syscall.Close(write)
	if IsBroken(write) {
		t.Error("broken while it is read")
	}
	read.Close()
	if !IsBroken(write) {
		t.Error("not broken without a reader")
	}
	if _, err := Writer(write).Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %v", err)
	}
}
