package pargzip

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
)

// block is a piece of the input, after the dictionary that it may refer to.
type block struct {
	buffer     []byte // dictionary, then input
	dictionary int    // length of the dictionary
	output     bytes.Buffer
	compressed chan struct{}
}

func newBlock() *block { return &block{buffer: make([]byte, 0, windowBytes+blockBytes)} }

func (b *block) begin(dictionary []byte) {
	b.buffer = append(b.buffer[:0], dictionary...)
	b.dictionary = len(dictionary)
}

func (b *block) fill(data []byte) int {
	n := min(len(data), b.dictionary+blockBytes-len(b.buffer))
	b.buffer = append(b.buffer, data[:n]...)
	return n
}

func (b *block) isFull() bool  { return b.length() == blockBytes }
func (b *block) length() int   { return len(b.buffer) - b.dictionary }
func (b *block) input() []byte { return b.buffer[b.dictionary:] }

// window is what the next block may refer to.
func (b *block) window() []byte { return b.buffer[max(0, len(b.buffer)-windowBytes):] }

// compressor makes deflate of blocks. It is used by one worker.
type compressor struct {
	level int
	// target is switched off while the dictionary is fed: what comes of it is not wanted.
	target io.Writer
	main   *flate.Writer
	trial  *flate.Writer
}

func newCompressor(level int) *compressor {
	c := &compressor{level: level}
	if level != flate.NoCompression {
		// The levels have been checked by NewWriter, so there is no error.
		c.main, _ = flate.NewWriter(c, level)
		c.trial, _ = flate.NewWriter(io.Discard, trialLevel)
	}
	return c
}

func (c *compressor) Write(data []byte) (int, error) { return c.target.Write(data) }

// compress leaves deflate in b.output that ends at a byte boundary and is not marked as the last.
func (c *compressor) compress(b *block) {
	b.output.Reset()
	if c.main == nil || !c.isWorthIt(b.input()) {
		store(&b.output, b.input())
		return
	}
	// Writing the dictionary and throwing away what comes of it does what flate.NewWriterDict does, without the
	// megabyte of new tables for each block. A flush keeps the window. None of these writes can fail.
	c.target = io.Discard
	c.main.Reset(c)
	if b.dictionary > 0 {
		_, _ = c.main.Write(b.buffer[:b.dictionary])
		_ = c.main.Flush()
	}
	c.target = &b.output
	_, _ = c.main.Write(b.input())
	_ = c.main.Flush()
	if b.output.Len() >= storedBytes(b.length()) {
		b.output.Reset()
		store(&b.output, b.input())
	}
}

// Samples of a block: a long one, for repetitions from afar, and short ones, for blocks of more than one kind.
const (
	longSampleBytes  = windowBytes + shortSampleBytes
	shortSampleBytes = 8 * 1024
	sampledBytes     = longSampleBytes + 2*shortSampleBytes
)

// trialLevel is the fastest one that finds every repetition: level 1 skips ever further through what does not compress.
const trialLevel = 2

// isWorthIt compresses samples, to find input that is compressed already: images, models, archives. Deflate takes
// longest over those, and gains nothing.
func (c *compressor) isWorthIt(input []byte) bool {
	if len(input) < 2*sampledBytes {
		return true
	}
	middle := (len(input) + longSampleBytes - shortSampleBytes) / 2
	saved := c.saving(input[:longSampleBytes]) +
		c.saving(input[middle:middle+shortSampleBytes]) +
		c.saving(input[len(input)-shortSampleBytes:])
	return saved > sampledBytes/100
}

func (c *compressor) saving(sample []byte) int {
	var size counter
	c.trial.Reset(&size)
	_, _ = c.trial.Write(sample)
	_ = c.trial.Flush()
	return len(sample) - int(size)
}

type counter int

func (c *counter) Write(data []byte) (int, error) {
	*c += counter(len(data))
	return len(data), nil
}

// maxStoredBytes is the most a stored deflate block holds (RFC 1951, 3.2.4).
const maxStoredBytes = 65535

// store writes input as it is. Its blocks begin and end at byte boundaries.
func store(out *bytes.Buffer, input []byte) {
	out.Grow(storedBytes(len(input)))
	for len(input) > 0 {
		n := min(len(input), maxStoredBytes)
		var header [5]byte // not the last, stored
		binary.LittleEndian.PutUint16(header[1:], uint16(n))
		binary.LittleEndian.PutUint16(header[3:], ^uint16(n))
		out.Write(header[:])
		out.Write(input[:n])
		input = input[n:]
	}
}

func storedBytes(length int) int { return length + 5*((length+maxStoredBytes-1)/maxStoredBytes) }
