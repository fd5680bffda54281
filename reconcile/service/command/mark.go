package command

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// markFile is there from before a start order until a stop was verified. It says
// in which boot: nothing that was started survives a reboot.
const markFile = "started"

// ordered is what is known of the newest start order.
type ordered struct {
	id uint64
	// is says that a start was ordered since the last verified stop, and seen that
	// the service was seen running after it.
	is, seen bool
	// returned says that the order has, and at when. An order that failed returned
	// long ago: nothing is waited for.
	returned bool
	at       time.Time
}

// open reports whether it is not known yet what the order led to.
func (o ordered) open() bool { return o.is && !o.seen }

// mark keeps the newest start order, also for the next run of the agent.
type mark struct {
	file string
	log  *slog.Logger

	mu  sync.Mutex
	now ordered
}

func newMark(folder string, log *slog.Logger) *mark {
	m := &mark{log: log}
	if log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if folder == "" {
		return m
	}
	m.file = filepath.Join(folder, markFile)
	b, err := os.ReadFile(m.file)
	if err == nil && string(b) != boot() || os.IsNotExist(err) {
		return m
	}
	// An order of an earlier run, or a folder that does not say.
	m.now = ordered{is: true, returned: true, at: time.Now()}
	return m
}

// boot names this boot, where the system has a name for it.
func boot() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

func (m *mark) get() ordered {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// begin keeps that a start is ordered, before it is.
func (m *mark) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = ordered{id: m.now.id + 1, is: true}
	m.keep(func() error {
		if err := os.MkdirAll(filepath.Dir(m.file), 0o700); err != nil {
			return err
		}
		return os.WriteFile(m.file, []byte(boot()), 0o600)
	})
}

func (m *mark) end(failed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.returned = true
	if !failed {
		m.now.at = time.Now()
	}
}

// seen ends the doubt about an order, unless another one was given meanwhile.
func (m *mark) seen(id uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.seen = m.now.seen || m.now.id == id
}

func (m *mark) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = ordered{id: m.now.id}
	m.keep(func() error {
		err := os.Remove(m.file)
		if os.IsNotExist(err) {
			return nil
		}
		return err
	})
}

func (m *mark) keep(change func() error) {
	if m.file == "" {
		return
	}
	if err := change(); err != nil {
		m.log.Warn("that the service was started is remembered until the agent ends only", "file", m.file, "error", err)
	}
}
