package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/control"
	"mainstay/reconcile/git"
	"mainstay/reconcile/guard"
	"mainstay/reconcile/metrics"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/record"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/compose"
	"mainstay/reconcile/service/systemd"
	"mainstay/reconcile/state"
	"mainstay/reconcile/task"
	"mainstay/spec"
)

// Config is what a node is made from.
type Config struct {
	File     *spec.AgentFile
	Versions map[string]string
	Log      *slog.Logger
}

// Node is one node's agent with everything it acts on.
type Node struct {
	Agent    *reconcile.Agent
	parts    *parts
	disk     *state.Folder
	services *Services
	actuator *reconcile.Actuator
	learner  *reconcile.Learner
	publish  *reconcile.Publisher
	journal  *record.Journal
	jobs     *task.Jobs
	checks   *task.Checks
	metrics  *metrics.Metrics
}

// parts are what the pieces of a node share.
type parts struct {
	ctx  context.Context
	file *spec.AgentFile
	log  *slog.Logger
	wake func()

	busOnce, engineOnce sync.Once
	bus                 *systemd.Bus
	engine              *compose.Engine
}

// units is the node's one connection to systemd, made when first needed.
func (p *parts) units() *systemd.Bus {
	p.busOnce.Do(func() { p.bus = systemd.NewBus(p.log) })
	return p.bus
}

// containers is the node's one connection to the Docker engine, likewise.
func (p *parts) containers() *compose.Engine {
	p.engineOnce.Do(func() { p.engine = compose.NewEngine(p.log, filepath.Join(p.file.State, "compose.json")) })
	return p.engine
}

// New puts a node's agent together. Nothing is touched before it runs.
func New(ctx context.Context, c Config) (*Node, error) {
	disk, err := state.Open(c.File.State)
	if err != nil {
		return nil, err
	}
	n := &Node{disk: disk, journal: record.NewJournal()}
	n.parts = &parts{ctx: ctx, file: c.File, log: c.Log, wake: n.wake}
	coordinated, err := n.openGit(c)
	if err != nil {
		return nil, err
	}
	tasks := task.Config{Clock: Clock{}, Runner: task.Exec{}, Allow: c.File.Allow.CheckCommand, Log: c.Log}
	n.jobs, n.checks = task.NewJobs(tasks), task.NewChecks(tasks)
	if err := n.makeActuator(c, coordinated); err != nil {
		return nil, err
	}
	n.Agent = reconcile.NewAgent(n.learner, n.actuator, n.publish)
	n.metrics = metrics.New(n.Agent, Clock{}.Boot, c.Versions)
	n.Agent.Observe(n.metrics)
	n.metrics.CountDropped(n.journal.Dropped)
	return n, nil
}

// openGit makes the learner and the publisher, and says whether there is
// somewhere to coordinate (R8).
func (n *Node) openGit(c Config) (coordinated bool, err error) {
	repo, err := openRepository(c.File, reconcile.DefaultTimeout, c.Log)
	if err != nil {
		return false, fmt.Errorf("repository: %w", err)
	}
	coord, shared, err := openCoordination(c.File, repo, reconcile.DefaultTimeout, c.Log)
	if err != nil {
		return false, fmt.Errorf("coordination: %w", err)
	}
	lc := reconcile.LearnerConfig{
		Node: c.File.Node, Branch: git.Branch(c.File.Repository.Branch), Path: c.File.Repository.Path,
		Repository: git.NewDocument(repo, c.File.Repository.Branch), Shared: shared,
		Clock: Clock{}, Disk: n.disk, Log: c.Log,
	}
	if coord != nil {
		link := git.NewCoordination(coord, git.NewChainStore(n.disk), c.Log)
		lc.Coordination, lc.Place = link, coord.URL()
		n.publish = reconcile.NewPublisher(link, Clock{}, 5*time.Minute, reconcile.DefaultTimeout)
	}
	n.learner = reconcile.NewLearner(lc)
	return coord != nil, nil
}

func (n *Node) wake() {
	if n.Agent != nil {
		n.Agent.Wake()
	}
}

// makeActuator makes the owner of this machine's services, files and probes.
func (n *Node) makeActuator(c Config, coordinated bool) error {
	boot, err := BootID()
	if err != nil {
		return err
	}
	instance, err := Instance(n.disk, c.Log)
	if err != nil {
		return err
	}
	p := n.parts
	n.services = &Services{parts: p, manager: service.NewManager(p.ctx, Clock{}, p.wake, c.Log), also: n.configureTasks}
	n.actuator = reconcile.NewActuator(reconcile.ActuatorConfig{
		Node: c.File.Node, Boot: boot, Instance: instance, Coordinated: coordinated,
		Clock: Clock{}, Disk: n.disk, Leases: guard.Beside(c.File.Socket, boot), Versions: c.Versions, Recorder: n.journal, Log: c.Log,
		Machine: reconcile.Machine{
			Services: n.services, Files: &Files{parts: p}, Probes: NewProbes(p.ctx, p.file.Allow, n.disk, p.wake),
			SelfFence: p.selfFence, Extra: n.addToReport,
		},
	})
	return nil
}

// configureTasks gives the jobs and the checks what the document wants.
func (n *Node) configureTasks(w *spec.Wanted) {
	n.jobs.Configure(w)
	n.checks.Configure(w)
}

// addToReport adds what the actuator does not look after itself, and tells the
// jobs what they are tied to.
func (n *Node) addToReport(r *plan.Report, tie plan.Tie) {
	n.jobs.SetStanding(plan.Standing{Status: r.Status, Tie: tie})
	n.jobs.Fill(r)
	n.checks.Fill(r)
	r.Conditions = append(r.Conditions, n.services.Conditions()...)
}

// Run works until ctx ends. The services are left as they are, unless they run
// under a lease that nobody would obey (R7). Only the control
// socket must be had: an agent that nobody can give orders to, or a second one
// on the same node, does not run. The latter is ErrStateInUse or
// control.ErrInUse.
func (n *Node) Run(ctx context.Context) error {
	limitMemory()
	release, err := n.alone()
	if err != nil {
		return err
	}
	defer release()
	socket, err := control.ListenSocket(n.parts.file.Socket)
	if err != nil {
		return err
	}
	keep, err := newKeeper(n.Agent.Passed, n.Agent.Wake, n.parts.log)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	if keep != nil {
		wg.Go(func() { keep.run(ctx) })
	}
	for _, part := range []func(context.Context){
		n.jobs.Run, n.checks.Run,
		record.NewWriter(n.journal, n.disk.Dir(), n.parts.log).Run,
		func(ctx context.Context) {
			(&control.Control{Agent: n.Agent, Journal: n.journal}).Serve(ctx, socket, n.parts.log)
		},
		n.serveHTTP,
	} {
		wg.Go(func() { part(ctx) })
	}
	err = n.Agent.Run(ctx)
	wg.Wait()
	err = errors.Join(n.endLease(), err) // R7: the lease first
	n.Agent.SayEnd()
	return err
}

// softLimit is when the garbage collector works harder, in bytes: what others
// serve must not make the agent large on a machine whose memory is for telephony.
const softLimit = 48 << 20

// limitMemory sets it, unless a person did by GOMEMLIMIT.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit)
	}
}
