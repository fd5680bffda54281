package host

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/control"
	"mainstay/reconcile/guard"
	"mainstay/reconcile/machine"
	"mainstay/reconcile/metrics"
	"mainstay/reconcile/places"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
	"mainstay/reconcile/record"
	"mainstay/reconcile/state"
	"mainstay/reconcile/task"
	"mainstay/spec"
)

// Config is what a node is made from.
type Config struct {
	File     *spec.AgentFile
	Versions map[string]string
	Log      *slog.Logger
	// Aside looks on and tells people, and may be nil.
	Aside Aside
}

// Node is one node's agent with everything it acts on.
type Node struct {
	Agent    *reconcile.Agent
	parts    *machine.Parts
	file     *spec.AgentFile
	log      *slog.Logger
	disk     *state.Folder
	services *machine.Services
	actuator *reconcile.Actuator
	learner  *reconcile.Learner
	publish  *reconcile.Publisher
	journal  *record.Journal
	jobs     *task.Jobs
	checks   *task.Checks
	leaves   *task.Leaves
	metrics  *metrics.Metrics
	source   plan.Source
	aside    Aside
	news     *places.News
	desk     *places.Desk
	// engine keeps claims and reports, and askMembers tells how its members are, nil where it
	// has none.
	engine     string
	askMembers func(context.Context) []metrics.Member
	// instance is this agent, and host the machine's own name.
	instance, host string
}

// openDisk opens the state folder for an agent or its guard, with what the disk refused
// in this boot, which it names.
func openDisk(f *spec.AgentFile) (disk *state.Folder, boot string, err error) {
	if boot, err = machine.BootID(); err != nil {
		return nil, "", err
	}
	disk, err = state.OpenWithSpare(f.State, f.Socket, boot)
	return disk, boot, err
}

// New puts a node's agent together. Nothing is touched before it runs.
func New(ctx context.Context, c Config) (*Node, error) {
	disk, _, err := openDisk(c.File)
	if err != nil {
		return nil, err
	}
	n := &Node{file: c.File, log: c.Log, disk: disk, journal: record.NewJournal(), aside: c.Aside}
	if n.aside != nil {
		n.aside.Prepare(disk)
	}
	n.parts = machine.NewParts(ctx, c.File, c.Log, n.wake)
	coordinated, err := n.openGit(c)
	if err != nil {
		return nil, err
	}
	tasks := task.Config{Clock: machine.Clock{}, Runner: task.Exec{}, Allow: c.File.Allow.CheckCommand, Log: c.Log}
	n.jobs, n.checks, n.leaves = task.NewJobs(tasks), task.NewChecks(tasks), task.NewLeaves(tasks)
	if err := n.makeActuator(c, coordinated); err != nil {
		return nil, err
	}
	n.Agent = reconcile.NewAgent(n.learner, n.actuator, n.publish)
	n.metrics = metrics.New(n.Agent, machine.Clock{}.Boot, c.Versions)
	n.Agent.Observe(n.observer())
	n.metrics.CountDropped(n.journal.Dropped)
	n.metrics.CountPlace(n.engine, n.askMembers)
	return n, nil
}

// openGit makes the learner and the publisher, and says whether there is
// somewhere to coordinate (R8).
func (n *Node) openGit(c Config) (coordinated bool, err error) {
	at, err := places.Open(c.File, n.disk, reconcile.DefaultTimeout, c.Log)
	if err != nil {
		return false, err
	}
	instance, err := machine.Instance(n.disk, c.Log)
	if err != nil {
		return false, err
	}
	n.source = plan.Source{Repository: at.Repository, Path: c.File.Repository.Path}
	n.instance, n.host = instance, hostName()
	lc := reconcile.LearnerConfig{
		Instance: n.instance, Host: n.host, Source: n.source,
		Node: c.File.Node, Branch: at.Branch, Path: c.File.Repository.Path,
		Repository: n.document(at.Document), Shared: at.Shared,
		Clock: machine.Clock{}, Disk: n.disk, Log: c.Log,
	}
	n.news, n.desk = at.News(c.Log), at.Desk
	n.engine, n.askMembers = placeOf(at)
	if at.Claims != nil {
		lc.Coordination, lc.Place = at.Claims, at.At
		n.publish = reconcile.NewPublisher(at.Claims, machine.Clock{}, 5*time.Minute, reconcile.DefaultTimeout)
	}
	n.learner = reconcile.NewLearner(lc)
	return at.Claims != nil, nil
}

