package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/spec"
)

// MarkerVariable is the environment variable that marks the processes of a
// service.
const MarkerVariable = "MAINSTAY_SERVICE"

// DefaultPoll is how often Watch looks for what causes no event.
const DefaultPoll = 10 * time.Second

// Config is what a Driver needs to know.
type Config struct {
	// Marker names the service on this machine: <deployment>/<node>/<service>.
	Marker  string
	Process spec.ProcessService
	// Folder is this service's own folder below the state folder; it is made
	// when needed.
	Folder string
	// Poll is how often Watch looks for processes that were started by hand
	// and bounds the log. The default is DefaultPoll.
	Poll time.Duration
	// Log gets what cannot be returned, such as a record that could not be
	// written.
	Log *slog.Logger
}

// Driver drives one process. Use New.
type Driver struct {
	marker string // the whole environment line, as home is
	home   string
	user   string // the agent's own, and its control group
	group  string
	run    spec.ProcessService
	folder string
	poll   time.Duration
	log    *slog.Logger
	boot   string
	// op is held by the Start or Stop under way.
	op chan struct{}
	// at is called at the named steps of an operation, so that tests can end
	// the agent there.
	at func(step string)

	// starting is set while this driver itself has the lock.
	starting atomic.Bool

	mu   sync.Mutex // of the record and of what follows
	bell service.Bell
	// reaped is closed when the newest child was waited for and its end
	// recorded.
	reaped chan struct{}
}

var _ service.Driver = (*Driver)(nil)

