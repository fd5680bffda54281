package state

import (
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A named pipe that nobody writes to is a file on a disk that hangs.
func TestADiskThatHangsIsAnErrorUntilItAnswers(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s.bound = 50 * time.Millisecond
	pipe, err := s.file("memory")
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	var v string
	if err := s.Load("memory", &v); !errors.Is(err, errHangs) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrDamaged) {
		t.Fatalf("got %v", err)
	}
	s.bound = time.Hour // who does not wait at all is not held by it
	began := time.Now().Add(-2 * time.Hour)
	s.began.Store(&began)
	if err := s.Save("claims", "new"); !errors.Is(err, errHangs) {
		t.Fatalf("got %v", err)
	}
	writer, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	s.turn <- struct{}{} // the access that was given up has ended
	<-s.turn
	if err := s.Save("claims", "new"); err != nil {
		t.Fatalf("the disk answers again: %v", err)
	}
	if err := s.Load("claims", &v); err != nil || v != "new" {
		t.Errorf("got %q, %v", v, err)
	}
}
