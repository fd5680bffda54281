package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// The two files of a ring: the newer one is renamed over the older one when it
// is full.
const (
	newerFile = "passes.jsonl"
	olderFile = "passes.old.jsonl"
)

// fileSize is when a file counts as full, in bytes.
const fileSize = 1 << 20

// MaxRead bounds what is read back, in bytes.
const MaxRead = 64 << 20

// grace is how long the end of the agent waits for the disk.
const grace = time.Second

// line is one line on disk: an entry, or how often the one before it was
// repeated.
type line struct {
	Entry    *Entry `json:"entry,omitempty"`
	Repeated int    `json:"repeated,omitempty"`
}

// Writer writes a ring to the state folder. It is owned by one goroutine.
type Writer struct {
	ring *Journal
	dir  string
	log  *slog.Logger

	file   *os.File
	size   int64
	broken bool // the newest write did not succeed, so the last line may be torn
}

// NewWriter returns what writes ring to the folder dir, which must exist.
func NewWriter(ring *Journal, dir string, log *slog.Logger) *Writer {
	return &Writer{ring: ring, dir: dir, log: log}
}

// Run writes until ctx ends, and then what is still queued. A disk that hangs
// does not keep it from returning.
func (f *Writer) Run(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.writeUntil(ctx)
	}()
	<-ctx.Done()
	grace := time.NewTimer(grace)
	defer grace.Stop()
	select {
	case <-done:
	case <-grace.C:
	}
}

func (f *Writer) writeUntil(ctx context.Context) {
	defer f.close()
	for {
		select {
		case l := <-f.ring.queue:
			f.take(l)
			continue
		default:
		}
		select {
		case l := <-f.ring.queue:
			f.take(l)
		case <-ctx.Done():
			return
		}
	}
}

// take writes one line, or counts it as dropped. The first failure in a row is
// logged.
func (f *Writer) take(l line) {
	err := f.write(l)
	if err != nil {
		f.ring.dropped.Add(1)
		f.close()
		if !f.broken {
			f.log.Error("passes are not kept on disk", "error", err)
		}
	}
	f.broken = err != nil
}

func (f *Writer) write(l line) error {
	b, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode a pass: %w", err)
	}
	if err := f.open(); err != nil {
		return err
	}
	b = append(b, '\n')
	if f.broken {
		b = append([]byte{'\n'}, b...)
	}
	n, err := f.file.Write(b)
	f.size += int64(n)
	return err
}

// open makes the newer file ready for a line, over the older one when full.
func (f *Writer) open() error {
	if f.file != nil && f.size >= fileSize {
		f.close()
		if err := os.Rename(f.path(newerFile), f.path(olderFile)); err != nil {
			return err
		}
	}
	if f.file != nil {
		return nil
	}
	file, err := os.OpenFile(f.path(newerFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return err
	}
	f.file, f.size = file, info.Size()
	f.broken = f.broken || f.size > 0
	return nil
}

func (f *Writer) path(name string) string { return filepath.Join(f.dir, name) }

func (f *Writer) close() {
	if f.file != nil {
		_ = f.file.Close()
		f.file = nil
	}
}

// Read returns the newest n entries that a folder holds, oldest first. Lines
// that are torn or damaged are left out. The error is that of a file that is
// there and cannot be read.
func Read(dir string, n int) ([]Entry, error) {
	var all []Entry
	for _, name := range []string{olderFile, newerFile} {
		file, err := os.Open(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read saved passes: %w", err)
		}
		entries, err := ReadEntries(file)
		_ = file.Close()
		if err != nil {
			return nil, fmt.Errorf("read saved passes: %s: %w", name, err)
		}
		all = append(all, entries...)
	}
	return newest(all, n), nil
}

// ReadEntries reads saved passes: the lines of a journal's file, one entry, or what
// mainstay explain prints as JSON. Lines that are none of these are left out; the
// error is r's, or says that there is too much.
func ReadEntries(r io.Reader) ([]Entry, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxRead+1))
	if err != nil {
		return nil, err
	}
	if len(b) > MaxRead {
		return nil, fmt.Errorf("saved passes are larger than %d bytes", MaxRead)
	}
	var whole struct {
		Entries []Entry `json:"entries"`
		Entry
	}
	if json.Unmarshal(b, &whole) == nil {
		if whole.Entries != nil {
			return whole.Entries, nil
		}
		if whole.Decision.Status != "" {
			return []Entry{whole.Entry}, nil
		}
	}
	return readLines(b), nil
}

func readLines(b []byte) []Entry {
	var out []Entry
	for text := range bytes.Lines(b) {
		var read line
		var bare Entry
		switch {
		case json.Unmarshal(text, &read) != nil:
		case read.Entry != nil:
			out = append(out, *read.Entry)
		case json.Unmarshal(text, &bare) == nil && bare.Decision.Status != "":
			out = append(out, bare)
		case read.Repeated > 0 && len(out) > 0:
			out[len(out)-1].Repeated = read.Repeated
		}
	}
	return out
}
