package pargzip

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os/exec"
	"runtime"
	"testing"
	"time"
)

func compress(t *testing.T, level, workers int, writes ...[]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, level, workers)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range writes {
		if n, err := w.Write(data); n != len(data) || err != nil {
			t.Fatalf("wrote %d of %d: %v", n, len(data), err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func decompress(t *testing.T, packed []byte) []byte {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func random(n int) []byte {
	data := make([]byte, n)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(data)
	return data
}

// words is text that compresses about as well as source code does.
func words(n int) []byte {
	source := rand.New(rand.NewPCG(1, 2))
	vocabulary := make([][]byte, 2000)
	for i := range vocabulary {
		word := make([]byte, 2+source.IntN(9))
		for j := range word {
			word[j] = byte('a' + source.IntN(26))
		}
		vocabulary[i] = append(word, ' ')
	}
	data := make([]byte, 0, n+16)
	for len(data) < n {
		data = append(data, vocabulary[source.IntN(len(vocabulary))]...)
	}
	return data[:n]
}

func TestWhatIsCompressedComesOutAgain(t *testing.T) {
	few := []int{0, 1, 100_000, blockBytes + 1}
	all := append(few, windowBytes, maxStoredBytes, maxStoredBytes+1, blockBytes-1, blockBytes, 2*blockBytes+12345)
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
		lengths := few
		if level == flate.DefaultCompression || level == flate.NoCompression {
			lengths = all
		}
		for _, length := range lengths {
			for name, data := range map[string][]byte{"words": words(length), "random": random(length), "zeros": make([]byte, length)} {
				if got := decompress(t, compress(t, level, 3, data)); !bytes.Equal(got, data) {
					t.Fatalf("%d bytes of %s at level %d differ", length, name, level)
				}
			}
		}
	}
}

func TestTheSizeOfWritesDoesNotMatter(t *testing.T) {
	data := words(2*blockBytes + 999)
	want := compress(t, 6, 2, data)
	var pieces [][]byte
	for rest := data; len(rest) > 0; {
		n := min(len(rest), 1+len(rest)%7919)
		pieces = append(pieces, rest[:n])
		rest = rest[n:]
	}
	if got := compress(t, 6, 4, pieces...); !bytes.Equal(got, want) {
		t.Error("pieces and other workers give another stream")
	}
}

func TestGzipItselfReadsIt(t *testing.T) {
	program, err := exec.LookPath("gzip")
	if err != nil {
		t.Skip("no gzip here")
	}
	for _, level := range []int{-2, -1, 0, 1, 9} {
		data := append(words(blockBytes), random(2*blockBytes)...)
		command := exec.Command(program, "-dc")
		command.Stdin = bytes.NewReader(compress(t, level, 2, data))
		got, err := command.Output()
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("level %d: %d bytes, %v", level, len(got), err)
		}
	}
}

func TestTheHeaderIsThatOfGosOwnWriter(t *testing.T) {
	for _, level := range []int{1, 6, 9} {
		var want bytes.Buffer
		w, err := gzip.NewWriterLevel(&want, level)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := compress(t, level, 1, nil)[:10]; !bytes.Equal(got, want.Bytes()[:10]) {
			t.Errorf("level %d: %x, want %x", level, got, want.Bytes()[:10])
		}
	}
}

func TestItIsOneMember(t *testing.T) {
	data := words(4 * blockBytes)
	reader, err := gzip.NewReader(bytes.NewReader(compress(t, 6, 4, data)))
	if err != nil {
		t.Fatal(err)
	}
	reader.Multistream(false)
	if got, err := io.ReadAll(reader); err != nil || len(got) != len(data) {
		t.Errorf("the first member has %d bytes, %v", len(got), err)
	}
}

func TestBlocksCostHardlyAnyCompression(t *testing.T) {
	data := words(4 * blockBytes)
	var whole bytes.Buffer
	w, err := gzip.NewWriterLevel(&whole, 6)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(compress(t, 6, 4, data)); float64(got) > 1.005*float64(whole.Len()) {
		t.Errorf("%d bytes where one block has %d", got, whole.Len())
	}
}

// A repetition just before the border can only be seen through the dictionary.
func TestABlockRefersToTheOneBeforeIt(t *testing.T) {
	once := random(windowBytes / 2)
	data := append(append(random(blockBytes-len(once)), once...), bytes.Repeat(once, 32)...)
	packed := compress(t, 6, 2, data)
	if limit := blockBytes + 2*len(once); len(packed) > limit {
		t.Errorf("%d bytes, want at most %d", len(packed), limit)
	}
	if !bytes.Equal(decompress(t, packed), data) {
		t.Error("differs")
	}
}

func TestWhatDoesNotCompressIsStored(t *testing.T) {
	data := random(3 * blockBytes)
	packed := compress(t, 9, 2, data)
	if want := 10 + 3*storedBytes(blockBytes) + 2 + 8; len(packed) != want {
		t.Errorf("%d bytes, want %d", len(packed), want)
	}
}

func TestLevelsOutsideTheRangeAreRefused(t *testing.T) {
	for _, level := range []int{-3, 10} {
		_, err := NewWriter(io.Discard, level, 1)
		_, want := gzip.NewWriterLevel(io.Discard, level)
		if err == nil || err.Error() != want.Error() {
			t.Errorf("level %d: %v, want %v", level, err, want)
		}
	}
}

type fullDisk struct{ room int }

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(data []byte) (int, error) {
	if len(data) > d.room {
		return 0, errFull
	}
	d.room -= len(data)
	return len(data), nil
}

func TestAFullDiskIsAnErrorWherever(t *testing.T) {
	data := random(6 * blockBytes)
	before := runtime.NumGoroutine()
	for _, room := range []int{10, 100, blockBytes + 200, 5*blockBytes + 200, storedBytes(6*blockBytes) + 15} {
		w, err := NewWriter(&fullDisk{room: room}, 6, 3)
		if err != nil {
			t.Fatal(err)
		}
		_, writing := w.Write(data)
		closing := w.Close()
		if !errors.Is(closing, errFull) {
			t.Errorf("with room for %d bytes: %v, %v", room, writing, closing)
		}
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines stay", runtime.NumGoroutine()-before)
		}
	}
}

func TestTheTrailerHasTheSizeModulo32Bits(t *testing.T) {
	w, err := NewWriter(io.Discard, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	w.size = 0xffffffff // as after 4 GiB less one byte
	var out bytes.Buffer
	w.out = &out
	if _, err := w.Write([]byte("xy")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := binary.LittleEndian.Uint32(out.Bytes()[out.Len()-4:]); got != 1 {
		t.Errorf("size %d", got)
	}
}

func BenchmarkWords(b *testing.B)  { benchmark(b, words(8<<20), -1) }
func BenchmarkRandom(b *testing.B) { benchmark(b, random(8<<20), -1) }
func BenchmarkStored(b *testing.B) { benchmark(b, words(8<<20), 0) }

func BenchmarkWordsOfGosOwnWriter(b *testing.B) {
	data := words(8 << 20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		w := gzip.NewWriter(io.Discard)
		_, _ = w.Write(data)
		_ = w.Close()
	}
}

func benchmark(b *testing.B, data []byte, level int) {
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		w, err := NewWriter(io.Discard, level, runtime.GOMAXPROCS(0))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = w.Write(data)
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
