package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// record is what one agent leaves for the next. It is not synced to disk: it
// means nothing after a reboot, and a killed agent does not lose what the
// kernel already has.
type record struct {
	Marker string `json:"marker"`
	Boot   string `json:"boot"`
	// PID is 0 while a start is under way.
	PID   int       `json:"pid,omitempty"`
	Start uint64    `json:"start,omitempty"`
	At    time.Time `json:"at"`
	// Stopping is set before the first signal of a stop.
	Stopping bool `json:"stopping,omitempty"`
	// Exit says how the process ended, once that is known; OK that it was
	// by exit status 0.
	Exit string `json:"exit,omitempty"`
	OK   bool   `json:"ok,omitempty"`
}

const (
	recordFile = "process.json"
	lockFile   = "process.lock"
	logFile    = "output.log"
	oldLogFile = "output.log.1"
)

// names reports whether the record speaks of this very process.
func (r *record) names(p proc) bool { return r != nil && r.PID == p.pid && r.Start == p.start }

// readRecord returns nil when there is none. A damaged one is set aside and
// counts as none: marker and lock still find the process. One that cannot be read, such
// as for too many open files, stays where it is and is an error.
func (d *Driver) readRecord() (*record, error) {
	path := filepath.Join(d.folder, recordFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		d.log.Warn("process record set aside", "path", path, "error", err)
		_ = os.Rename(path, path+".damaged")
		return nil, nil
	}
	return &r, nil
}

// writeRecord replaces the record in one step. A full disk does not keep a
// service from running, so the error is for the log.
func (d *Driver) writeRecord(r record) {
	path := filepath.Join(d.folder, recordFile)
	b, err := json.Marshal(r)
	if err == nil {
		err = os.WriteFile(path+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		d.log.Warn("process record not written", "path", path, "error", err)
	}
}

func (d *Driver) removeRecord() {
	err := os.Remove(filepath.Join(d.folder, recordFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.log.Warn("process record not removed", "error", err)
	}
}
