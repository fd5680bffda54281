package change

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"mainstay/spec"
)

// Asked is what a person asks for who names a word of the document and what it is to say:
// active with a side, fenced with a side or none, or paused with a node and on, which may
// be left out, or off. A pause lasts for length, zero for one that a commit ends.
func Asked(word string, values []string, length time.Duration, now time.Time) (Request, error) {
	const most = "run mainstay set --help"
	switch {
	case len(values) == 0 || len(values) > 2 || len(values) > 1 && word != "paused":
		return Request{}, &Misuse{fmt.Sprintf("set %s takes one value", word), most}
	case word != "paused" && length != 0:
		return Request{}, &Misuse{"--for is about a pause", "leave it out"}
	}
	side := spec.Side(values[0])
	isSide := side == spec.Main || side == spec.Standby
	switch {
	case word == "active" && isSide:
		return Request{To: side}, nil
	case word == "fenced" && isSide:
		return Request{To: side.Other(), Fenced: side}, nil
	case word == "fenced" && side == "none":
		return Request{Stay: true, Unfence: true}, nil
	case word == "active", word == "fenced":
		return Request{}, &Misuse{fmt.Sprintf("%s is %q", word, values[0]), "use main or standby, or none for fenced"}
	case word == "paused" && (len(values) == 1 || values[1] == "on"):
		return PauseFor(values[0], length, now)
	case word == "paused" && values[1] == "off":
		return Request{Resume: values[0]}, nil
	case word == "paused":
		return Request{}, &Misuse{fmt.Sprintf("paused is %q", values[1]), "use on or off"}
	}
	return Request{}, &Misuse{fmt.Sprintf("set changes no %q", word), "use active, fenced or paused; everything else is an editor's work"}
}

// LongestPause is the longest pause that ends by itself.
const LongestPause = 720 * time.Hour

// PauseFor asks to pause a node for so long from now on, zero for no end.
func PauseFor(node string, length time.Duration, now time.Time) (Request, error) {
	r := Request{Pause: node}
	switch {
	case length < 0 || length > LongestPause:
		return r, &Misuse{fmt.Sprintf("--for is %s", length), fmt.Sprintf("use at most %s, or 0 for a pause that a commit ends", LongestPause)}
	case length > 0:
		r.Until = now.Add(length).Round(time.Second)
	}
	return r, nil
}

// Resting are the nodes that the new document pauses at a time, where no side changes:
// nothing else is waited for of them.
func (p *Proposal) Resting(at time.Time) []string {
	if p.Now.Active != p.Next.Active {
		return nil
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(p.Next.Nodes)), func(n string) bool { return !p.Next.Nodes[n].PausedAt(at) })
}
