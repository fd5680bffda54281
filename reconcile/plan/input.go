package plan

import (
	"time"

	"mainstay/reconcile/plan/restart"
	"mainstay/spec"
)

// Time is a moment as CLOCK_BOOTTIME counts it: the time since this machine
// booted, suspend included. It means nothing under another boot id.
type Time = time.Duration

// Input is everything a decision is made from.
type Input struct {
	// Now and Boot are the moment and the boot id it belongs to.
	Now  Time   `json:"now"`
	Boot string `json:"boot"`
	// Instance identifies this agent on this machine; see Claim.Instance.
	Instance string `json:"instance"`
	// Run is this run of the agent, as its reports name it, empty when not known.
	Run string `json:"run,omitempty"`
	// Copied says that an agent of this very Instance lives on a copy of this machine.
	Copied bool `json:"copied,omitempty"`
	// Doc is nil until a document was accepted.
	Doc *Doc `json:"doc,omitempty"`
	// Blocked, when set, says why this node could not start its services: an
	// allow list that refuses, a template that does not render.
	Blocked string `json:"blocked,omitempty"`
	// Unmanaged says that this node is not allowed to manage any of its
	// services, so that nothing is known of what runs.
	Unmanaged bool `json:"unmanaged,omitempty"`
	// Restarted marks the beginning of a run of the agent, up to the pass in
	// which it is known what was found running.
	Restarted bool `json:"restarted,omitempty"`
	// Stale says that Doc may be long out of date: this run of the agent has not
	// looked at git yet, or the branch has moved on to a commit that it could not
	// read or did not accept (R8).
	Stale bool `json:"stale,omitempty"`
	// Unread says that this run of the agent has not yet read the document as the branch
	// has it, though it may know the claim, which is kept elsewhere (R3).
	Unread bool `json:"unread,omitempty"`
	// Reading says that the newest commit is being read, for a moment: nothing
	// starts under the older one meanwhile (R8).
	Reading bool `json:"reading,omitempty"`
	// Late says that this pass came much too late, so that this node may have
	// been replaced: nothing new begins before git was looked at again.
	Late bool `json:"late,omitempty"`
	// Twin says that another agent of this node's name lives: a claim of another
	// instance of this side may be that one's (R9).
	Twin bool `json:"twin,omitempty"`
	// Claim is the claim of this node's own exclusive role.
	Claim ClaimView `json:"claim"`
	// Peer is the node of the same role on the other side.
	Peer ReportView `json:"peer"`
	// Followed is the role this node's role follows, nil when it follows none.
	Followed *FollowView `json:"followed,omitempty"`
	// Roles are all the exclusive roles of the deployment as this node sees
	// them, for the alarm of a third party.
	Roles []RoleView `json:"roles,omitempty"`
	// Witness is the probe of the other side's node (R4, R6).
	Witness ProbeView `json:"witness"`
	// Detect holds what a shared node's own probes say of each side.
	Detect map[spec.Side]ProbeView `json:"detect,omitempty"`
	// Services and Files are in the document's order.
	Services []Observed   `json:"services,omitempty"`
	Files    []FileState  `json:"files,omitempty"`
	Pause    *PauseOrder  `json:"pause,omitempty"`
	Takeover *TakeoverAsk `json:"takeover,omitempty"`
	// EndDrain is a person's word that nobody waits for calls any more: the
	// drain that is under way ends, and the stop begins (R2).
	EndDrain bool   `json:"endDrain,omitempty"`
	Memory   Memory `json:"memory"`
}

