package doctor

import (
	"context"
	"fmt"

	"mainstay/reconcile/probe"
	"mainstay/spec"
)

// probes tries once, from here, what this node would go by when git tells it
// nothing of the other side: failing to ask is not silence (R4, R6), and it is found
// out now.
func (e *examiner) probes(ctx context.Context, d *spec.Deployment, w *spec.Wanted) {
	if len(e.file.Allow.Refusals(w)) > 0 {
		return // told already; a command that is not allowed is not run
	}
	if w.Witness != nil {
		e.probe(ctx, "the witness of "+w.Peer, *w.Witness, d.Nodes[w.Peer].Side == d.Active)
	}
	for _, side := range []spec.Side{spec.Main, spec.Standby} {
		if p := w.DetectOn[side]; p != nil {
			e.probe(ctx, fmt.Sprintf("detect on %s of %s", w.Follows, side), *p, side == d.Active)
		}
	}
}

// probe asks once; up says that the document declares that side active.
func (e *examiner) probe(ctx context.Context, what string, want spec.Probe, up bool) {
	ask, err := probe.New(want)
	if err != nil {
		e.fail("handover", what+": "+err.Error(), "correct it in the document")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	err = ask(ctx)
	verdict := probe.VerdictOf(err)
	silent := verdict == probe.Silent || verdict == probe.Refused
	switch {
	case verdict == probe.Answered:
		e.ok("handover", "%s answers from here", what)
	case verdict == probe.Otherwise:
		e.warn("handover", fmt.Sprintf("%s gives another answer than the document wants: %v", what, err),
			"correct the probe if that side is well: whatever answers is alive, and is not presumed dead")
	case silent && up:
		e.fail("handover", fmt.Sprintf("%s does not answer from here, and the document declares that side active: %v", what, err),
			"look whether that side serves; if it does, correct the probe or the network: it would be taken for dead")
	case silent:
		e.ok("handover", "%s does not answer from here, and that side is not declared active: %v", what, err)
	default:
		e.fail("handover", fmt.Sprintf("%s cannot be asked from here: %v", what, err),
			"mend that before it is needed: what cannot be asked is never taken for dead, and this node would wait for a person")
	}
}
