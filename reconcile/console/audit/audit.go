// Package audit keeps a line for every act of a person on the page: who, from where,
// what, and what came of it. The lines go to a file as JSON, and the newest are kept
// to be shown. It must not know of pages, nor of deployments.
package audit

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// Shown is how many lines are kept to be shown.
const Shown = 200

// Line is one act.
type Line struct {
	At time.Time
	// Who is the user's name, empty for nobody; From is the address.
	Who, From string
	// What was tried, such as sign-in or switch; About is the deployment, if any.
	What, About string
	// Result is ok, refused or failed; Text says more.
	Result, Text string
}

// The results.
const (
	OK      = "ok"
	Refused = "refused"
	Failed  = "failed"
)

// Log keeps lines. Its methods may be called by several at a time.
type Log struct {
	mu   sync.Mutex
	file *os.File
	out  slog.Handler
	last []Line
}

// New keeps the newest lines, and writes all of them behind what the file of that path
// has, if there is a path. Close it.
func New(path string) (*Log, error) {
	l := &Log{out: slog.NewJSONHandler(io.Discard, nil)}
	if path == "" {
		return l, nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the audit file: %w", err)
	}
	l.file, l.out = f, slog.NewJSONHandler(f, nil)
	return l, nil
}

// Close closes the file.
func (l *Log) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// Write keeps a line. An error means that the file does not have it.
func (l *Log) Write(one Line) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = append(l.last, one)
	if len(l.last) > Shown {
		l.last = slices.Clone(l.last[len(l.last)-Shown:])
	}
	record := slog.NewRecord(one.At, slog.LevelInfo, "act", 0)
	record.AddAttrs(slog.String("who", one.Who), slog.String("from", one.From), slog.String("what", one.What),
		slog.String("about", one.About), slog.String("result", one.Result), slog.String("text", one.Text))
	if err := l.out.Handle(context.Background(), record); err != nil {
		return fmt.Errorf("write the audit file: %w", err)
	}
	return nil
}

// Last are the newest lines, newest first.
func (l *Log) Last() []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.last)
	slices.Reverse(out)
	return out
}
