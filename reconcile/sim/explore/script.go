package explore

import (
	"fmt"
	"slices"
	"strings"

	"mainstay/reconcile/plan"
)

// plenty is a budget for a written schedule: what happens is what it says.
var plenty = budget{9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}

// Play plays a written schedule: a first line "with" and the words of the
// configuration, then one move a line in the words of a trace. Between them
//
//	expect NODE up|down|off|reports STATUS
//	expect claim main|standby|none
//	expect risk|no risk
//	refused MOVE
//	calm
//
// look at the world: refused says that a move is not possible now, calm that
// everything converges from here. The error says which line did not hold, or
// which invariant broke.
func Play(script string) error {
	var s *stage
	for n, line := range strings.Split(script, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if words, ok := strings.CutPrefix(line, "with"); ok && s == nil {
			var err error
			if s, err = newStage(strings.Fields(words)); err != nil {
				return err
			}
			continue
		}
		if s == nil {
			return fmt.Errorf("line %d: a schedule begins with its configuration", n+1)
		}
		if err := s.play(line); err != nil {
			return fmt.Errorf("line %d: %s: %w\n%s", n+1, line, err, s.x.tell(&s.w))
		}
	}
	return nil
}

type stage struct {
	x *explorer
	w world
}

func newStage(words []string) (*stage, error) {
	cfg := &Config{Name: "schedule", nodes: pair(), left: plenty, risky: true}
	for d := range 256 {
		cfg.commits = append(cfg.commits, docCode(d))
	}
	flags := map[string]*bool{"hold": &cfg.hold, "witness": &cfg.witness, "lease": &cfg.lease, "absent-stop": &cfg.absentStop,
		"drain": &cfg.drain, "read-only": &cfg.readOnly, "detect": &cfg.detect, "slow": &cfg.slow, "booting": &cfg.booting, "plain": &cfg.plain,
		"guarded": &cfg.guarded, "places": &cfg.places, "carried": &cfg.carried, "apart": &cfg.apart, "renames": &cfg.renames}
	for _, w := range words {
		switch on := flags[w]; {
		case on != nil:
			*on = true
		case w == "copies":
			cfg.nodes = copies()
		case w == "followers":
			cfg.nodes = followers()
		default:
			return nil, fmt.Errorf("no configuration %q", w)
		}
	}
	s := &stage{x: newExplorer(cfg)}
	var err error
	s.w, err = s.x.initial()
	s.x.w = &s.w
	return s, err
}

func (s *stage) play(line string) error {
	s.x.w, s.x.violation = &s.w, ""
	switch verb, rest, _ := strings.Cut(line, " "); verb {
	case "expect":
		return s.expect(rest)
	case "refused":
		if _, ok := s.find(rest); ok {
			return fmt.Errorf("it is possible")
		}
	case "calm":
		w := s.w
		s.x.w = &w
		_, err := s.x.calm()
		s.x.w = &s.w
		return err
	default:
		return s.move(line)
	}
	return nil
}

func (s *stage) move(line string) error {
	m, ok := s.find(line)
	if !ok {
		return fmt.Errorf("it is not possible; possible are:\n%s", strings.Join(s.possible(), "\n"))
	}
	s.x.apply(m)
	if s.x.violation != "" {
		return fmt.Errorf("%s", s.x.violation)
	}
	return nil
}

// find looks for the move with these words.
func (s *stage) find(line string) (move, bool) {
	for _, m := range s.x.moves(nil) {
		for m.crash = survives; m.crash <= afterPush; m.crash++ {
			if s.x.words(m) == line {
				return m, true
			}
		}
	}
	return move{}, false
}

func (s *stage) possible() []string {
	var out []string
	for _, m := range s.x.moves(nil) {
		if m.kind != commits {
			out = append(out, "  "+s.x.words(m))
		}
	}
	slices.Sort(out)
	return out
}

func (s *stage) expect(what string) error {
	r := s.w.refs[xivo]
	switch what {
	case "risk", "no risk":
		if (r.risk != 0) != (what == "risk") {
			return fmt.Errorf("risk is %d", r.risk)
		}
		return nil
	case "claim main", "claim standby", "claim none":
		if got := plan.HeldBy(sides[r.tip.holder]); "claim "+string(got) != what {
			return fmt.Errorf("the claim is held by %s", got)
		}
		return nil
	}
	for i := len(s.x.cfg.nodes) - 1; i >= 0; i-- { // a second machine's name begins with the first one's
		if rest, ok := strings.CutPrefix(what, s.x.label(i)+" "); ok {
			return s.expectNode(&s.w.nodes[i], rest)
		}
	}
	return fmt.Errorf("no such node")
}

func (s *stage) expectNode(n *node, want string) error {
	status, reports := strings.CutPrefix(want, "reports ")
	side, points := strings.CutPrefix(want, "points at ")
	switch {
	case reports && string(statuses[n.out.status]) == status, points && string(sides[n.rendered]) == side,
		want == "up" && n.svc.up(), want == "down" && !n.svc.up(), want == "off" && !n.power:
		return nil
	}
	return fmt.Errorf("its service is %d, it reports %s and points at %q", n.svc, statuses[n.out.status], sides[n.rendered])
}
