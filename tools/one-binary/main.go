// Command one is all there is in the end-to-end suite's image from scratch: no shell, no libc. It does what its arguments
// say, one step after another, the steps separated by a comma of its own:
//
//	/one print hello , write /out/x 'some text' , exit 3
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	var step []string
	for _, word := range append(os.Args[1:], ",") {
		if word != "," {
			step = append(step, word)
			continue
		}
		if err := run(step); err != nil {
			fmt.Fprintln(os.Stderr, "one:", err)
			os.Exit(1)
		}
		step = nil
	}
}

// held is memory that allocate got and keeps.
var held [][]byte

func run(step []string) error {
	verb, args := step[0], append(step[1:], "", "")
	switch verb {
	case "print":
		fmt.Println(args[0])
	case "print-environment":
		fmt.Println(os.Getenv(args[0]))
	case "complain":
		fmt.Fprintln(os.Stderr, args[0])
	case "write":
		if err := os.MkdirAll(filepath.Dir(args[0]), 0o755); err != nil {
			return err
		}
		return os.WriteFile(args[0], []byte(args[1]), 0o644)
	case "cat":
		file, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(os.Stdout, file)
		return err
	case "sleep":
		return sleep(args[0])
	case "ignore-sigterm":
		signal.Ignore(syscall.SIGTERM)
	case "on-sigterm":
		return onSigterm(args[0], args[1])
	case "allocate":
		return allocate(args[0])
	case "exit":
		code, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		os.Exit(code)
	default:
		return fmt.Errorf("unknown step %q", strings.Join(step, " "))
	}
	return nil
}

func sleep(duration string) error {
	wanted, err := time.ParseDuration(duration)
	time.Sleep(wanted)
	return err
}

// onSigterm writes the file when SIGTERM comes, and ends with code 0.
func onSigterm(path, text string) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	<-signals
	return run([]string{"write", path, text})
}

// allocate takes so many MiB of memory and touches each page of them.
func allocate(mebibytes string) error {
	count, err := strconv.Atoi(mebibytes)
	for range count {
		block := make([]byte, 1<<20)
		for at := 0; at < len(block); at += 4096 {
			block[at] = 1
		}
		held = append(held, block)
	}
	return err
}
