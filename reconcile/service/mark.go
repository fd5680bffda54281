package service

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// markFile is there from before a start order until a stop was verified. It says
// in which boot, since nothing that was started survives a reboot, and how the
// order ended.
const markFile = "started"

// Order is what is known of the newest start order of a service.
type Order struct {
	id uint64
	// Is says that a start was ordered since the last verified stop.
	Is bool
	// Seen says that what came of it was seen.
	Seen bool
	// Returned says that the order has, and Well without an error.
	Returned, Well bool
	// Began is when it was given, and At when it returned well; zero otherwise.
	Began, At time.Time
}

// Open reports whether it is not known yet what the order led to: finding nothing
// is then no observation of being down (R2).
func (o Order) Open() bool { return o.Is && !o.Seen }

// Settled reports whether what the order started had the given time to be seen.
func (o Order) Settled(within time.Duration) bool { return o.Returned && time.Since(o.At) >= within }

// Mark keeps the newest start order of one service, also for the next run of the
// agent. A person who removes its file says that nothing runs.
type Mark struct {
	file string
	log  *slog.Logger

	mu   sync.Mutex
	now  Order
	kept bool
}

// NewMark reads what an earlier run left in a folder of the service's own. Without
// a folder the mark is kept in memory only. The log may be nil.
func NewMark(folder string, log *slog.Logger) *Mark {
	m := &Mark{log: log}
	if log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if folder == "" {
		return m
	}
	m.file = filepath.Join(folder, markFile)
	b, err := os.ReadFile(m.file)
	of, how, _ := strings.Cut(string(b), "\n")
	if err == nil && of != bootName() || os.IsNotExist(err) {
		return m
	}
	// An order of an earlier run, or a folder that does not say.
	m.kept = err == nil
	m.now = Order{Is: true, Returned: true, Well: how == "well", At: time.Now()}
	return m
}

// bootName names this boot, where the system has a name for it.
func bootName() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

// File is where the mark is kept, empty in memory.
func (m *Mark) File() string { return m.file }

// Get returns the newest order.
func (m *Mark) Get() Order {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept && m.now.Returned {
		if _, err := os.Lstat(m.file); os.IsNotExist(err) {
			m.now, m.kept = Order{id: m.now.id}, false
		}
	}
	return m.now
}

// Begin keeps that a start is ordered, before it is.
func (m *Mark) Begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = Order{id: m.now.id + 1, Is: true, Began: time.Now()}
	m.write("")
}

// End keeps that the order of Begin returned.
func (m *Mark) End(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Returned = true
	if err == nil {
		m.now.Well, m.now.At = true, time.Now()
		m.write("well")
	}
}

// See ends the doubt about an order, unless another one was given meanwhile.
func (m *Mark) See(o Order) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Seen = m.now.Seen || m.now.id == o.id
}

// Clear says that a stop was verified.
func (m *Mark) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now, m.kept = Order{id: m.now.id}, false
	if m.file == "" {
		return
	}
	if err := os.Remove(m.file); err != nil && !os.IsNotExist(err) {
		m.log.Warn("that the service was stopped is not kept", "file", m.file, "error", err)
	}
}

func (m *Mark) write(how string) {
	if m.file == "" {
		return
	}
	err := os.MkdirAll(filepath.Dir(m.file), 0o700)
	if err == nil {
		err = os.WriteFile(m.file, []byte(bootName()+"\n"+how), 0o600)
	}
	m.kept = err == nil
	if err != nil {
		m.log.Warn("that the service was started is remembered until the agent ends only", "file", m.file, "error", err)
	}
}
