package oneshot

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/google/renameio/v2"
)

// recordFile is there from before a start begins until a stop ended. Its lines are the
// boot, since nothing that was started survives a reboot, how it stands, when that began,
// and why it failed.
const recordFile = "started"

// How the newest order stands.
const (
	starting = "" // begun, and not known to have ended
	ran      = "well"
	failed   = "failed"
	stopping = "stop"
)

// mostRecord bounds the record, in bytes.
const mostRecord = 8 << 10

// entry is what is known of the newest order.
type entry struct {
	// is says that a start was ordered since the last stop that ended.
	is    bool
	how   string
	began time.Time
	why   string
	// under says that this very process is at it.
	under bool
}

// interrupted reports whether something was begun that nobody is at any more.
func (e entry) interrupted() bool {
	return e.is && !e.under && (e.how == starting || e.how == stopping)
}

// record keeps that, for the next run of the agent and for its guard, who both read it
// from disk each time. A person who removes its file says that nothing is to be undone.
type record struct {
	file string
	log  *slog.Logger

	mu  sync.Mutex
	now entry
	// lost says that the disk did not take what is in now.
	lost bool
}

// newRecord keeps a record in a folder of the service's own, or in memory without one.
func newRecord(folder string, log *slog.Logger) *record {
	r := &record{log: log}
	if folder != "" {
		r.file = filepath.Join(folder, recordFile)
	}
	return r
}

// get is what is known now.
func (r *record) get() entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == "" || r.lost || r.now.under {
		return r.now
	}
	b, err := readBounded(r.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.now = entry{}
	case err != nil:
		r.now = entry{is: true} // a folder that does not say
	default:
		r.now = parse(string(b))
	}
	return r.now
}

// bootShape is what the name of a boot looks like.
var bootShape = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// parse reads a record. Only the whole name of another boot says that nothing of it is up:
// what is damaged says nothing.
func parse(text string) entry {
	lines := strings.SplitN(text, "\n", 4)
	if lines[0] != bootName() {
		return entry{is: !bootShape.MatchString(lines[0])}
	}
	lines = append(lines, "", "", "")
	e := entry{is: true, how: lines[1], why: lines[3]}
	e.began, _ = time.Parse(time.RFC3339, lines[2])
	switch e.how {
	case starting, ran, failed, stopping:
	default:
		e.how = starting
	}
	return e
}

func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, mostRecord)
	n, err := f.Read(b)
	if n == 0 && err != nil {
		return nil, err
	}
	return b[:n], nil
}

// bootName names this boot, where the system has a name for it.
func bootName() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

// begin keeps that something begins, before it does.
func (r *record) begin(how string) {
	r.put(entry{is: true, how: how, began: time.Now(), under: true})
}

// end keeps how a start ended.
func (r *record) end(err error) {
	r.mu.Lock()
	e := r.now
	r.mu.Unlock()
	e.how, e.under = ran, false
	if err != nil {
		e.how, e.why = failed, err.Error()
	}
	r.put(e)
}

// leave keeps what was begun as it stands: it did not end.
func (r *record) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.under = false
}

func (r *record) put(e entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = e
	if r.file == "" {
		return
	}
	text := strings.Join([]string{bootName(), e.how, e.began.UTC().Format(time.RFC3339), e.why}, "\n")
	err := os.MkdirAll(filepath.Dir(r.file), 0o700)
	if err == nil {
		// The guard may be reading it.
		err = renameio.WriteFile(r.file, []byte(text), 0o600, renameio.WithTempDir(filepath.Dir(r.file)))
	}
	if r.lost = err != nil; r.lost {
		r.log.Warn("what was run is remembered until the agent ends only", "file", r.file, "error", err)
	}
}

// clear says that a stop ended.
func (r *record) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now, r.lost = entry{}, false
	if r.file == "" {
		return
	}
	if err := os.Remove(r.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.lost = true
		r.log.Warn("that it was stopped is not kept", "file", r.file, "error", err)
	}
}

// detail says what is not known of an order that was interrupted.
func (e entry) detail() string {
	if e.how == stopping {
		return "its stop was begun, and it is not known whether onStop ran to its end"
	}
	return "it is not known whether onStart ran to its end for this start"
}
