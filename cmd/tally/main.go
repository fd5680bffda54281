// Command tally counts tests. It reads what "go test -json" wrote, from any
// number of runs and mixed with other lines, shows what a person wants to see
// of it and closes with "N passed, N failed".
//
// It knows nothing of what is tested. A test that skipped itself proves
// nothing, so a skip counts against the run, and so does a run of no test at
// all. A package that failed without a failing test (it did not build, it
// panicked, it ran out of time) counts as one failure.
//
//	go test -json ./... | tally
//
// The exit status is 0 when at least one test passed and none failed or was
// skipped, else 1.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Stdin, os.Stdout, os.Stderr)) }

func run(stdin io.Reader, stdout, stderr io.Writer) int {
	t := newTally(stdout)
	if err := t.read(bufio.NewReader(stdin)); err != nil {
		fmt.Fprintf(stderr, "error: reading test events: %v\n", err)
		return 1
	}
	return t.close()
}

// read takes lines until the input ends.
func (t *tally) read(in *bufio.Reader) error {
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			t.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
