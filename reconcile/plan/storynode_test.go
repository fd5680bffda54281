package plan

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"mainstay/reconcile/plan/restart"
	"mainstay/spec"
)

// storyNode is one node of a story: what it knows, changed line by line.
type storyNode struct {
	in   Input
	last Decision
	// tips counts the claim's tips, so that each has a hash of its own.
	tips int
}

func newStoryNode() *storyNode {
	return &storyNode{in: Input{Now: time.Hour, Boot: "boot1", Instance: "m1", Memory: Memory{Boot: "boot1"}}}
}

// args are the words of a line after its command: bare words and key=value.
type args []string

func (a args) get(key, def string) string {
	for _, w := range a {
		if k, v, ok := strings.Cut(w, "="); ok && k == key {
			return v
		}
	}
	return def
}

func (a args) has(word string) bool {
	for _, w := range a {
		if w == word {
			return true
		}
	}
	return false
}

func (a args) duration(key string, def time.Duration) time.Duration {
	d, err := time.ParseDuration(a.get(key, def.String()))
	if err != nil {
		panic(err) // a story that does not parse is a broken test
	}
	return d
}

func (a args) number(key string, def uint64) uint64 {
	n, err := strconv.ParseUint(a.get(key, strconv.FormatUint(def, 10)), 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// tell carries out one line.
func (s *storyNode) tell(line string, out *strings.Builder) error {
	words := strings.Fields(line)
	a := args(words[1:])
	commands := map[string]func(args) error{
		"node": s.node, "doc": s.doc, "claim": s.claim, "followed": s.followed, "peer": s.peer,
		"service": s.service, "file": s.file, "witness": s.witness, "detect": s.detect,
		"takeover": s.takeover, "pause": s.pause, "reboot": s.reboot, "restart": s.restart, "stale": s.stale,
		"time": s.time, "apply": s.apply, "win": s.win, "forget": s.forget, "late": s.late, "blocked": s.blocked,
		"role": s.role, "memory": s.memory, "branch": s.branch, "end-drain": s.endDrain, "drain": s.drain,
	}
	if words[0] == "decide" {
		s.decide(out)
		return nil
	}
	do := commands[words[0]]
	if do == nil {
		return fmt.Errorf("unknown command %q", words[0])
	}
	return do(a)
}

// node starts a story anew: the node, its role, its document.
func (s *storyNode) node(a args) error {
	side := spec.Side(a.get("side", ""))
	d := &Doc{
		Commit: "c1", Digest: "d1", Active: spec.Main, Node: "xivo-" + string(side), Role: a.get("role", "xivo"),
		Exclusive: side != "", Side: side, Follows: a.get("follows", ""), Witness: a.has("witness"), Detect: a.has("detect"),
		Handover: spec.Handover{
			Wait: spec.Duration(a.duration("wait", 30*time.Second)), Unconfirmed: spec.Unconfirmed(a.get("unconfirmed", "start")),
			Absent: spec.Absent(a.get("absent", "keep")), Lease: spec.Duration(a.duration("lease", 0)),
		},
		StopTime: 20 * time.Second, StopBound: 50 * time.Second, Coordinated: !a.has("uncoordinated"),
	}
	if side != "" {
		d.Peer = "xivo-" + string(side.Other())
	}
	if d.Role != "xivo" {
		d.Node, d.Peer = strings.Replace(d.Node, "xivo", d.Role, 1), strings.Replace(d.Peer, "xivo", d.Role, 1)
	}
	if a.has("nopeer") {
		d.Peer = ""
	}
	for _, name := range strings.Split(a.get("services", "asterisk"), ",") {
		if name == "" {
			continue
		}
		d.Services = append(d.Services, Service{Name: name, Drain: a.duration("drain", 0), ByHand: "systemctl stop " + name,
			Restart: restart.Policy{First: a.duration("first", 0), Most: a.duration("most", 0), Forgive: a.duration("forgive", 0)}})
		s.in.Services = append(s.in.Services, Observed{Run: Stopped})
	}
	s.in.Doc, s.in.Claim.Reachable = d, true
	s.in.Memory.Fresh = a.has("fresh")
	return nil
}

// doc changes the accepted document; every change is a new commit.
func (s *storyNode) doc(a args) error {
	d := *s.in.Doc
	d.Commit = a.get("commit", "c"+strconv.Itoa(1+number(d.Commit)))
	d.Active = spec.Side(a.get("active", string(d.Active)))
	d.Fenced = spec.Side(a.get("fenced", ""))
	d.Digest = a.get("digest", "d-"+string(d.Active)+string(d.Fenced))
	d.Handover.Lease = spec.Duration(a.duration("lease", d.Handover.Lease.D()))
	d.StopBound = a.duration("stopBound", d.StopBound)
	d.StopTime = a.duration("stopTime", d.StopTime)
	d.Paused, d.PeerPaused, d.Reason = a.has("paused"), a.has("peerPaused"), a.get("reason", "")
	s.in.Doc, s.in.Stale = &d, false
	return nil
}

func number(commit string) int {
	n, _ := strconv.Atoi(strings.TrimLeft(commit, "c"))
	return n
}

// claim is what the last look at git showed of the node's own claim.
func (s *storyNode) claim(a args) error {
	v := &s.in.Claim
	s.in.Stale = s.in.Stale && a.has("unreachable")
	switch {
	case a.has("unreachable"):
		v.Reachable = false
		return nil
	case a.has("regressed"):
		v.Regressed, v.Read, v.Reachable, v.Server = true, true, true, a.get("server", "old")
		v.Restorable = a.has("restorable")
		return nil
	case a.has("elsewhere"):
		v.Elsewhere = a.number("seq", 0)
		return nil
	}
	v.Read, v.Reachable, v.Began, v.Regressed = !a.has("unread"), !a.has("unread"), s.in.Now-a.duration("ago", 0), false
	v.Joined = a.number("joined", v.Joined)
	if len(a) > 0 && !a.has("again") {
		v.Tip = s.tip(a)
	}
	return nil
}

// tip makes a tip nobody has seen before.
func (s *storyNode) tip(a args) Tip {
	s.tips++
	side := spec.Side(a.get("held", ""))
	c := Claim{
		Seq: a.number("seq", uint64(s.tips)), Holder: HeldBy(side), Start: a.number("start", 0), Action: Action(a.get("by", "take")),
		Guarantee: Guarantee(a.get("guarantee", "")), Lease: spec.Duration(a.duration("lease", 0)),
		StopBound: spec.Duration(a.duration("stopBound", 0)), Debt: spec.Duration(a.duration("debt", 0)),
		Instance: a.get("instance", ""), Commit: a.get("commit", ""), Document: a.get("digest", ""),
	}
	c.Down.Main, c.Down.Standby = proof(a.get("down", ""), spec.Main, c.Seq), proof(a.get("down", ""), spec.Standby, c.Seq)
	c.Last.Main, c.Last.Standby = last(a.get("last", ""), spec.Main), last(a.get("last", ""), spec.Standby)
	if side != "" {
		c.Node = "xivo-" + string(side)
		if c.Instance == "" {
			c.Instance = map[bool]string{true: "m1", false: "other"}[side == s.in.Doc.Side]
		}
	}
	return Tip{ID: "t" + strconv.Itoa(s.tips), Claim: c}
}

// proof reads "main:released" or "main:lease@7", or "main:released,standby:lease".
func proof(words string, side spec.Side, seq uint64) Proof {
	for _, w := range strings.Split(words, ",") {
		if by, ok := strings.CutPrefix(w, string(side)+":"); ok {
			by, at, _ := strings.Cut(by, "@")
			if n, err := strconv.ParseUint(at, 10, 64); err == nil {
				seq = n
			}
			return Proof{By: ProofBy(by), Seq: seq}
		}
	}
	return Proof{}
}

// last reads "main:m1" or "main:several,standby:s1".
func last(words string, side spec.Side) string {
	for _, w := range strings.Split(words, ",") {
		if instance, ok := strings.CutPrefix(w, string(side)+":"); ok {
			return instance
		}
	}
	return ""
}

// report reads what a report says.
func report(a args) ReportView {
	return ReportView{Known: true, SeqBefore: a.number("seqBefore", 0), Report: Report{
		Node: a.get("node", ""), Instance: a.get("instance", ""), Status: Status(a.get("status", "Inactive")), Ready: a.has("ready"), Running: a.has("running"),
		Paused: a.has("paused"), Seq: a.number("seq", 0), Accepted: a.get("commit", ""), Document: a.get("digest", ""),
		Declared: spec.Side(a.get("declared", "")), Holder: Holder(a.get("holder", "")), Reason: strings.ReplaceAll(a.get("reason", ""), "_", " "),
	}}
}

func (s *storyNode) peer(a args) error {
	s.in.Peer = report(a)
	return nil
}

// followed is the claim of the followed role, or with "report SIDE" one of its
// nodes' reports.
func (s *storyNode) followed(a args) error {
	if s.in.Followed == nil {
		s.in.Followed = &FollowView{Reports: SideReports{}}
	}
	if len(a) > 1 && a[0] == "report" {
		seen := report(a[2:])
		s.in.Followed.Reports[spec.Side(a[1])] = &seen
		return nil
	}
	s.in.Followed.Claim = ClaimView{Tip: s.tip(a), Read: true, Reachable: !a.has("unreachable"), Regressed: a.has("regressed")}
	return nil
}

// role is an exclusive role as a third party sees it, "role NAME held=.. " and
// then "role NAME report SIDE ..".
func (s *storyNode) role(a args) error {
	for i := range s.in.Roles {
		if s.in.Roles[i].Role == a[0] && a[1] == "report" {
			seen := report(a[3:])
			s.in.Roles[i].Reports[spec.Side(a[2])] = &seen
			return nil
		}
	}
	s.in.Roles = append(s.in.Roles, RoleView{Role: a[0], Tip: s.tip(a[1:]), Reports: SideReports{}})
	return nil
}
