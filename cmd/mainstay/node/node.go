package node

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/systemd"
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
	Agent *reconcile.Agent
	parts *parts
	disk  *git.State
}

// parts are what the pieces of a node share.
type parts struct {
	ctx  context.Context
	file *spec.AgentFile
	log  *slog.Logger
	wake func()

	busOnce sync.Once
	bus     *systemd.Bus
}

// units is the node's one connection to systemd, made when first needed.
func (p *parts) units() *systemd.Bus {
	p.busOnce.Do(func() { p.bus = systemd.NewBus(p.log) })
	return p.bus
}

// New puts a node's agent together. Nothing is touched before it runs.
func New(ctx context.Context, c Config) (*Node, error) {
	disk, err := git.OpenState(c.File.State)
	if err != nil {
		return nil, err
	}
	n := &Node{disk: disk}
	n.parts = &parts{ctx: ctx, file: c.File, log: c.Log, wake: n.wake}
	repo, err := openRepository(c.File, reconcile.DefaultTimeout, c.Log)
	if err != nil {
		return nil, fmt.Errorf("repository: %w", err)
	}
	coord, shared, err := openCoordination(c.File, repo, reconcile.DefaultTimeout, c.Log)
	if err != nil {
		return nil, fmt.Errorf("coordination: %w", err)
	}
	lc := reconcile.LearnerConfig{
		Node: c.File.Node, Branch: git.Branch(c.File.Repository.Branch), Path: c.File.Repository.Path,
		Repository: repository{repo, c.File.Repository.Branch}, Shared: shared,
		Clock: Clock{}, Disk: disk, Log: c.Log,
	}
	var publisher *reconcile.Publisher
	if coord != nil {
		link := coordination{remote: coord, chains: git.NewChainStore(disk), log: c.Log, last: new(string)}
		lc.Coordination = link
		publisher = reconcile.NewPublisher(link, Clock{}, 5*time.Minute, reconcile.DefaultTimeout)
	}
	actuator, err := n.actuator(c, coord != nil)
	if err != nil {
		return nil, err
	}
	n.Agent = reconcile.NewAgent(reconcile.NewLearner(lc), actuator, publisher)
	return n, nil
}

func (n *Node) wake() {
	if n.Agent != nil {
		n.Agent.Wake()
	}
}

// actuator makes the owner of this machine's services, files and probes.
func (n *Node) actuator(c Config, coordinated bool) (*reconcile.Actuator, error) {
	boot, err := BootID()
	if err != nil {
		return nil, err
	}
	p := n.parts
	services := &Services{parts: p, manager: service.NewManager(p.ctx, Clock{}, p.wake, c.Log)}
	return reconcile.NewActuator(reconcile.ActuatorConfig{
		Node: c.File.Node, Boot: boot, Instance: Instance(n.disk, c.Log), Coordinated: coordinated,
		Clock: Clock{}, Disk: n.disk, Versions: c.Versions, Log: c.Log,
		Machine: reconcile.Machine{
			Services: services, Files: &Files{parts: p}, Probes: NewProbes(p.ctx, p.wake),
			SelfFence: n.selfFence, Extra: func(r *plan.Report) { addEnabled(r, services) },
		},
	}), nil
}

// addEnabled warns of services that something else starts at boot: they would
// run before anybody has decided that they may.
func addEnabled(r *plan.Report, s *Services) {
	for name, how := range s.Enabled() {
		r.Conditions = append(r.Conditions, plan.Condition{Type: "EnabledAtBoot",
			Message: fmt.Sprintf("%s is started at boot by something else (%s): disable it, the agent starts it", name, how)})
	}
}

// selfFence runs the node's own fence command, once, in the background (R7).
func (n *Node) selfFence(reason string) {
	argv := n.parts.file.SelfFence
	n.parts.log.Error("fencing this node", "reason", reason, "command", argv)
	if len(argv) == 0 {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
			n.parts.log.Error("self-fence", "error", err, "output", string(out))
		}
	}()
}

// Run works until ctx ends. The services are left as they are.
func (n *Node) Run(ctx context.Context) error { n.tmpServe(); return n.Agent.Run(ctx) }
