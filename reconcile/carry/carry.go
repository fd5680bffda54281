package carry

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Refused is why a claim is not carried. Nothing was changed.
type Refused struct{ Why, Advised string }

// Error says why.
func (r *Refused) Error() string { return r.Why }

// Hint says what to do.
func (r *Refused) Hint() string { return r.Advised }

func refuse(advised, why string, args ...any) error {
	return &Refused{Why: fmt.Sprintf(why, args...), Advised: advised}
}

// Word names a place by what kind it is of and a hash of its address, so that who reads
// the claim does not learn the address.
func Word(place string) string {
	kind, sum := "git", sha256.Sum256([]byte(place))
	if strings.HasPrefix(place, "etcd") {
		kind = "etcd"
	}
	return kind + "-" + hex.EncodeToString(sum[:5])
}

// Carrier carries claims from one place to another.
type Carrier struct {
	From, To git.Place
	// Chains keeps what is carried meanwhile.
	Chains *git.ChainStore
	// Notary holds what this machine would write against the keys that the nodes go by.
	Notary git.Notary
	// Try is an error unless the new place takes changes of a claim: see TryOut. It is asked
	// before the claim ends in the old one.
	Try func(ctx context.Context, ref string) error
	Now func() time.Time
}

// end is the claim as one place has it. A chain without links is none.
type end struct {
	place git.Place
	word  string
	chain git.ClaimChain
	at    string
}

func (e *end) tip() plan.Tip { return e.chain.Tip }

// none reports whether the place has no claim.
func (e *end) none() bool { return e.at == "" }

// counts reports whether the claim is there, and did not end there.
func (e *end) counts() bool { return !e.none() && e.tip().Action != plan.Move }

// endsFor reports whether the claim ended here, to go on in the place of that name.
func (e *end) endsFor(word string) bool { return e.tip().Action == plan.Move && e.tip().To == word }

// holds reports whether a claim's chain has the change, which is its tip or an older one.
func (e *end) holds(id string) bool {
	return slices.ContainsFunc(e.chain.Links, func(l git.Link) bool { return l.Tip.ID == id || slices.Contains(l.Parents, id) })
}

// Claim carries the claim at ref, or goes on with carrying it, and returns it as it is in
// the new place. Declared is the side that the document declares: nothing is carried while
// another one holds the claim, because a switch is under way then.
//
// An error that is a *Halfway may come after a part was done, and says what nobody can do
// until it was run again. With any other error nothing was changed.
func (c *Carrier) Claim(ctx context.Context, ref string, declared spec.Side) (plan.Tip, error) {
	from, to := &end{place: c.From, word: Word(c.From.URL())}, &end{place: c.To, word: Word(c.To.URL())}
	if from.word == to.word {
		return plan.Tip{}, refuse("name another place", "both files name the same place, %s", from.word)
	}
	if err := cmp.Or(from.read(ctx, ref), to.read(ctx, ref)); err != nil {
		return plan.Tip{}, halfway(from, to, err, false)
	}
	if to.endsFor(from.word) && from.at != to.at && (from.none() || to.holds(from.at)) { // it was on its way here, and goes back
		if err := c.bring(ctx, ref, to, from); err != nil {
			return plan.Tip{}, halfway(from, to, err, !errors.Is(err, failure.ErrMoved))
		}
	}
	if why := wrong(from, to, declared); why != nil {
		return plan.Tip{}, why
	}
	if !to.none() && to.tip().ID != from.tip().ID && to.holds(from.tip().ID) { // it was carried before
		return to.tip(), nil
	}
	if err := c.end(ctx, ref, from, to); err != nil {
		return plan.Tip{}, err
	}
	if to.at != from.at {
		if err := c.bring(ctx, ref, from, to); err != nil {
			return plan.Tip{}, halfway(from, to, err, !errors.Is(err, failure.ErrMoved))
		}
	}
	if err := c.change(ctx, ref, to, plan.Enter, ""); err != nil {
		return plan.Tip{}, halfway(from, to, err, undone(err) && !errors.Is(err, failure.ErrMoved))
	}
	return to.tip(), nil
}

// end ends the claim in the old place, unless it ended there before.
func (c *Carrier) end(ctx context.Context, ref string, from, to *end) error {
	if from.endsFor(to.word) {
		return nil
	}
	if from.counts() {
		if err := c.Try(ctx, ref); err != nil {
			return refuse(cmp.Or(hintOf(err), "let this node change the claim there"), "nothing was changed: whether %s takes changes of the claim was tried: %v", to.word, err)
		}
	}
	err := c.change(ctx, ref, from, plan.Move, to.word)
	if err == nil {
		return nil
	}
	if from.counts() && !undone(err) {
		return &Halfway{Err: err, What: "whether the claim has ended in " + from.word + " is not known: if it has, it does not count in " + to.word +
			" yet, and nobody can switch until this is over", Advised: again(to)}
	}
	return halfway(from, to, err, !errors.Is(err, failure.ErrMoved))
}

