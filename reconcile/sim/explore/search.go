package explore

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"time"
)

// Result is what a search of one configuration found.
type Result struct {
	Name string
	// States were visited, Moves tried. Exhausted says that no other state can
	// be reached within the configuration's bounds.
	States, Moves int
	Exhausted     bool
	// Depth is how many moves from the beginning every state was visited; Dived
	// is how many states were visited deeper than that, by random walks.
	Depth, Dived int
	// Risked counts states with two active sides that a presumption or a
	// person's word had accepted.
	Risked int
	// Calmed states were run on without a fault until they were at rest, in at
	// most Rounds polls.
	Calmed, Rounds int
	// Violations counts broken invariants; Trace is the shortest way to the
	// first one, in words.
	Violations int
	Trace      string
	Took       time.Duration
}

// calmEvery is how many states there are to one that is run on until it is at
// rest.
const calmEvery = 61

// origin is how a state was first reached.
type origin struct {
	from uint32
	move move
}

type search struct {
	x       *explorer
	start   world
	seen    *hashes
	level   []world
	next    []world
	indices []uint32 // of level
	later   []uint32 // of next
	origins []origin
	res     Result
	buffer  []move
}

// Run searches a configuration breadth first until it is exhausted, limit
// states were visited, or an invariant is broken. What is not exhausted by two
// thirds of the limit gets the rest in walks that go deep, unless the space is known
// to end within a full run's limit.
func Run(cfg *Config, limit int) (Result, error) {
	began := time.Now()
	s := &search{x: newExplorer(cfg), seen: newHashes(), res: Result{Name: cfg.Name}}
	start, err := s.x.initial()
	if err != nil {
		return s.res, err
	}
	s.start = start
	s.add(&start, origin{})
	wide := limit - limit/3
	if cfg.Exhaustive {
		wide = limit
	}
	for len(s.next) > 0 && s.res.Violations == 0 && s.res.States < wide {
		s.level, s.next = s.next, s.level[:0]
		s.indices, s.later = s.later, s.indices[:0]
		if s.expandLevel(wide) {
			s.res.Depth++
		}
	}
	s.res.Exhausted = len(s.next) == 0 && s.res.States < wide
	if !s.res.Exhausted {
		s.dive(limit)
	}
	s.res.Took = time.Since(began)
	return s.res, nil
}

// expandLevel reports whether it got through the whole level.
func (s *search) expandLevel(limit int) bool {
	for k := range s.level {
		s.expand(&s.level[k], s.indices[k])
		if s.res.Violations > 0 || s.res.States >= limit {
			return false
		}
	}
	return true
}

// diveLength is how many moves a walk makes. Walks end when fruitless of them in
// a row found nothing, or when a new state has come to cost more than
// movesPerState: the space is then known but for its corners.
const (
	diveLength    = 120
	fruitless     = 1000
	movesPerState = 10
)

// dive walks at random from where the breadth ended. The walks are the same in
// every run.
func (s *search) dive(limit int) {
	r := rand.New(rand.NewPCG(uint64(s.res.States), 1))
	from, indices, wide := s.next, s.later, s.res.States
	s.next, s.later = nil, nil
	enough := s.res.Moves + movesPerState*(limit-wide)
	for vain := 0; s.res.Violations == 0 && s.res.States < limit && len(from) > 0 && vain < fruitless && s.res.Moves < enough; vain++ {
		k, before := r.IntN(len(from)), s.res.States
		s.walk(r, from[k], indices[k])
		if s.res.States > before {
			vain = 0
		}
		s.next, s.later = s.next[:0], s.later[:0]
	}
	s.res.Dived = s.res.States - wide
}

// walk makes moves at random, the likely ones and the unlikely alike, also
// through states that are known.
func (s *search) walk(r *rand.Rand, w world, index uint32) {
	for range diveLength {
		s.x.w = &w
		s.buffer = s.x.moves(s.buffer[:0])
		if len(s.buffer) == 0 {
			return
		}
		m := s.buffer[r.IntN(len(s.buffer))]
		if w.left.crashes > 0 && mayCrash(m.kind) && r.IntN(12) == 0 {
			m.crash = crashPoint(1 + r.IntN(2))
		}
		to := w
		s.x.w, s.x.violation = &to, ""
		s.x.apply(m)
		s.res.Moves++
		switch {
		case s.x.violation != "":
			s.fail(index, m, s.x.violation)
			return
		case s.x.tooLong(&to):
			return
		case to == w:
			continue
		}
		if !s.add(&to, origin{from: index, move: m}) {
			s.origins = append(s.origins, origin{from: index, move: m}) // known, but on the way of this walk
		}
		w, index = to, uint32(len(s.origins)-1)
	}
}

// mayCrash reports whether an agent's death within a move is a move of its own.
func mayCrash(k kind) bool {
	return k != ticks && k != powersOn && k != restarts && k != dies && k != losesDisk && k != powersOff
}

