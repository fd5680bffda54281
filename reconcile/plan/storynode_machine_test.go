package plan

import (
	"fmt"
	"strings"
	"time"

	"mainstay/spec"
)

// service sets what one service is observed to do.
func (s *storyNode) service(a args) error {
	for i, svc := range s.in.Doc.Services {
		if svc.Name == a[0] {
			s.in.Services[i] = Observed{
				Run: Run(a.get("run", string(Stopped))), Ready: a.has("ready"), Op: Op(a.get("op", "")),
				Err: strings.ReplaceAll(a.get("err", ""), "_", " "), Drained: a.has("drained"), Holdoff: a.has("holdoff"),
				Left: strings.ReplaceAll(a.get("left", ""), "_", " "),
			}
			return nil
		}
	}
	return fmt.Errorf("no service %q", a[0])
}

func (s *storyNode) file(a args) error {
	f := FileState{Path: a[0], Same: a.has("same"), Busy: a.has("busy"), Err: strings.ReplaceAll(a.get("err", ""), "_", " ")}
	for i := range s.in.Files {
		if s.in.Files[i].Path == f.Path {
			s.in.Files[i] = f
			return nil
		}
	}
	s.in.Files = append(s.in.Files, f)
	return nil
}

// probe reads "answers", "silent for=30s", "unasked" or "unknown".
func (s *storyNode) probe(a args) ProbeView {
	switch {
	case a.has("answers"):
		return ProbeView{Known: true, Answers: true}
	case a.has("silent"):
		return ProbeView{Known: true, Silent: true, SilentSince: s.in.Now - a.duration("for", 0)}
	case a.has("unasked"):
		return ProbeView{Known: true, Silent: true, SilentSince: s.in.Now - a.duration("for", 0), Unasked: "no route to it"}
	}
	return ProbeView{}
}

func (s *storyNode) witness(a args) error {
	s.in.Witness = s.probe(a)
	return nil
}

func (s *storyNode) detect(a args) error {
	if s.in.Detect == nil {
		s.in.Detect = map[spec.Side]ProbeView{}
	}
	s.in.Detect[spec.Side(a[0])] = s.probe(a[1:])
	return nil
}

func (s *storyNode) takeover(a args) error {
	if a.has("end") {
		s.in.Takeover = nil
		return nil
	}
	s.in.Takeover = &TakeoverAsk{Attest: "main burnt down", Adopt: a.has("adopt"), Reroot: a.has("reroot")}
	return nil
}

func (s *storyNode) pause(a args) error {
	s.in.Pause = &PauseOrder{Reason: "disk swap"}
	if a.has("end") {
		s.in.Pause = nil
	}
	return nil
}

// drain gives one service a bound of its own.
func (s *storyNode) drain(a args) error {
	for i := range s.in.Doc.Services {
		if s.in.Doc.Services[i].Name == a[0] {
			bound, err := time.ParseDuration(a[1])
			s.in.Doc.Services[i].Drain = bound
			return err
		}
	}
	return fmt.Errorf("no service %q", a[0])
}

// endDrain is a person's word that nobody waits for calls any more, for as long
// as this node drains.
func (s *storyNode) endDrain(args) error {
	s.in.EndDrain = true
	return nil
}

// reboot: services are down, the boot id and the clock are new, nothing was
// read; what was kept on disk is still there.
func (s *storyNode) reboot(args) error {
	s.in.Boot += "'"
	s.in.Now = time.Minute
	for i := range s.in.Services {
		s.in.Services[i] = Observed{Run: Stopped}
	}
	return s.restart(nil)
}

// restart is a new run of the agent on a machine that went on.
func (s *storyNode) restart(args) error {
	s.in.Restarted, s.in.Stale = true, true
	s.in.Claim = ClaimView{Tip: s.in.Claim.Tip}
	s.in.Peer, s.in.Witness = ReportView{}, ProbeView{}
	return nil
}

// stale is a branch that moved on to a commit which the node did not accept.
func (s *storyNode) stale(args) error {
	s.in.Stale = true
	return nil
}

// branch was read in this run of the agent, or not while the claim can be.
func (s *storyNode) branch(a args) error {
	s.in.Unread = a.has("unread")
	return nil
}

func (s *storyNode) time(a args) error {
	d, err := time.ParseDuration(strings.TrimPrefix(a[0], "+"))
	s.in.Now += d
	return err
}

// apply carries out the newest decision's steps at once, and well.
func (s *storyNode) apply(args) error {
	for _, st := range s.last.Steps {
		switch st.Do {
		case DoStart:
			s.in.Services[st.Index] = Observed{Run: Running, Ready: true}
		case DoStop:
			s.in.Services[st.Index] = Observed{Run: Stopped}
		case DoDrain:
			s.in.Services[st.Index].Drained = true
		case DoRender:
			s.in.Files[st.Index].Same = true
		case DoSelfFence:
			return s.reboot(nil)
		}
	}
	return nil
}

// win lands the newest decision's push and shows it to the node.
func (s *storyNode) win(a args) error {
	p := s.last.Push
	if p == nil {
		return fmt.Errorf("nothing was pushed")
	}
	s.tips++
	s.in.Claim.Tip = Tip{ID: fmt.Sprintf("t%d", s.tips), Claim: p.Claim}
	if a.has("unread") {
		return nil
	}
	s.in.Claim.Read, s.in.Claim.Reachable, s.in.Claim.Began, s.in.Claim.Regressed = true, true, s.in.Now, false
	return nil
}

// forget loses the memory: a damaged state file.
func (s *storyNode) forget(args) error {
	s.in.Memory = Memory{Fresh: true}
	return nil
}

func (s *storyNode) memory(a args) error {
	s.in.Memory.Stage = Stage(a.get("stage", string(s.in.Memory.Stage)))
	s.in.Memory.Start = a.number("start", s.in.Memory.Start)
	s.in.Memory.WasActive = s.in.Memory.WasActive || a.has("wasActive")
	s.in.Memory.Serving = spec.Side(a.get("serving", string(s.in.Memory.Serving)))
	return nil
}

func (s *storyNode) late(a args) error {
	s.in.Late = !a.has("end")
	return nil
}

func (s *storyNode) blocked(a args) error {
	s.in.Blocked = strings.Join(a, " ")
	return nil
}

// decide decides, prints, and remembers, as the agent does.
func (s *storyNode) decide(out *strings.Builder) {
	d := Decide(&s.in)
	out.WriteString(show(&s.in, d))
	s.last, s.in.Memory, s.in.Restarted = d, d.Memory, false
	if d.Done {
		s.in.Takeover = nil
	}
	s.in.EndDrain = s.in.EndDrain && d.Memory.Stage == StageDraining
}
