package plan

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/plan/restart"
	"mainstay/spec"
)

// tale is a random story of one node: the commands of the story files, in any
// order. It reaches corners that nobody would write down.
func tale(r *rand.Rand, side spec.Side, lines int) *storyNode {
	s := newStoryNode()
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	begin := "node side=" + string(side) + pick("", " witness") + pick("", " lease=40s") + pick("", " unconfirmed=hold") +
		pick("", " drain=1m", " absent=stop") + pick("", " fresh") + pick("", " uncoordinated") + " services=asterisk,monit"
	must(s, begin)
	for range lines {
		must(s, pick(
			"doc active=main", "doc active=standby", "doc active=standby fenced=main", "doc active=main paused reason=work",
			"claim", "claim again", "claim held=main", "claim held=standby", "claim held=none debt=20s", "claim unreachable",
			"claim held=main instance=clone", "claim regressed restorable", "claim held=standby lease=40s stopBound=50s",
			"peer status=Held ready commit=c2 seq=2", "peer status=Deactivating running seq=1", "peer status=Inactive",
			"service asterisk run=running ready", "service asterisk run=stopped", "service monit run=failed err=exit_1",
			"service monit run=running ready", "service asterisk run=unknown", "witness silent for=1m", "witness answers",
			"takeover", "takeover adopt", "takeover reroot", "takeover end", "pause", "pause end", "reboot", "restart",
			"time +1s", "time +30s", "time +2m", "apply", "apply", "decide", "decide", "decide", "late", "late end", "forget",
		))
		if s.last.Push != nil && r.IntN(3) == 0 {
			must(s, "win")
		}
	}
	return s
}

func must(s *storyNode, line string) {
	var out strings.Builder
	if err := s.tell(line, &out); err != nil {
		panic(err)
	}
}

// eachTale runs a check on many random nodes.
func eachTale(t *testing.T, check func(t *testing.T, in *Input)) {
	for seed := range uint64(800) {
		r := rand.New(rand.NewPCG(seed, 1))
		side := []spec.Side{spec.Main, spec.Standby}[seed%2]
		check(t, &tale(r, side, 5+r.IntN(40)).in)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// copied is a copy that shares nothing with its original.
func copied(t *testing.T, in *Input) *Input {
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	out := new(Input)
	if err := json.Unmarshal(b, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestDecideKeepsItsInput: the input belongs to the caller.
func TestDecideKeepsItsInput(t *testing.T) {
	eachTale(t, func(t *testing.T, in *Input) {
		before := copied(t, in)
		Decide(in)
		if diff := cmp.Diff(before, copied(t, in)); diff != "" {
			t.Errorf("the input changed:\n%s", diff)
		}
	})
}

// TestDecideIsAFunction: the same input gives the same decision, also when it
// was saved and read again, and whatever the order of its maps.
func TestDecideIsAFunction(t *testing.T) {
	eachTale(t, func(t *testing.T, in *Input) {
		first, err := json.Marshal(Decide(in))
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(Decide(copied(t, in)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, again) {
			t.Errorf("two decisions on one input:\n%s", cmp.Diff(string(first), string(again)))
		}
	})
}

// TestSecondDecisionIsEmpty: once what was decided has been done and nothing
// else happens, nothing more is ordered and nothing more is remembered.
func TestSecondDecisionIsEmpty(t *testing.T) {
	eachTale(t, func(t *testing.T, in *Input) {
		s := &storyNode{in: *in, tips: 100}
		s.in.Late, s.in.Pause, s.in.Witness = false, nil, ProbeView{}
		if !s.in.Claim.Regressed {
			must(s, "claim again")
		}
		for range 12 {
			must(s, "decide")
			must(s, "apply")
			if s.last.Push != nil {
				must(s, "win")
			}
			s.in.Now += 3 * restart.Default().Forgive
			s.in.Claim.Began = s.in.Now
		}
		must(s, "decide")
		remembered := s.in.Memory
		must(s, "decide")
		if len(s.last.Steps) > 0 || s.last.Push != nil {
			t.Errorf("steps %v, push %v after everything was done: %s", s.last.Steps, s.last.Push, s.last.Reason)
		}
		if !reflect.DeepEqual(remembered, s.in.Memory) {
			t.Errorf("the memory changed:\n%s", cmp.Diff(remembered, s.in.Memory))
		}
	})
}

// TestEveryDecisionSpeaks: a status, a rule and a reason, for every step too.
func TestEveryDecisionSpeaks(t *testing.T) {
	eachTale(t, func(t *testing.T, in *Input) {
		d := Decide(in)
		if d.Status == "" || d.Rule == "" || d.Reason == "" {
			t.Errorf("a decision without status, rule or reason: %+v", d)
		}
		for _, st := range d.Steps {
			if st.Rule == "" || st.Reason == "" {
				t.Errorf("a step without rule or reason: %+v", st)
			}
		}
		if p := d.Push; p != nil && (p.Rule == "" || p.Claim.Reason == "" || p.Claim.Node == "") {
			t.Errorf("a push without rule, reason or node: %+v", p)
		}
	})
}

// TestNoStartWithoutTheClaim: with coordination and no person's word, whatever
// happened before, nothing starts on a claim somebody else is known to hold (R1).
func TestNoStartWithoutTheClaim(t *testing.T) {
	eachTale(t, func(t *testing.T, in *Input) {
		if !in.Doc.Coordinated || in.Takeover != nil {
			return
		}
		tip := in.Claim.Tip
		if mine := tip.Holder.Side() == in.Doc.Side && tip.Instance == in.Instance; mine {
			return
		}
		for _, st := range Decide(in).Steps {
			if st.Do == DoStart {
				t.Errorf("a start by %s under a claim held by %s/%s", st.Rule, tip.Holder, tip.Instance)
			}
		}
	})
}

// BenchmarkDecide measures the budget: 20 µs a decision.
func BenchmarkDecide(b *testing.B) {
	for _, bench := range []struct {
		name  string
		story []string
	}{
		{"Active", []string{"node side=main services=asterisk,monit witness", "claim held=main", "decide", "win", "decide",
			"apply", "decide", "apply", "decide"}},
		{"Held", []string{"node side=standby services=asterisk,monit witness", "claim held=main", "doc active=standby", "decide"}},
		{"Seize", []string{"node side=standby", "claim held=main", "doc active=standby", "decide", "time +30s", "decide"}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s := newStoryNode()
			for _, line := range bench.story {
				must(s, line)
			}
			b.ReportAllocs()
			for b.Loop() {
				Decide(&s.in)
			}
		})
	}
}

// TestDecideAllocatesLittle: what a decision allocates does not grow with time.
func TestDecideAllocatesLittle(t *testing.T) {
	s := newStoryNode()
	for _, line := range []string{"node side=main services=asterisk,monit", "claim held=main", "decide", "win", "decide",
		"apply", "decide", "apply", "decide"} {
		must(s, line)
	}
	few := testing.AllocsPerRun(100, func() { Decide(&s.in) })
	for range 1000 {
		must(s, "time +5s")
		must(s, "decide")
	}
	later := testing.AllocsPerRun(100, func() { Decide(&s.in) })
	if few > 12 || later > few {
		t.Errorf("%v allocations a decision, %v after a thousand passes", few, later)
	}
}
