package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"mainstay/cmd/mainstay/webpage"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Options say how the demo runs.
type Options struct {
	Out io.Writer
	// Live draws a board in place; else every change is a line.
	Live bool
	// Width is how many characters a line of the board has, 0 for no bound; Plain
	// leaves colours out.
	Width int
	Plain bool
	// Poll is how often the agents look at git.
	Poll time.Duration
	// Notify makes every push tell the agents.
	Notify bool
	// Switches is how often to change sides. The default of two is once over
	// and once back.
	Switches int
	// Stay keeps the deployment running until ctx ends.
	Stay bool
	// Within bounds one switch.
	Within time.Duration
}

// Run plays the demo. It returns nil only if every node converged each time
// and what answers from outside is what the document says.
func Run(ctx context.Context, o Options) (err error) {
	p, err := newLayout(o)
	if err != nil {
		return err
	}
	s := &story{layout: p, options: o, board: newBoard(o)}
	defer func() { err = errors.Join(err, s.clean(err != nil)) }()
	if err := s.play(ctx); err != nil {
		return err
	}
	s.summary()
	if o.Stay {
		s.stay(ctx)
	}
	return nil
}

type story struct {
	layout   *layout
	options  Options
	board    *board
	agents   *agents
	switches []Switch
}

// play brings main up and changes sides as often as asked.
func (s *story) play(ctx context.Context) error {
	if err := s.setUp(ctx); err != nil {
		return err
	}
	side := spec.Main
	for i := range s.options.Switches {
		side = side.Other()
		s.spread(ctx)
		if err := s.switchSides(ctx, side, i); err != nil {
			return err
		}
	}
	return nil
}

// spread waits for a part of the poll interval by chance when no agent is notified of
// a push: right after a switch every node has just polled, and people do not
// commit then.
func (s *story) spread(ctx context.Context) {
	if s.options.Notify {
		return
	}
	select {
	case <-time.After(rand.N(s.options.Poll)):
	case <-ctx.Done():
	}
}

// setUp makes the repository, starts the agents and waits until main serves.
func (s *story) setUp(ctx context.Context) error {
	s.board.section("setting up: a bare repository, six agents, real child processes")
	if err := s.layout.writeFiles(); err != nil {
		return fmt.Errorf("write the demo's files: %w", err)
	}
	commit, err := s.layout.makeRepo(ctx)
	if err != nil {
		return fmt.Errorf("make the repository: %w", err)
	}
	if s.agents, err = startAgents(s.layout); err != nil {
		return err
	}
	began := time.Now()
	if _, err := s.await(ctx, commit, spec.Main); err != nil {
		return err
	}
	s.board.say("main serves after %s", round(time.Since(began)))
	return nil
}

// await waits for a commit to be carried out and checks it from outside.
func (s *story) await(ctx context.Context, commit string, side spec.Side) ([]plan.Report, error) {
	bounded, cancel := context.WithTimeout(ctx, s.options.Within)
	defer cancel()
	rs, err := await(bounded, s.layout, commit, s.board.show)
	if err != nil {
		return rs, fmt.Errorf("not every node converged on %.7s within %s: %w", commit, s.options.Within, err)
	}
	if err := lookFromOutside(ctx, s.layout, side); err != nil {
		return rs, fmt.Errorf("the agents say %s serves, and from outside: %w", side, err)
	}
	return rs, nil
}

// switchSides changes sides by a commit and measures it.
func (s *story) switchSides(ctx context.Context, to spec.Side, i int) error {
	what := "failing over to standby"
	if to == spec.Main {
		what = "failing back to main"
	}
	s.board.section(fmt.Sprintf("%d. %s: git commit -m %q", i+1, what, "active: "+string(to)))
	pushed := time.Now()
	commit, err := s.layout.flip(ctx, string(to), "active: "+string(to))
	if err != nil {
		return err
	}
	rs, err := s.await(ctx, commit, to)
	if err != nil {
		return err
	}
	sw := measure(to, commit, pushed, time.Now(), rs)
	s.switches = append(s.switches, sw)
	sw.print(s.board)
	s.tellPeople(to)
	return nil
}

