package plan

import (
	"time"

	"mainstay/reconcile/plan/restart"
	"mainstay/spec"
)

// files renders what is not as the template says, unless the node is paused or knows no side
// to render for. The comparison was made for the side in the input's memory, so after a change
// of side the next pass renders.
func (p *pass) files() {
	if p.out.Status == Paused || p.unpointed() || p.mem.Serving != p.in.Memory.Serving {
		return
	}
	for i, f := range p.in.Files {
		if f.Same || f.Busy {
			if f.Same {
				p.mem.Renders[i] = Tries{}
			}
			continue
		}
		if f.Err != "" {
			p.fileFailed(f)
		}
		if p.due(p.mem.Renders[i], restart.Policy{First: time.Second, Most: renderRetry}) {
			p.step(DoRender, i, RService, "%s is not as its template says", f.Path)
			p.mem.Renders[i].again(p.in.Now)
		}
	}
}

// unpointed reports whether this node does not know yet which side to render
// for. A template that has no value then is no failure.
func (p *pass) unpointed() bool {
	return (p.doc.Follows != "" || p.doc.Exclusive) && p.mem.Serving == ""
}

func (p *pass) fileFailed(f FileState) {
	p.warn(CondFileRefused, "%s: %s", f.Path, f.Err)
	if !p.doc.Exclusive {
		p.say(Failed, RService, "%s: %s", f.Path, f.Err)
	}
}

func (p *pass) filesClean() bool {
	if p.mem.Serving != p.in.Memory.Serving {
		return false
	}
	for _, f := range p.in.Files {
		if !f.Same {
			return false
		}
	}
	return true
}

// peerSilent reports whether this side stands by while the other one, which is to
// serve, has not answered the witness for as long as a presumption takes. It is for
// people only: between the sides there is no heartbeat, and no rule acts on it.
func (p *pass) peerSilent() bool {
	standsBy := p.doc.Exclusive && p.doc.Active == p.other() && p.doc.Fenced != p.other() && !p.doc.PeerPaused
	return standsBy && p.doc.Coordinated && p.in.Claim.Tip.Holder.Side() == p.other() &&
		p.in.Witness.SilentFor(p.in.Now) >= max(p.doc.Handover.Wait.D(), silenceWarns)
}

// silenceWarns is how long a witness is silent at least before people are told.
const silenceWarns = 15 * time.Second

// conditions adds the conditions that a person should know, whatever the status is.
func (p *pass) conditions() {
	in := p.in
	if in.Copied {
		p.warn(CondTwoAgents, "two agents call themselves %s: this one, and one on a copy of this machine, whose reports appear in turn with it. "+
			"Stop one of them, then restart mainstay on the other one", p.doc.Node)
	}
	if p.mem.Pending != nil && p.out.Push == nil {
		p.warn(CondPushUnknown, "a %s of the claim was sent and its outcome is not known", p.mem.Pending.Action)
	}
	if in.Claim.Regressed {
		p.warn(CondClaimRegressed, "the claim on the server does not descend from seq %d, the last one known (R10)", in.Claim.Tip.Seq)
	}
	if f := in.Followed; f != nil && f.Claim.Regressed {
		p.warn(CondClaimRegressed, "the claim of %s on the server does not descend from seq %d, the last one known here: "+
			"it counts here once its holder reports that it is Active under it (R10)", p.doc.Follows, f.Claim.Tip.Seq)
	}
	if in.Claim.Elsewhere > in.Claim.Tip.Seq {
		p.warn(CondClaimBehind, "a report names claim seq %d and the claim is at %d: it went back, or this node has to look again (R10)",
			in.Claim.Elsewhere, in.Claim.Tip.Seq)
	}
	if p.doc.Exclusive && p.doc.Fenced == p.other() && in.Witness.Known && in.Witness.Answers {
		p.warn(CondFencedAnswers, "the document says fenced: %s, but %s answers", p.doc.Fenced, p.doc.Peer)
	}
	if p.doc.Exclusive && p.takeover() && !in.Takeover.Adopt && in.Witness.Known && in.Witness.Answers {
		p.warn(CondAttestedAnswers, "a person stated that this side may serve (%s), but %s answers", in.Takeover.Attest, p.doc.Peer)
	}
	if p.peerSilent() {
		p.warn(CondPeerSilent, "%s holds the claim, and nothing on it answers the witness probe: it may be dead or cut off; "+
			"look at it, or fail over", p.doc.Peer)
	}
	if p.mine() && in.Claim.Tip.Unseen() && !in.Twin {
		p.warn(CondMachineUnseen, "another machine held the claim of %s before this one, and nobody saw it down: see that it is off for good, "+
			"then run mainstay takeover --adopt here; until then a change of side waits as if nothing were known of %s", p.doc.Side, p.doc.Side)
	}
	for _, r := range in.Roles {
		if Dual(r.Tip, r.Reports) {
			p.warn(CondDualActive, "both sides of %s are serving: %s and %s", r.Role,
				r.Reports.Of(spec.Main).Node, r.Reports.Of(spec.Standby).Node)
		}
	}
	if p.mem.Local != "" {
		p.warn(CondUnconfirmed, "serving without a claim: %s", why(p.mem.Local))
	}
	if in.Takeover != nil {
		p.warn(CondTakeover, "a person stated: %s", in.Takeover.Attest)
	}
}

// why says in words how a side came to serve without a claim won for it.
func why(local Rule) string {
	switch local {
	case R6:
		return "it started at boot while git was out of reach"
	case R8:
		return "this node only reads git"
	case R9:
		return "a person took over by hand"
	}
	return "by rule " + string(local)
}
