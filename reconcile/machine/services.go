package machine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"mainstay/reconcile/managed"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/probe"
	"mainstay/reconcile/service"
	"mainstay/spec"
)

// Services drives the wanted services of a node through a service.Manager.
type Services struct {
	parts   *Parts
	manager *service.Manager
	// also is called with every document that this node's allow list lets through.
	also func(*spec.Wanted)

	mu     sync.Mutex
	names  []string
	byHand []string
}

// NewServices returns the services of this machine, none until they are
// configured. also is called with every document that the allow list lets through.
func (p *Parts) NewServices(also func(*spec.Wanted)) *Services {
	return &Services{parts: p, manager: service.NewManager(p.ctx, Clock{}, p.wake, p.log), also: also}
}

// Configure makes a driver for each wanted service and for each that is left of
// earlier documents. A document that asks for what the node does not allow changes
// nothing: what ran goes on being healed.
func (s *Services) Configure(w *spec.Wanted, left []managed.Left) error {
	if err := refused(s.parts.file.Allow, w); err != nil {
		return err
	}
	next := set{managed: map[string]service.Managed{}}
	for _, want := range w.Services {
		m, err := s.managed(want, managed.Identity{Deployment: w.Deployment, Node: w.Node, Name: want.Name})
		if err != nil {
			return fmt.Errorf("service %s: %w", want.Name, err)
		}
		next.add(want.Name, m)
	}
	for _, l := range left {
		next.add(l.Name, s.left(l))
	}
	s.manager.Set(next.managed)
	s.also(w)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names, s.byHand = next.names, next.byHand
	return nil
}

// set is what a document makes of the services.
type set struct {
	managed       map[string]service.Managed
	names, byHand []string
}

func (n *set) add(name string, m service.Managed) {
	hand := ""
	if h, ok := m.Driver.(service.ByHand); ok {
		hand = h.StopByHand()
	}
	n.managed[name] = m
	n.names, n.byHand = append(n.names, name), append(n.byHand, hand)
}

// refused lists everything the node's own file does not allow, in one error. That
// file is read when the agent begins.
func refused(a spec.Allow, w *spec.Wanted) error {
	var lines []string
	for _, r := range a.Refusals(w) {
		lines = append(lines, r.Error())
	}
	if len(lines) == 0 {
		return nil
	}
	return errors.New(strings.Join(lines, "; ") + "; then restart the agent")
}

// managed is one service with its driver, its probe and its bounds.
func (s *Services) managed(want spec.Service, as managed.Identity) (service.Managed, error) {
	key, err := json.Marshal([]any{want, as})
	if err != nil {
		return service.Managed{}, err
	}
	d, err := s.parts.drivers.Of(want, as)
	if err != nil {
		return service.Managed{}, err
	}
	m := service.Managed{
		Key: string(key), Driver: d,
		StartTimeout: want.StartTimeout.D(), StopTimeout: want.StopTimeout.D(),
	}
	if want.Ready != nil {
		if m.Ready, err = probe.New(*want.Ready); err != nil {
			return m, fmt.Errorf("ready: %w", err)
		}
		r := probe.Defaults(*want.Ready)
		m.Asks = cmp.Or(want.Ready.HTTP, want.Ready.SIP, want.Ready.TCP)
		m.ReadyEvery, m.ReadyTimeout, m.ReadyFail, m.Within = r.Every.D(), r.Timeout.D(), r.Fail, r.Within.D()
	}
	if want.Drain != nil && want.Drain.Within > 0 {
		ask, err := probe.New(spec.Probe{Command: want.Drain.Command, Timeout: want.Drain.Within})
		if err != nil {
			return m, fmt.Errorf("drain: %w", err)
		}
		m.Drain = func(ctx context.Context) error { return inItsWords(ask(ctx)) }
		m.DrainWithin = want.Drain.Within.D()
	}
	return m, nil
}

// longestWords bounds what a drain's command may say at a time, in bytes.
const longestWords = 200

// inItsWords is what a drain's command said by itself, such as "3 calls": people
// read it while they wait.
func inItsWords(err error) error {
	var exit *probe.ExitError
	if !errors.As(err, &exit) || exit.Output == "" {
		return err
	}
	words := exit.Output
	if len(words) > longestWords {
		words = strings.ToValidUTF8(words[:longestWords], "") + " …"
	}
	return errors.New(words)
}

// Observed is the newest observation of each service, in the document's order.
func (s *Services) Observed() []plan.Observed {
	s.mu.Lock()
	names := s.names
	s.mu.Unlock()
	out := make([]plan.Observed, len(names))
	for i, name := range names {
		o, ok := s.manager.Get(name)
		out[i] = o.Plan()
		if !ok || o.At == 0 && o.Run == plan.RunUnsure {
			out[i].Run = "" // not looked at yet
		}
	}
	return out
}

// Conditions warn of services that something else starts at boot, since they
// would run before anybody has decided that they may, and of those that run and
// are not well. They are sorted by name, so that the same conditions make the same
// report.
func (s *Services) Conditions() []plan.Condition {
	var out []plan.Condition
	for _, o := range s.manager.Snapshot() {
		if o.Enabled != "" {
			out = append(out, plan.Condition{Type: plan.CondEnabledAtBoot,
				Message: fmt.Sprintf("%s is started at boot by something else (%s): disable it, the agent starts it", o.Name, o.Enabled)})
		}
		if o.StandIn != "" {
			out = append(out, plan.Condition{Type: plan.CondStandIn, Message: o.Name + ": " + o.StandIn})
		}
		if o.Elsewhere != "" {
			out = append(out, plan.Condition{Type: plan.CondAnsweredElsewhere, Message: fmt.Sprintf(
				"%s answered while %s was down: something else answers there, so an answer does not prove that %s serves; stop it, then restart %s",
				o.Elsewhere, o.Name, o.Name, o.Name)})
		}
		if o.Rival != "" {
			out = append(out, plan.Condition{Type: plan.CondAddressContested, Message: o.Name + ": " + o.Rival})
		}
		if o.Unhealthy != "" {
			out = append(out, plan.Condition{Type: plan.CondUnhealthy,
				Message: fmt.Sprintf("%s runs, and is not well: %s", o.Name, o.Unhealthy)})
		}
	}
	return out
}

// Look observes everything now and returns when that is done.
func (s *Services) Look(ctx context.Context) { s.manager.Observe(ctx) }

// ByHand returns the command by which a person stops service i.
func (s *Services) ByHand(i int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i >= len(s.byHand) {
		return ""
	}
	return s.byHand[i]
}

// Start begins a start of service i.
func (s *Services) Start(i int) { s.manager.Start(s.name(i)) }

// Stop begins a stop of service i.
func (s *Services) Stop(i int) { s.manager.Stop(s.name(i)) }

// Drain begins to wait for service i to have nothing left to do.
func (s *Services) Drain(i int) { s.manager.Drain(s.name(i)) }

func (s *Services) name(i int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i >= len(s.names) {
		return ""
	}
	return s.names[i]
}