// New makes a driver; nothing is started or touched but the folder.
func New(c Config) (*Driver, error) {
	if len(c.Process.Command) == 0 {
		return nil, errors.New("process: the command is empty")
	}
	boot, err := bootID()
	if err != nil {
		return nil, fmt.Errorf("process %s: boot id: %w", c.Marker, err)
	}
	if err := os.MkdirAll(c.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("process %s: state folder: %w", c.Marker, err)
	}
	folder, err := filepath.Abs(c.Folder)
	if err == nil {
		folder, err = filepath.EvalSymlinks(folder)
	}
	if err != nil {
		return nil, fmt.Errorf("process %s: state folder: %w", c.Marker, err)
	}
	group, _ := os.ReadFile("/proc/self/cgroup")
	return &Driver{
		marker: MarkerVariable + "=" + c.Marker,
		home:   FolderVariable + "=" + folder,
		user:   strconv.Itoa(os.Geteuid()),
		group:  string(group),
		run:    c.Process,
		folder: c.Folder,
		poll:   cmp.Or(c.Poll, DefaultPoll),
		log:    c.Log.With("service", c.Marker),
		boot:   boot,
		op:     make(chan struct{}, 1),
		at:     func(string) {},
		reaped: closed(),
	}, nil
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// group is the service as found: who belongs to it, and which one is the main
// process (nil when that has ended).
type group struct {
	record *record
	main   *proc
	all    []proc
}

// errHidden is the state of a lock that is held by nobody who can be seen.
var errHidden = errors.New("a process that this agent cannot see holds the lock of the service, so it may run")

// find looks for the service. With a main process that lives it does not look
// for the others unless all are wanted.
func (d *Driver) find(ctx context.Context, all bool) (group, error) {
	var g group
	var err error
	if g.record, err = d.current(); err != nil {
		return g, err
	}
	if g.record != nil && g.record.Boot != d.boot {
		g.record = &record{Boot: g.record.Boot}
	}
	if g.record != nil && g.record.PID > 0 {
		switch p, err := readProc(g.record.PID); {
		case err == nil && p.alive() && g.record.names(p):
			g.main = &p
		case err != nil && !gone(err):
			return g, err
		}
	}
	if g.main != nil && !all {
		g.all = []proc{*g.main}
		return g, nil
	}
	if g.all, err = d.members(ctx, g.record); err != nil {
		return g, err
	}
	if g.main == nil && (g.record == nil || g.record.PID == 0) {
		g.main = eldest(g.all, func(p proc) bool { return d.standingOf(p.pid) == own })
	}
	return g, nil
}

// members finds the processes by marker and session and, if the lock is held all
// the same, by that. A lock whose holder ends just then is looked at again.
func (d *Driver) members(ctx context.Context, r *record) ([]proc, error) {
	inSession, err := d.sessionOf(r)
	if err != nil {
		return nil, err
	}
	var env environs
	belongs := func(pid int) (bool, error) {
		if is, err := inSession(pid); is || err != nil {
			return is, err
		}
		return d.carries(&env, pid)
	}
	for range 3 {
		found, err := scan(ctx, belongs)
		if err != nil || len(found) > 0 {
			return found, err
		}
		held, file, err := d.lockHeld()
		if err != nil || !held {
			return nil, err
		}
		found, err = scan(ctx, func(pid int) (bool, error) { return holds(pid, file) })
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, d.hidden()
}

// hidden is errHidden with the command that shows who it is.
func (d *Driver) hidden() error {
	return fmt.Errorf("%w: `fuser -v %s`, as root, shows which process to end", errHidden, filepath.Join(d.folder, lockFile))
}

// sessionOf tells who is in the recorded session. A session's number is not
// used again while one of its members lives; if the leader's pid is now somebody
// else's, the session is gone.
func (d *Driver) sessionOf(r *record) (func(pid int) (bool, error), error) {
	none := func(int) (bool, error) { return false, nil }
	if r == nil || r.PID == 0 {
		return none, nil
	}
	switch p, err := readProc(r.PID); {
	case err == nil && p.start != r.Start:
		return none, nil
	case err != nil && !gone(err):
		return nil, err
	}
	return func(pid int) (bool, error) {
		p, err := readProc(pid)
		if err != nil && !gone(err) {
			return false, err
		}
		return err == nil && p.session == r.PID && p.start >= r.Start, nil
	}, nil
}

// eldest is the main process of a service that was not recorded: what the others
// descend from, of those that are believed.
func eldest(all []proc, believed func(proc) bool) *proc {
	var first *proc
	for i, p := range all {
		if !believed(p) {
			continue
		}
		if first == nil || p.start < first.start || (p.start == first.start && p.pid < first.pid) {
			first = &all[i]
		}
	}
	return first
}

// current reads the record.
func (d *Driver) current() (*record, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, err := d.readRecord()
	if r != nil && MarkerVariable+"="+r.Marker != d.marker {
		return nil, nil
	}
	return r, err
}

// Observe tells whether the process runs. It reads /proc, and nothing else.
func (d *Driver) Observe(ctx context.Context) (service.State, error) {
	g, err := d.find(ctx, false)
	if errors.Is(err, errHidden) && d.starting.Load() {
		return service.State{Run: plan.Starting}, nil
	}
	if err == nil && len(g.all) == 0 && g.record != nil && g.record.Exit == "" {
		d.awaitReaped(ctx)
		g.record, err = d.current()
	}
	if err != nil {
		if ended := service.Ended(ctx); ended != nil {
			err = ended
		}
		return service.State{Run: plan.RunUnsure}, fmt.Errorf("look for the process: %w", err)
	}
	d.boundLog()
	if len(g.all) > 0 {
		return g.up(), nil
	}
	s := g.record.down(d.boot)
	if s.Run == plan.RunFailed {
		s.Detail += lastOutput(d.folder)
	}
	return s, nil
}

func (g group) up() service.State {
	s := service.State{Run: plan.Running}
	if g.record != nil {
		s.Since = g.record.At
	}
	if g.main == nil {
		s.Run = plan.Stopping
		s.Detail = fmt.Sprintf("the main process ended (%s), still there: %s", g.record.exit(), pids(g.all))
		return s
	}
	s.PID = g.main.pid
	switch {
	case g.record != nil && g.record.Stopping:
		s.Run = plan.Stopping
	case !g.record.names(*g.main):
		s.Detail = "found by its marker"
	}
	return s
}

func (r *record) down(boot string) service.State {
	switch {
	case r == nil:
		return service.State{Run: plan.Stopped}
	case r.Boot != boot:
		return service.State{Run: plan.Stopped, Detail: "not started since this machine booted"}
	case r.Stopping:
		return service.State{Run: plan.Stopped, Since: r.At}
	case r.PID == 0:
		return service.State{Run: plan.RunFailed, Detail: "the agent ended while starting it", Since: r.At}
	case r.OK:
		return service.State{Run: plan.Stopped, Detail: "ended by itself: " + r.exit(), Since: r.At}
	}
	return service.State{Run: plan.RunFailed, Detail: r.exit(), Since: r.At}
}

func (r *record) exit() string {
	if r == nil || r.Exit == "" {
		return "exit status not known"
	}
	return r.Exit
}

// awaitReaped gives the end of a child of this agent the moment it needs to be
// recorded.
func (d *Driver) awaitReaped(ctx context.Context) {
	d.mu.Lock()
	reaped := d.reaped
	d.mu.Unlock()
	select {
	case <-reaped:
	case <-ctx.Done():
	}
}

// begin admits one operation at a time.
func (d *Driver) begin(ctx context.Context) (end func(), err error) {
	if err := service.Ended(ctx); err != nil {
		return nil, err
	}
	select {
	case d.op <- struct{}{}:
		return func() { <-d.op }, nil
	case <-ctx.Done():
		return nil, service.Ended(ctx)
	}
}
