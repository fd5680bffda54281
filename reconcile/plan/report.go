package plan

import (
	"time"

	"mainstay/spec"
)

// Status is what a node says of itself, in XiVO's words.
type Status string

// The statuses, in XiVO's words where it has them.
const (
	Active       Status = "Active"
	Inactive     Status = "Inactive"
	Activating   Status = "Activating"
	Deactivating Status = "Deactivating"
	Held         Status = "Held"
	Failed       Status = "Failed"
	Paused       Status = "Paused"
	Unknown      Status = "Unknown"
)

// Report is a node's own status, published on its own ref
// refs/mainstay/<deployment>/report/<node> as report.json.
type Report struct {
	Deployment string    `json:"deployment"`
	Node       string    `json:"node"`
	Role       string    `json:"role"`
	Side       spec.Side `json:"side,omitempty"`
	Instance   string    `json:"instance"`
	// Host is the machine's own name, Repository and Path where the agent reads its
	// document.
	Host       string `json:"host,omitempty"`
	Repository string `json:"repository,omitempty"`
	Path       string `json:"path,omitempty"`
	Status     Status `json:"status"`
	// Reason says in words why the status is what it is, and Rule by which rule.
	Reason string `json:"reason,omitempty"`
	Rule   Rule   `json:"rule,omitempty"`
	// Declared is the side the accepted document names.
	Declared spec.Side `json:"declared,omitempty"`
	// Serving is the side a shared node points at.
	Serving spec.Side `json:"serving,omitempty"`
	// Ready says that this node accepted Document and would take over the
	// moment the claim with Seq is released (R2).
	Ready bool `json:"ready"`
	// Running says that at least one service of an exclusive role is not
	// observed down.
	Running bool `json:"running"`
	Tells   bool `json:"tells,omitempty"` // it sends alerts, and speaks for others
	Paused  bool `json:"paused,omitempty"`
	// Run names the run of the agent that published this report, and Beat counts what it has
	// published: whether a node lives is told by a change of either, without any clock.
	Run  string `json:"run,omitempty"`
	Beat uint64 `json:"beat,omitempty"`
	// Heard is the run of the other side's node whose report this one knew: the node
	// that reads its own run here knows that this report is newer than that run.
	Heard string `json:"heard,omitempty"`
	// Beside is another run that this one has read a report of under its own node's
	// name. A run that finds itself named here is not the only one of its name.
	Beside string `json:"beside,omitempty"`
	// BesideBeat is the Beat of the report of it that was read last.
	BesideBeat uint64 `json:"besideBeat,omitempty"`
	// Ended says that the agent ended in order after this report: nobody looks
	// after the services since, and the node gets ready for nothing.
	Ended bool `json:"ended,omitempty"`
	// PausedUntil is when a pause of the node's own ends, zero without one (R11).
	PausedUntil time.Time `json:"pausedUntil,omitzero"`
	// Seen, Accepted and Applied are three commits: the newest on the remote, the newest that verified and
	// validated, and the newest whose services were observed to be as it says;
	// Document is the digest of the accepted document.
	Seen     string `json:"seen,omitempty"`
	Accepted string `json:"accepted,omitempty"`
	Applied  string `json:"applied,omitempty"`
	Document string `json:"document,omitempty"`
	// Seq is the claim's seq as last read; for an Active node it is the one it
	// serves under. Holder is who held it.
	Seq       uint64    `json:"seq"`
	Holder    Holder    `json:"holder,omitempty"`
	Guarantee Guarantee `json:"guarantee,omitempty"`
	// Joined is the claim from which on the chain proves something to this node, as
	// in ClaimView. A forecast is made from it (R13).
	Joined uint64 `json:"joined,omitempty"`
	// Takeover is the statement of who activated this node by hand (R9).
	Takeover   string            `json:"takeover,omitempty"`
	Services   []ServiceReport   `json:"services,omitempty"`
	Conditions []Condition       `json:"conditions,omitempty"`
	Checks     []CheckReport     `json:"checks,omitempty"`
	Leaves     []CheckReport     `json:"leaves,omitempty"` // what a switch would leave here
	Jobs       []JobReport       `json:"jobs,omitempty"`
	Versions   map[string]string `json:"versions,omitempty"`
	// Allow is what the node's own file lets a repository ask for, nil where that is
	// not told: a forecast says by it what the node would refuse.
	Allow *spec.Allow `json:"allow,omitempty"`
	// Phases are the moments of the newest change of side, by this node's wall clock.
	Phases []Phase `json:"phases,omitempty"`
	// Since is when Status was reached, At when the report was made, LastRead when git was last
	// read well, and Until when a present wait ends, zero without one; all by this node's clock.
	Until    time.Time `json:"until,omitzero"`
	Since    time.Time `json:"since"`
	At       time.Time `json:"at"`
	LastRead time.Time `json:"lastRead"`
}

