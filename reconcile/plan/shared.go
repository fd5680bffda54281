package plan

import "mainstay/spec"

// shared decides for a node that belongs to no side: its services always run,
// and its files point at the serving side of the role it follows. It stays
// where it is while nobody serves and so switches last.
func (p *pass) shared() {
	if p.paused() {
		return
	}
	p.mem.Stage = StageServing
	p.point(p.target())
	p.keepServices(RService)
	if p.out.Status == Active && p.doc.Follows != "" {
		p.sayPointing()
	}
}

func (p *pass) sayPointing() {
	switch {
	case p.mem.Serving == "":
		p.say(Held, RFollow, "no side of %s has served yet", p.doc.Follows)
	case !p.filesClean():
		p.say(Activating, RFollow, "pointing at %s", p.mem.Serving)
	default:
		p.say(Active, RFollow, "pointing at %s", p.mem.Serving)
	}
}

// target is the side this node should point at, or where it points now.
func (p *pass) target() spec.Side {
	side := p.mem.Serving
	if p.doc.Follows == "" {
		return side
	}
	if !p.doc.Coordinated {
		side = p.doc.Active
	} else if s := servingSide(p.in.Followed); s != "" {
		side = s
	}
	return p.detected(side)
}

// detected leaves a side that stopped answering when the other one answers and
// is Active, or when nothing newer can be known because git is out of reach.
func (p *pass) detected(side spec.Side) spec.Side {
	if !p.doc.Detect || side == "" || p.in.Followed == nil {
		return side
	}
	here, there := p.in.Detect[side], p.in.Detect[side.Other()]
	if !here.Quiet() || !there.Known || !there.Answers {
		return side
	}
	if r := p.in.Followed.Reports.Of(side.Other()); r.Known && r.Status == Active || !p.in.Followed.Claim.Reachable {
		return side.Other()
	}
	return side
}

// pointsRight reports whether this node points at the declared side, or needs
// to point nowhere.
func (p *pass) pointsRight() bool {
	return p.doc.Follows == "" || p.mem.Serving == p.doc.Active
}

// point sets the side that files are rendered for. The files were compared for
// the old one, so the next pass renders.
func (p *pass) point(s spec.Side) {
	if s == "" || s == p.mem.Serving {
		return
	}
	p.mem.Serving = s
	p.wake(p.in.Now)
}
