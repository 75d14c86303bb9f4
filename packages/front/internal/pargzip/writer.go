// Package pargzip writes gzip (RFC 1952) with every processor it is given.
//
// The input is cut into blocks that are compressed independently, each with the 32 KiB before it as its dictionary,
// and joined at byte boundaries into one member: any gunzip reads the result as an ordinary stream. A block that does
// not get smaller is stored, which costs next to nothing.
//
// Memory is bounded: some 3 MiB for each worker, whatever the size of the input.
package pargzip

import (
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

const (
	blockBytes = 512 * 1024
	// windowBytes is how far back deflate can refer.
	windowBytes = 32 * 1024
)

// WorkerBytes is about how much memory each worker takes.
const WorkerBytes = 3 << 20

// Writer compresses what is written to it. It must be closed, and the error of Close heeded: only then is the stream
// whole.
type Writer struct {
	out     io.Writer
	level   int
	workers int

	digest  uint32
	size    uint32 // modulo 2^32, as the trailer has it
	block   *block // being filled
	free    chan *block
	jobs    chan *block
	ordered chan *block // in the order in which they are to be written
	failed  chan error  // the writing goroutine's result
	started int
	err     error
}

// NewWriter makes a writer at a level of compress/gzip: -2 (Huffman only) to 9. workers is at least 1.
func NewWriter(out io.Writer, level, workers int) (*Writer, error) {
	if level < flate.HuffmanOnly || level > flate.BestCompression {
		return nil, fmt.Errorf("gzip: invalid compression level: %d", level)
	}
	workers = max(workers, 1)
	w := &Writer{
		out:     out,
		level:   level,
		workers: workers,
		// One block more than workers: it is filled while they work.
		free:    make(chan *block, workers+1),
		jobs:    make(chan *block, workers+1),
		ordered: make(chan *block, workers+1),
		failed:  make(chan error, 1),
	}
	if _, err := out.Write(header(level)); err != nil {
		return nil, err
	}
	go w.writeBlocks()
	return w, nil
}

// header is gzip's: no name, no time, an unknown system, as Go's own writer makes it.
func header(level int) []byte {
	hint := byte(0)
	switch level {
	case flate.BestCompression:
		hint = 2
	case flate.BestSpeed:
		hint = 4
	}
	return []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, hint, 255}
}

func (w *Writer) Write(data []byte) (written int, err error) {
	for len(data) > 0 {
		if w.err != nil {
			return written, w.err
		}
		if w.block == nil {
			w.block = w.takeBlock()
		}
		n := w.block.fill(data)
		w.digest = crc32.Update(w.digest, crc32.IEEETable, data[:n])
		w.size += uint32(n)
		data = data[n:]
		written += n
		if w.block.isFull() {
			w.submit()
		}
	}
	return written, nil
}

// takeBlock gives a block to fill, waiting for one when all are in the works.
func (w *Writer) takeBlock() *block {
	select {
	case b := <-w.free:
		return b
	default:
	}
	if w.started <= w.workers {
		w.started++
		if w.started <= w.workers {
			go w.work()
		}
		return newBlock()
	}
	return <-w.free
}

// submit hands the block to the workers, and begins the next one with its end as the dictionary.
func (w *Writer) submit() {
	full := w.block
	w.block = w.takeBlock()
	w.block.begin(full.window())
	full.compressed = make(chan struct{})
	w.ordered <- full
	w.jobs <- full
	select {
	case err := <-w.failed:
		w.err = err
		w.failed <- err
	default:
	}
}

func (w *Writer) work() {
	compressor := newCompressor(w.level)
	for b := range w.jobs {
		compressor.compress(b)
		close(b.compressed)
	}
}

// writeBlocks writes the blocks in their order. After an error it goes on taking them, so that nobody waits for ever.
func (w *Writer) writeBlocks() {
	var failure error
	for b := range w.ordered {
		<-b.compressed
		if failure == nil {
			_, failure = w.out.Write(b.output.Bytes())
			if failure != nil {
				w.failed <- failure
			}
		}
		w.free <- b
	}
	if failure == nil {
		w.failed <- nil
	}
}

// lastBlock is an empty deflate block with the mark that it is the last.
var lastBlock = []byte{0x03, 0x00}

// Close writes what is left and the trailer. It does not close the underlying writer.
func (w *Writer) Close() error {
	if w.block != nil && w.block.length() > 0 && w.err == nil {
		w.submit()
	}
	close(w.ordered)
	close(w.jobs)
	if err := <-w.failed; err != nil {
		return err
	}
	trailer := binary.LittleEndian.AppendUint32(lastBlock[:2:2], w.digest)
	trailer = binary.LittleEndian.AppendUint32(trailer, w.size)
	_, err := w.out.Write(trailer)
	return err
}