// ReportRef returns the ref that carries a node's report.
func ReportRef(deployment, node string) string {
	return "refs/mainstay/" + deployment + "/report/" + node
}

// Source is where an agent reads its document: the address of the repository,
// without credentials, and the path in it. The zero Source is not known.
type Source struct{ Repository, Path string }

// String is the source as a person would say it.
func (s Source) String() string {
	if s.Repository == "" {
		return "a repository that is not known"
	}
	return s.Path + " of " + s.Repository
}

// BusyBeat is how often a node publishes while it is in the middle of something.
const BusyBeat = 30 * time.Second

// Every is how often a node publishes a report that stays as it is: every heartbeat
// when all is quiet. While it is on the way to something, failed, or sees the other side
// silent or another agent of its name, it does so more often, so that it is missed soon.
func (r Report) Every(heartbeat time.Duration) time.Duration {
	quiet := r.Status == Active || r.Status == Inactive || r.Status == Paused
	for _, c := range r.Conditions {
		quiet = quiet && c.Type != CondWitnessSilent && c.Type != CondDetectSilent && c.Type != CondPeerSilent && c.Type != CondTwoAgents
	}
	if quiet {
		return heartbeat
	}
	return min(heartbeat, BusyBeat)
}

// Left is how much of a present wait was left at a moment by the reader's wall clock, zero
// without a wait. A clock that is behind does not make it longer than the node itself said.
func (r Report) Left(now time.Time) time.Duration {
	if r.Until.IsZero() {
		return 0
	}
	return max(0, min(r.Until.Sub(now), r.Until.Sub(r.At))).Round(time.Second)
}

// Told is the reason, with what is left of a present wait at a moment.
func (r Report) Told(now time.Time) string {
	if left := r.Left(now); left > 0 {
		return r.Reason + " (" + left.String() + " left)"
	}
	return r.Reason
}

// ServiceReport is one service as observed.
type ServiceReport struct {
	Name   string `json:"name"`
	Run    Run    `json:"run"`
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty"`
	// Restarts is how often the agent started it again since this side came up.
	Restarts int `json:"restarts,omitempty"`
}

// Condition is something a person should know. Type is a stable word such as
// DualActive; Message says what, where and what would be right.
type Condition struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	// Since is when it began, by the node's wall clock, zero where that is not told.
	Since time.Time `json:"since,omitzero"`
}

// CheckReport is the newest result of a readiness check.
type CheckReport struct {
	Name   string    `json:"name"`
	OK     bool      `json:"ok"`
	Output string    `json:"output,omitempty"`
	At     time.Time `json:"at"`
}

// JobReport is the newest run of a scheduled job.
type JobReport struct {
	Name   string    `json:"name"`
	OK     bool      `json:"ok"`
	Output string    `json:"output,omitempty"`
	At     time.Time `json:"at"`
	// Skipped says why the job did not run when it was due.
	Skipped string `json:"skipped,omitempty"`
}