// tellPeople says what is left for people to do after a switch.
func (s *story) tellPeople(to spec.Side) {
	host := map[spec.Side]int{spec.Main: 21, spec.Standby: 22}[to]
	s.board.say("now: users of cc-%s reconnect at http://%s:8090/", to.Other(), s.layout.Address(host))
	s.board.say("     users behind the edge refresh the same page, http://%s:8443/", s.layout.Address(41))
}

func (s *story) summary() {
	how := "agents looked at git every " + s.layout.Poll
	if s.options.Notify {
		how = "agents were told of every push"
	}
	s.board.section("done: " + how)
	var handed []time.Duration
	for _, sw := range s.switches {
		s.board.say("  to %-8s %-9s claim #%-3d handed over %8s, every node converged %8s",
			sw.To, sw.Guarantee, sw.Seq, round(sw.Handed), round(sw.Total))
		s.board.say("     %s", sw.phases())
		handed = append(handed, sw.Handed)
	}
	if len(handed) > 2 {
		slices.Sort(handed)
		s.board.say("  %d switches, %s: handed over after a median of %s, worst %s",
			len(handed), how, round(handed[len(handed)/2]), round(handed[len(handed)-1]))
	}
}

// stay keeps everything running, with the web page of it, and says how to fail over by
// hand.
func (s *story) stay(ctx context.Context) {
	address, ended := s.page(ctx)
	defer func() { <-ended }()
	s.board.say("\nThe web page of it: %s", address)
	s.board.say("\nCtrl-C ends it: agents and services stop, and its folder is removed. To fail over by hand, in another terminal:\n"+
		"  cd %s\n  %s failover\n  %s status --watch\n"+
		"or with git alone: in that folder change active: in deployment.yaml, commit, git push.\n"+
		"What a node's agent says is in %s/agent.log",
		s.layout.work(), s.layout.Self, s.layout.Self, s.layout.node("xivo-main"))
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.board.say("\nending: agents and services are being stopped")
			return
		case <-tick.C:
			s.board.show(statuses(ctx, s.layout))
		}
	}
}

// page serves the web page until ctx ends. It returns its address with who may sign in
// there: somebody whom nobody else knows, and who is gone with the demo.
func (s *story) page(ctx context.Context) (address string, ended <-chan error) {
	ready, done := make(chan string, 1), make(chan error, 1)
	users := filepath.Join(s.layout.Dir, "users.json")
	name, password, err := webpage.Visitor(users)
	if err != nil {
		done <- err
		return fmt.Sprintf("it cannot be shown: %v", err), done
	}
	go func() {
		done <- webpage.Run(ctx, webpage.Options{
			Places: []fleet.Location{{URL: s.layout.repo(), Branch: "main"}}, Listen: "127.0.0.1:0", Every: time.Second,
			Signing: webpage.Signing{Allow: true, Users: users}, State: filepath.Join(s.layout.Dir, "page"),
			Log: slog.New(slog.DiscardHandler), Ready: func(address string) { ready <- address },
		})
	}()
	select {
	case address = <-ready:
		return fmt.Sprintf("%s (sign in as %s with the password %s)", address, name, password), done
	case err := <-done:
		done <- err
		return fmt.Sprintf("it cannot be shown: %v", err), done
	}
}

// clean ends everything the demo started and removes its folder, except after a
// failure, when the logs are worth more.
func (s *story) clean(failed bool) error {
	var err error
	if s.agents != nil {
		s.agents.stop()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		err = s.agents.stopServices(ctx)
	}
	if failed {
		s.board.say("the logs are kept in %s", s.layout.Dir)
		return err
	}
	return errors.Join(err, os.RemoveAll(s.layout.Dir))
}