// wrong says why the claim cannot be carried, nil when it can.
func wrong(from, to *end, declared spec.Side) error {
	f, t := from.tip(), to.tip()
	switch {
	case from.none() && to.none():
		return refuse("give every node the new coordination before anything is started", "neither place has a claim")
	case from.none():
		return refuse("see mainstay history in both places", "%s has no claim, and %s has one", from.word, to.word)
	case !to.none() && to.holds(f.ID) && from.endsFor(to.word) && (t.Action != plan.Move || t.ID == f.ID):
		return nil
	case !to.none() && to.holds(f.ID) && t.Action == plan.Move && t.ID != f.ID:
		return refuse("carry it from there, or name that place as the new one", "the claim in %s was carried to %s", to.word, t.To)
	case f.Action == plan.Move && !from.endsFor(to.word) && !from.endsFor(from.word):
		return refuse("carry it from there, or name that place as the new one", "the claim in %s was carried to %s", from.word, f.To)
	case !to.none() && !from.holds(t.ID):
		return refuse("see mainstay history in both places: one of them is to be emptied by hand", "%s has a claim of its own, which %s does not know", to.word, from.word)
	case f.Action != plan.Move && f.Holder.Side() != declared:
		return refuse("wait until the switch is over", "%s is declared, and the claim is held by %s", declared, cmp.Or(string(f.Holder), "none"))
	}
	return nil
}

// read reads the claim as its place has it.
func (e *end) read(ctx context.Context, ref string) error {
	for try := 0; ; try++ {
		l, err := e.place.ListPrimary(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", e.word, err)
		}
		chain, err := e.place.Claim(ctx, ref, l.Refs[ref], plan.Tip{})
		if err == nil {
			e.at, e.chain = l.Refs[ref], chain
			return nil
		}
		if !errors.Is(err, failure.ErrMoved) || try == 3 {
			return fmt.Errorf("%s: %w", e.word, err)
		}
	}
}

// bring puts the chain of one place into another, which has none or an older part of it.
func (c *Carrier) bring(ctx context.Context, ref string, from, to *end) error {
	if err := c.Chains.Extend(ref, from.chain); err != nil {
		return fmt.Errorf("keep the chain: %w", err)
	}
	if _, err := to.place.Restore(ctx, ref, to.at, c.Chains); err != nil {
		return fmt.Errorf("%s: %w", to.word, err)
	}
	return to.mustBe(ctx, ref, from.at)
}

// mustBe reads the claim again, which must be at a change.
func (e *end) mustBe(ctx context.Context, ref, id string) error {
	if err := e.read(ctx, ref); err != nil {
		return err
	}
	if e.at != id {
		return fmt.Errorf("%s: somebody else changed the claim meanwhile: %w", e.word, failure.ErrMoved)
	}
	return nil
}

// change makes the next change of the claim: it is held by whom it was.
func (c *Carrier) change(ctx context.Context, ref string, at *end, a plan.Action, to string) error {
	tip := at.tip()
	next := tip.Claim
	next.Action, next.To, next.At = a, to, c.Now().UTC()
	next.Phases, next.Before = nil, nil
	next.Reason = "a person carried the claim to " + to
	if a == plan.Enter {
		next.Reason = "a person carried the claim here, as " + at.word
	}
	p := plan.Push{Parent: tip.ID, Claim: plan.Next(tip, next), Rule: plan.R13}
	if err := c.readable(ref, at.chain.Links[0], p); err != nil {
		return err
	}
	id, err := at.place.PushClaim(ctx, ref, p)
	if err != nil {
		return fmt.Errorf("%s: %w", at.word, err)
	}
	at.chain.Tip = plan.Tip{ID: id, Claim: p.Claim}
	return at.mustBe(ctx, ref, id)
}

// readable refuses a change that the nodes would not believe, because of who signs it.
func (c *Carrier) readable(ref string, parent git.Link, p plan.Push) error {
	sheet, err := c.Notary.Change(ref, p, false)
	if err != nil {
		return err
	}
	if _, err := c.Notary.ReadClaim(ref, sheet.ID, []git.Sheet{sheet, parent.Sheet(ref)}, parent.Tip); err != nil {
		return refuse("run it on the node that made the newest change of the claim: "+p.Claim.Node, "the nodes would not believe it: %v", err)
	}
	return nil
}