// Doc is what the accepted document says to one node, as far as the decision goes.
type Doc struct {
	Commit string    `json:"commit"`
	Digest string    `json:"digest"`
	Active spec.Side `json:"active"`
	Fenced spec.Side `json:"fenced,omitempty"`

	Node      string    `json:"node"`
	Role      string    `json:"role"`
	Exclusive bool      `json:"exclusive"`
	Side      spec.Side `json:"side,omitempty"`
	Follows   string    `json:"follows,omitempty"`
	// Peer names the same role's node on the other side, empty without one.
	Peer       string `json:"peer,omitempty"`
	PeerPaused bool   `json:"peerPaused,omitempty"`
	// Witness says that the role has a witness probe, Detect a detect probe.
	Witness bool `json:"witness,omitempty"`
	Detect  bool `json:"detect,omitempty"`
	// Paused is the document's own pause of this node (R11).
	Paused   bool          `json:"paused,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	Handover spec.Handover `json:"handover"`
	// StopBound is W, StopTime its part that the stops themselves may take (R7).
	StopBound time.Duration `json:"stopBound"`
	StopTime  time.Duration `json:"stopTime"`
	Services  []Service     `json:"services,omitempty"`
	// Poll is the longest time between two looks at git in quiet times.
	Poll time.Duration `json:"poll,omitempty"`
	// Coordinated is false in read-only mode, where there is no claim (R8).
	Coordinated bool `json:"coordinated"`
}

// Service is what the decision needs to know of a wanted service.
type Service struct {
	Name string `json:"name"`
	// Drain is how long a planned stop waits for work under way to end; zero
	// is no drain.
	Drain time.Duration `json:"drain,omitempty"`
	// Restart is how soon it is started again when it died; zero is
	// restart.Default, field by field.
	Restart restart.Policy `json:"restart,omitzero"`
	// ByHand is the command a person runs when the stop cannot be verified.
	ByHand string `json:"byHand,omitempty"`
	// Gone says that the document names it no more and that it was not seen down
	// since: it is never started, and stopped with the others (R1, R2).
	Gone bool `json:"gone,omitempty"`
}

// ClaimView is the claim as this node knows it.
type ClaimView struct {
	// Tip is the newest tip this node believes, kept on disk between runs.
	Tip Tip `json:"tip"`
	// Joined is the seq of the first tip this node believed without knowing an
	// ancestor of it: what the chain says of before proves nothing to this node
	// (R13). It is zero for a chain whose creation this node saw or made.
	Joined uint64 `json:"joined,omitempty"`
	// Read says that this run of the agent has read the claim, and Began when
	// the newest good read began (R7). Without Read it is the read of an earlier
	// run under this boot, zero when none is known.
	Read  bool `json:"read"`
	Began Time `json:"began"`
	// Reachable says that the newest attempt to read it was answered.
	Reachable bool `json:"reachable"`
	// Regressed says that the ref's tip does not descend from Tip (R10), and
	// Restorable that this node can push Tip again.
	Regressed  bool `json:"regressed,omitempty"`
	Restorable bool `json:"restorable,omitempty"`
	// Server is the hash the ref really has while Regressed, empty when the
	// ref is gone, and ServerSeq the seq of that claim, zero when not known.
	Server    string `json:"server,omitempty"`
	ServerSeq uint64 `json:"serverSeq,omitempty"`
	// Elsewhere is the highest seq any report of this role names. Above
	// Tip.Seq it means that the claim went back or that this node is behind.
	Elsewhere uint64 `json:"elsewhere,omitempty"`
}

// Known reports whether anything at all is known of the claim.
func (v ClaimView) Known() bool { return v.Read || v.Tip.ID != "" }

// ReportView is another node's newest report.
type ReportView struct {
	Known bool `json:"known"`
	Report
	// SeqBefore is the claim's seq that this node knew before the listing that
	// brought this report: a report that arrived after a claim was known speaks
	// of the time after it.
	SeqBefore uint64 `json:"seqBefore,omitempty"`
}

// SideReports are the reports of a role's two nodes.
type SideReports map[spec.Side]*ReportView

// Of returns the report of the node on a side; an unknown one if there is none.
func (s SideReports) Of(side spec.Side) *ReportView {
	if v := s[side]; v != nil {
		return v
	}
	return &ReportView{}
}

// FollowView is the claim of a followed role and its nodes' reports.
type FollowView struct {
	Claim   ClaimView   `json:"claim"`
	Reports SideReports `json:"reports"`
}

// RoleView is one exclusive role as a third party sees it.
type RoleView struct {
	Role    string      `json:"role"`
	Tip     Tip         `json:"tip"`
	Reports SideReports `json:"reports"`
}

// ProbeView is what repeated probing of one target says.
type ProbeView struct {
	// Known is false until the first try ended.
	Known bool `json:"known"`
	// Answers says that the newest try was answered.
	Answers bool `json:"answers"`
	// SilentSince is when the first try began that went unanswered, with no
	// answer since. Meaningless while Answers.
	SilentSince Time `json:"silentSince,omitempty"`
	// Silent says that enough tries in a row went unanswered.
	Silent bool `json:"silent"`
	// Unasked is why the newest try could not ask at all: no route, no program, no
	// address, an allow list that refuses. It is empty when the target was asked. A
	// target that was not asked is neither silent nor answering: nothing is known
	// of it, and the silence of before is void.
	Unasked string `json:"unasked,omitempty"`
}

// Quiet reports whether the target was asked often enough and has not answered.
func (p ProbeView) Quiet() bool {
	return p.Known && !p.Answers && p.Silent && p.Unasked == ""
}

// SilentFor returns for how long the target has not answered, zero while it
// answers, is not known or cannot be asked.
func (p ProbeView) SilentFor(now Time) time.Duration {
	if !p.Quiet() {
		return 0
	}
	return now - p.SilentSince
}

// Op is an operation on a service that is under way.
type Op string

// The operations on a service.
const (
	OpNone  Op = ""
	OpStart Op = "start"
	OpStop  Op = "stop"
	OpDrain Op = "drain"
)

// Observed is what one service really does.
type Observed struct {
	// Run is empty before the first look.
	Run   Run  `json:"run"`
	Ready bool `json:"ready"`
	Op    Op   `json:"op,omitempty"`
	// Err is how the newest finished operation failed, empty when it did not.
	Err string `json:"err,omitempty"`
	// Drained says that the newest drain found nothing left to wait for.
	Drained bool `json:"drained,omitempty"`
	// Left is what a drain that is under way waits for, in the newest words of
	// its command, such as "3 calls".
	Left string `json:"left,omitempty"`
	// Holdoff goes with Starting: nothing runs, and something else than the agent
	// waits before it starts the service again. That is not down.
	Holdoff bool `json:"holdoff,omitempty"`
	// Detail is the observation in a driver's own words.
	Detail string `json:"detail,omitempty"`
}

// Down reports whether the service was observed not to run. While a start or a
// stop is under way the observation may be from before it, and says nothing.
func (o Observed) Down() bool { return o.Run.Down() && o.Op != OpStart && o.Op != OpStop }

// FileState compares one wanted file with the disk, for the side in Memory.Serving.
type FileState struct {
	Path string `json:"path"`
	Same bool   `json:"same"`
	Busy bool   `json:"busy,omitempty"`
	Err  string `json:"err,omitempty"`
}

// PauseOrder is a person's pause on the node (R11).
type PauseOrder struct {
	Reason string `json:"reason"`
}

// TakeoverAsk is a person's statement on the node (R9).
type TakeoverAsk struct {
	Attest string `json:"attest"`
	// On is the claim's tip, as far as the node knew it, when the person stated it.
	// An empty one is that there was none; nil is the first that a pass with this order sees.
	On *string `json:"on,omitempty"`
	// Adopt asks only for the claim of a dead instance of one's own side.
	Adopt bool `json:"adopt,omitempty"`
	// Reroot asks to believe a claim that went back.
	Reroot bool `json:"reroot,omitempty"`
}