func (n *Node) wake() {
	if n.Agent != nil {
		n.Agent.Wake()
	}
}

// makeActuator makes the owner of this machine's services, files and probes.
func (n *Node) makeActuator(c Config, coordinated bool) error {
	boot, err := machine.BootID()
	if err != nil {
		return err
	}
	n.services = n.parts.NewServices(n.configureTasks)
	run := ""
	if n.publish != nil {
		run = n.publish.Run()
	}
	n.actuator = reconcile.NewActuator(reconcile.ActuatorConfig{
		Node: c.File.Node, Boot: boot, Instance: n.instance, Run: run, Coordinated: coordinated,
		Clock: machine.Clock{}, Disk: n.disk, Leases: guard.Beside(c.File.Socket, boot), Versions: c.Versions, Recorder: n.journal, Log: c.Log,
		Machine: reconcile.Machine{
			Services: n.services, Files: n.parts.NewFiles(), Probes: n.parts.NewProbes(n.disk),
			SelfFence: n.parts.SelfFence, AddToReport: n.addToReport,
		},
	})
	return nil
}

// configureTasks gives the jobs and the checks what the document wants.
func (n *Node) configureTasks(w *spec.Wanted) {
	n.jobs.Configure(w)
	n.checks.Configure(w)
	n.leaves.Configure(w)
}

// addToReport adds what the actuator does not look after itself, and tells the
// jobs what they are tied to.
func (n *Node) addToReport(r *plan.Report, own permit.OwnClaim) {
	n.jobs.SetStanding(permit.Standing{Status: r.Status, Claim: own})
	n.jobs.Fill(r)
	n.checks.Fill(r)
	n.leaves.Fill(r)
	r.Conditions = append(r.Conditions, n.services.Conditions()...)
	r.Conditions = append(r.Conditions, n.desk.Conditions(r.At)...)
	r.Allow = toldAllow(&n.file.Allow)
	r.Host, r.Repository, r.Path = n.host, n.source.Repository, n.source.Path
	n.report(r)
}

// hostName is the machine's own name, empty where it cannot be told.
func hostName() string {
	name, _ := os.Hostname()
	return name
}

// maxAllow is the most that a report may spend on what its node allows, in bytes of
// JSON.
const maxAllow = 16 << 10

// toldAllow is what a node allows, or nil when that is too much for a report.
func toldAllow(a *spec.Allow) *spec.Allow {
	if text, err := json.Marshal(a); err != nil || len(text) > maxAllow {
		return nil
	}
	return a
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
	socket, err := control.ListenSocket(n.file.Socket)
	if err != nil {
		return err
	}
	keep, err := newWatchdog(n.Agent.Passed, n.Agent.Wake, n.log)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	if keep != nil {
		wg.Go(func() { keep.run(ctx) })
	}
	for _, part := range []func(context.Context){
		n.jobs.Run, n.checks.Run, n.leaves.Run, n.hear,
		func(ctx context.Context) { n.desk.Run(ctx, n.Agent, machine.Clock{}) },
		record.NewWriter(n.journal, n.disk.Dir(), n.log).Run,
		func(ctx context.Context) {
			(&control.Control{Agent: n.Agent, Journal: n.journal}).Serve(ctx, socket, n.log)
		},
		n.serveHTTP,
	} {
		wg.Go(func() { part(ctx) })
	}
	told := n.tell(ctx)
	err = n.Agent.Run(ctx)
	wg.Wait()
	err = errors.Join(n.endLease(), err) // R7: the lease first
	n.Agent.SayEnd()
	<-told
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
