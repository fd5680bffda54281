package audit

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Every act is one line of JSON, whatever is in it, in a file that only its owner reads,
// after the lines that are there already; the page keeps the newest.
func TestEveryActIsOneLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.json")
	if err := os.WriteFile(path, []byte("{\"what\":\"before\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := New(path)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC)
	for i := range Shown + 5 {
		if err := log.Write(Line{At: at, Who: "ada\n{\"who\":\"bob\"}", From: "192.0.2.1", What: "switch", About: "paris", Result: OK, Text: fmt.Sprint("act ", i, "\x1b[2J\r\n")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	last := log.Last()
	if len(last) != Shown || last[0].Text != fmt.Sprint("act ", Shown+4, "\x1b[2J\r\n") {
		t.Errorf("%d lines are shown, the newest %+v", len(last), last[0])
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); n++ {
		var line map[string]string
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatalf("line %d: %v: %s", n+1, err, s.Text())
		}
		if n == 0 && line["what"] != "before" || n > 0 && (line["who"] != "ada\n{\"who\":\"bob\"}" || line["about"] != "paris" || line["from"] != "192.0.2.1") {
			t.Errorf("line %d: %v", n+1, line)
		}
	}
	if n != Shown+6 {
		t.Errorf("%d lines in the file", n)
	}
}

// What the file does not have is said, and the page shows it all the same.
func TestAFullDiskIsSaid(t *testing.T) {
	log, err := New("/dev/full")
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Write(Line{Who: "ada", What: "switch"}); err == nil {
		t.Error("a line that is nowhere was written")
	}
	if last := log.Last(); len(last) != 1 || last[0].Who != "ada" {
		t.Errorf("shown: %+v", last)
	}
	if _, err := New(filepath.Join(t.TempDir(), "none", "audit.json")); err == nil {
		t.Error("a file in no folder was opened")
	}
}
