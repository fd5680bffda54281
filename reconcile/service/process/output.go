package process

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"mainstay/reconcile/plain"
)

// MaxLog is the size at which the output is moved to output.log.1 and begins
// again. It is looked at with every observation, so a service that writes fast
// can be above it for a moment, and one that runs without an agent for longer.
const MaxLog = 1 << 20

// maxLastOutput is how much of the output a failure quotes.
const maxLastOutput = 512

// openLog returns nil, and the output is lost, when the file cannot be opened:
// a full disk does not keep a service from running.
func (d *Driver) openLog() *os.File {
	f, err := os.OpenFile(filepath.Join(d.folder, logFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		d.log.Warn("output is not kept", "error", err)
		return nil
	}
	return f
}

// boundLog copies and truncates, because the service has the file open and does
// not know of the agent. What it writes in between is lost.
func (d *Driver) boundLog() {
	path := filepath.Join(d.folder, logFile)
	info, err := os.Stat(path)
	if err != nil || info.Size() <= MaxLog {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := keepTail(path, filepath.Join(d.folder, oldLogFile)); err != nil {
		d.log.Warn("old output is not kept", "error", err)
	}
	if err := os.Truncate(path, 0); err != nil {
		d.log.Warn("output is not bounded", "error", err)
	}
}

// keepTail copies the last MaxLog bytes.
func keepTail(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if _, err := in.Seek(-MaxLog, io.SeekEnd); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyN(out, in, MaxLog)
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}

// lastOutput is the end of what the service wrote, to be appended to a reason.
func lastOutput(folder string) string {
	f, err := os.Open(filepath.Join(folder, logFile))
	if err != nil {
		return ""
	}
	defer f.Close()
	// A shorter file is read from its start.
	_, _ = f.Seek(-maxLastOutput, io.SeekEnd)
	b, err := io.ReadAll(io.LimitReader(f, maxLastOutput))
	text := strings.TrimSpace(string(b))
	if err != nil || text == "" {
		return ""
	}
	for !utf8.ValidString(text) && len(text) > 0 && !utf8.RuneStart(text[0]) {
		text = text[1:]
	}
	cut := len(b) == maxLastOutput
	if _, whole, ok := strings.Cut(text, "\n"); cut && ok {
		text, cut = whole, false
	}
	quoted := plain.Quote(strings.ToValidUTF8(text, "?"), 0)
	if cut {
		// What was read begins in the middle of a word.
		if _, whole, ok := strings.Cut(quoted, " "); ok {
			quoted = "… " + strings.TrimPrefix(whole, "| ")
		}
	}
	return "; last output: " + quoted
}
