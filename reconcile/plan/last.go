package plan

import "mainstay/spec"

// Several stands for more than one instance: another machine took the claim before
// the one that held it was seen down.
const Several = "several"

// Last names, per side, the instance that last held the claim for it, which alone
// can say that the side is down (R12). It is Several when another one held it while
// that one may still serve, and empty when no instance of the side ever held it.
type Last = EachSide[string]

// last is what a claim says of the instances that held it. A holder is the last one
// of its side also where an older agent did not write so.
func (t Tip) last() Last {
	l := t.Last
	if s := t.Holder.Side(); l.Of(s) == "" {
		l.set(s, t.Instance)
	}
	return l
}

// lastAfter is who last held the claim for each side once change c of tip was made.
// A machine that follows one which nobody saw down does not take its place: both may
// serve, until a person says that the older one is gone (R9).
func lastAfter(tip Tip, c Claim) Last {
	l, by := tip.last(), c.Holder.Side()
	switch before := l.Of(by); {
	case c.Action == Release, c.Action == Reroot, c.Action == Move, c.Action == Enter, before == c.Instance:
	case before == "", c.Action == Adopt, tip.Down.Of(by).By != "":
		l.set(by, c.Instance)
	default:
		l.set(by, Several)
	}
	return l
}

// SpeaksFor reports whether the report of an instance can prove that its side is down
// (R12): it is the instance that last held the claim for that side, or none ever did.
func (t Tip) SpeaksFor(s spec.Side, instance string) bool {
	last := t.last().Of(s)
	return last == "" || last == instance
}

// Unseen reports whether a machine of the side that holds the claim may serve beside
// the holder: it held the claim before, and was not seen down since.
func (t Tip) Unseen() bool { return !t.Free() && t.last().Of(t.Holder.Side()) != t.Instance }