// expand tries every move from a state, and for each the crashes within it.
func (s *search) expand(w *world, index uint32) {
	s.x.w = w
	s.buffer = s.x.moves(s.buffer[:0])
	for _, m := range s.buffer {
		if !s.try(w, index, m) {
			continue
		}
		push, step := s.x.didPush, s.x.didStep
		if w.left.crashes == 0 || !mayCrash(m.kind) || !push && !step {
			continue
		}
		m.crash = afterPersist
		s.try(w, index, m)
		if push && step {
			m.crash = afterPush
			s.try(w, index, m)
		}
	}
}

// try applies one move to a copy. It reports whether the search goes on.
func (s *search) try(w *world, index uint32, m move) bool {
	to := *w
	s.x.w, s.x.violation = &to, ""
	s.x.apply(m)
	s.res.Moves++
	if s.x.violation != "" {
		s.fail(index, m, s.x.violation)
		return false
	}
	if to == *w || s.x.tooLong(&to) {
		return true
	}
	s.add(&to, origin{from: index, move: m})
	return s.res.Violations == 0
}

// tooLong prunes worlds whose claim history is longer than what is followed.
func (x *explorer) tooLong(w *world) bool { return x.outgrown(w, x.cfg.longest()) }

func (x *explorer) outgrown(w *world, longest uint8) bool {
	for r := range w.refs {
		if w.refs[r].tip.seq > longest || w.refs[r].epoch >= maxEpochs-1 {
			return true
		}
	}
	return false
}

// longest is how many changes of a claim are followed at most.
func (c *Config) longest() uint8 {
	if c.lease {
		return 8
	}
	return 30
}

// add visits a state unless it was visited before.
func (s *search) add(w *world, o origin) bool {
	if !s.seen.add(w) {
		return false
	}
	s.res.States++
	index := uint32(len(s.origins))
	s.origins = append(s.origins, o)
	if dual(s.x, w) {
		s.res.Risked++
	}
	s.next, s.later = append(s.next, *w), append(s.later, index)
	if index%calmEvery == 0 {
		s.calm(w, index)
	}
	return true
}

// calm checks that a state converges once faults have ended.
func (s *search) calm(w *world, index uint32) {
	to := *w
	s.x.w = &to
	rounds, err := s.x.calm()
	s.x.violation = ""
	s.res.Calmed++
	s.res.Rounds = max(s.res.Rounds, rounds)
	if err != nil && s.res.Violations == 0 {
		s.res.Violations++
		s.res.Trace = s.trace(index) + "  then, without any further fault:\n" + s.x.tell(&to) + "  " + err.Error() + "\n"
	}
}

func dual(x *explorer, w *world) bool {
	x.w = w
	return x.serving(xivo) > 1 || x.serving(cc) > 1
}

func (s *search) fail(index uint32, last move, why string) {
	if s.res.Violations++; s.res.Violations > 1 {
		return
	}
	s.res.Trace = s.trace(index)
	var w world
	w, s.x.w = s.replay(index), &w
	s.res.Trace += "  " + s.x.words(last) + "\n"
	to := w
	s.x.w = &to
	s.x.apply(last)
	s.res.Trace += s.x.tell(&to) + "  " + why + "\n"
}

// path is the moves that lead to a state.
func (s *search) path(index uint32) []move {
	var out []move
	for ; index > 0; index = s.origins[index].from {
		out = append(out, s.origins[index].move)
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

func (s *search) replay(index uint32) world {
	w := s.start
	for _, m := range s.path(index) {
		s.x.w, s.x.violation = &w, ""
		s.x.apply(m)
	}
	return w
}

// trace tells the way to a state in words.
func (s *search) trace(index uint32) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:\n", s.res.Name)
	w := s.start
	for _, m := range s.path(index) {
		s.x.w, s.x.violation = &w, ""
		fmt.Fprintf(&b, "  %s\n", s.x.words(m))
		s.x.apply(m)
	}
	b.WriteString(s.x.tell(&w))
	return b.String()
}

// hashes is a set of worlds that keeps 64 bits of each. Two different worlds
// with one hash would lose a state, never invent one: at ten million states the
// odds are one in four hundred thousand.
type hashes struct {
	seed  maphash.Seed
	slots []uint64
	count int
}

func newHashes() *hashes { return &hashes{seed: maphash.MakeSeed(), slots: make([]uint64, 1<<16)} }

func (h *hashes) add(w *world) bool {
	if 2*h.count >= len(h.slots) {
		h.grow()
	}
	v := maphash.Comparable(h.seed, *w) | 1
	if !h.put(v) {
		return false
	}
	h.count++
	return true
}

func (h *hashes) put(v uint64) bool {
	mask := uint64(len(h.slots) - 1)
	for i := v >> 8 & mask; ; i = (i + 1) & mask {
		switch h.slots[i] {
		case 0:
			h.slots[i] = v
			return true
		case v:
			return false
		}
	}
}

func (h *hashes) grow() {
	old := h.slots
	h.slots = make([]uint64, 2*len(old))
	for _, v := range old {
		if v != 0 {
			h.put(v)
		}
	}
}
