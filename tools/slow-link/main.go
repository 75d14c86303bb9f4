// Command slow-link listens on a free loopback port and passes every connection on to a server, as a longer and
// narrower line would.
//
//	slow-link -to HOST:PORT [-latency 10ms] [-rate BYTES]
//
// The latency is added to what comes back, so that it is what a request waits longer for its answer. The rate is that of one
// connection and one direction, in bytes per second; connections do not share it. The address goes to standard output, as
// one line. The program ends when its standard input does.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// What is on its way on one connection at most: at 10 ms that is 400 MB/s.
const (
	chunkBytes = 64 * 1024
	chunks     = 64
)

func main() {
	to := flag.String("to", "", "address of the server")
	latency := flag.Duration("latency", 0, "added to what comes back")
	rate := flag.Float64("rate", 0, "bytes per second of one connection, in each direction; 0 for as fast as may be")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "slow-link:", err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for {
		client, err := listener.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, "slow-link:", err)
			os.Exit(1)
		}
		go serve(client, *to, *latency, *rate)
	}
}

func serve(client net.Conn, to string, latency time.Duration, rate float64) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		fmt.Fprintln(os.Stderr, "slow-link:", err)
		return
	}
	defer server.Close()
	there := make(chan struct{})
	go func() {
		defer close(there)
		pass(server, client, 0, rate)
	}()
	pass(client, server, latency, rate)
	<-there
}

type chunk struct {
	bytes []byte
	due   time.Time
}

// pass copies until either side ends, and then lets the other one know: each half of a connection ends by itself.
func pass(to, from net.Conn, latency time.Duration, rate float64) {
	onTheWay := make(chan chunk, chunks)
	spare := make(chan []byte, chunks)
	go func() {
		defer close(onTheWay)
		for {
			var buffer []byte
			select {
			case buffer = <-spare:
			default:
				buffer = make([]byte, chunkBytes)
			}
			n, err := from.Read(buffer)
			if n > 0 {
				onTheWay <- chunk{buffer[:n], time.Now().Add(latency)}
			}
			if err != nil {
				return
			}
		}
	}()
	var free time.Time // when the line has carried what came before
	for next := range onTheWay {
		if rate > 0 {
			start := later(next.due, free)
			free = start.Add(time.Duration(float64(len(next.bytes)) / rate * float64(time.Second)))
			time.Sleep(time.Until(start))
		} else {
			time.Sleep(time.Until(next.due))
		}
		if _, err := to.Write(next.bytes); err != nil {
			break
		}
		select {
		case spare <- next.bytes[:chunkBytes]:
		default:
		}
	}
	closeWrite(to)
	_ = from.(*net.TCPConn).CloseRead()
	for range onTheWay { // so that the reader does not wait for room for ever
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func closeWrite(conn net.Conn) {
	_ = conn.(*net.TCPConn).CloseWrite()
}
