package teller

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mainstay/reconcile/fleet"
)

// looks is a repository that says what a test puts into it.
type looks struct{ v *fleet.View }

func (l looks) Read(context.Context) (*fleet.View, error) { return l.v, nil }
func (looks) Close()                                      {}

// log keeps what was logged.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) has(words string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), words)
}

// Of two pages with one folder one tells. The other one says so, and tells from when that has
// ended: what was told before is in the folder.
func TestTwoPagesDoNotTellEverythingTwice(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "alerts.yaml")
	if err := os.WriteFile(file, []byte("alerts: [{ command: [page], on: [dual] }]"), 0o600); err != nil {
		t.Fatal(err)
	}
	var taken atomic.Bool
	taken.Store(true) // by another page
	var lines log
	teller, err := Open(file, filepath.Join(dir, "alerts"), func() bool { return taken.CompareAndSwap(false, true) }, slog.New(slog.NewTextHandler(&lines, nil)))
	if err != nil {
		t.Fatal(err)
	}
	teller.again = 10 * time.Millisecond
	ctx, end := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() { defer close(ran); teller.Run(ctx) }()
	defer func() { end(); <-ran }()
	shown, _ := teller.Shown("voice.git", looks{&fleet.View{Commit: "c", Deployments: []fleet.Deployment{{Name: "paris"}}}}, nil)
	look := func() {
		t.Helper()
		if _, err := shown.Read(ctx); err != nil {
			t.Fatal(err)
		}
	}
	wait := func(what string, is func() bool) {
		t.Helper()
		tick, late := time.NewTicker(time.Millisecond), time.After(20*time.Second)
		defer tick.Stop()
		for !is() {
			select {
			case <-tick.C:
			case <-late:
				t.Fatalf("never %s", what)
			}
		}
	}
	wait("said that there is another page", func() bool { return lines.has("another page sends alerts from this folder") })
	look()
	if files, _ := filepath.Glob(filepath.Join(dir, "alerts", "*")); teller.tells.Load() || teller.page.Known() > 0 || len(files) > 0 {
		t.Errorf("it tells beside the other one: %v", files)
	}
	taken.Store(false)
	wait("telling", teller.tells.Load)
	if look(); teller.page.Known() != 1 {
		t.Error("it tells nothing after the other one has ended")
	}
	if !lines.has("this one sends alerts from now on") {
		t.Error("it does not say that it tells")
	}
	if _, err := teller.Shown("voice.git", nil, errors.New("gone")); err == nil {
		t.Error("an error is lost")
	}
}

func TestTheFileOfAlertsIsReadStrictly(t *testing.T) {
	for text, want := range map[string]string{
		"alerts: [{ command: [page], repeat: 1h, on: [dual], after: { held: 2m } }]": "",
		"node: a\nrepository: { url: / }\nalerts: [{ command: [page] }]":             "",
		"alerts: []":                      "names nobody",
		"alerts: [{ comand: [page] }]":    "comand",
		"alerts: [{ to: slack://a@b }]":   "holds a secret",
		"[":                               "alerts.yaml",
		strings.Repeat("#", mostAlerts+1): "more than",
	} {
		file := filepath.Join(t.TempDir(), "alerts.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := load(file)
		if want == "" && (err != nil || len(list) != 1) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60s: %v, %v", text, list, err)
		}
	}
}
