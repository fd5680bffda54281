package reconcile

import (
	"context"
	"time"

	"mainstay/reconcile/managed"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
	"mainstay/spec"
)

// Clock tells the time. Decisions use Boot only; Wall is for people.
type Clock interface {
	// Boot is CLOCK_BOOTTIME: the time since boot, suspend included (R7).
	Boot() time.Duration
	Wall() time.Time
}

// Listing is refs of a repository and their hashes, from one request.
type Listing struct {
	Refs map[string]string
	// Only is the deployment whose claims and reports were asked for. Those of any
	// other are not known; empty is all.
	Only string
	// From is the address that answered, without credentials.
	From string
	// Mirror says that a read-only copy answered. Claims are never read from
	// one.
	Mirror bool
}

// Narrower is a Repository or a Coordination that need not list everything.
type Narrower interface {
	// Narrow makes List ask for the branch, and for the claims and reports of one
	// deployment. A server with many deployments sends what a node needs, and no more.
	Narrow(deployment string)
}

// Repository is where the document comes from. Every call is bounded.
type Repository interface {
	// List returns every ref with one request.
	List(ctx context.Context) (Listing, error)
	// Revision fetches a commit that List named on the branch. It fails when
	// the commit is not signed as it must be, or does not descend from
	// accepted, unless that is empty. An error that implements Permanent() and
	// says true will be the same until the branch moves.
	Revision(ctx context.Context, hash, accepted string) (Revision, error)
}

// Revision is one commit of the repository.
type Revision interface {
	// Read returns a file of the commit, at most 1 MiB.
	Read(path string) ([]byte, error)
}

// Vouched is implemented by a revision that says who may change what. Vouch fails when
// one of the commits since the accepted one changed one of the files, the document
// first, and was not allowed to. Its errors are as those of Repository.Revision.
type Vouched interface {
	// Vouch looks at nothing but what Revision fetched.
	Vouch(deployment string, files []string) error
}

// permanent is implemented by errors that trying again does not mend.
type permanent interface {
	// Permanent reports whether the same attempt would fail again.
	Permanent() bool
}

// conditioned is implemented by errors that are told as a condition of their own.
type conditioned interface {
	// Condition is the condition's type, or empty.
	Condition() string
}

// Coordination is where claims and reports live. Every call is bounded.
type Coordination interface {
	// List names all refs, never from a mirror.
	List(ctx context.Context) (Listing, error)
	// Claim reads the claim ref, which List said is at hash.
	Claim(ctx context.Context, ref, hash string, known plan.Tip) (ClaimRead, error)
	// PushClaim pushes a child of p.Parent without force. Whatever it returns,
	// the outcome is unknown until the claim was read again.
	PushClaim(ctx context.Context, ref string, p plan.Push) error
	// Restorable reports whether Restore could bring known back to a ref that is at hash, empty
	// for a ref that is gone (R10). An error says why what was kept of it cannot be read.
	Restorable(ctx context.Context, ref, hash string, known plan.Tip) (bool, error)
	// Restore pushes known and everything before it again.
	Restore(ctx context.Context, ref string, known plan.Tip) error
	// Reports reads the reports of the refs given with their hashes.
	Reports(ctx context.Context, refs map[string]string) (map[string]plan.Report, map[string]error)
	// Publish makes r the report of a ref that only this node writes.
	Publish(ctx context.Context, ref string, r plan.Report) error
}

// ClaimRead is what reading a claim ref gave.
type ClaimRead struct {
	Tip plan.Tip
	// Descends says that Tip is known, or comes after it in one chain.
	Descends bool
	// Rerooted says that a person vouched for a chain that does not descend
	// from known, at a higher seq (R9).
	Rerooted bool
}

// Services drives the wanted services. No method waits.
type Services interface {
	// Configure says which services the indexes below mean: those of w in the
	// document's order, then what is left of earlier ones. What runs is not
	// touched. The error names what of w the node does not allow; the indexes then
	// mean what they meant before. What is left is never refused: it is observed
	// and stopped as what it was started, and never started (R2).
	Configure(w *spec.Wanted, left []managed.Left) error
	// Observed is the newest observation of each.
	Observed() []plan.Observed
	// ByHand returns the command by which a person stops service i.
	ByHand(i int) string
	// Start, Stop and Drain begin an operation on service i, over any other
	// one that is under way. What comes of it shows in Observed.
	Start(i int)
	// Stop begins a stop, see Start.
	Stop(i int)
	// Drain begins to wait for work under way to end, see Start.
	Drain(i int)
}

// Files keeps the wanted files. No method waits.
type Files interface {
	// Configure says which files the indexes below mean. Render returns the content
	// of one for a serving side.
	Configure(w *spec.Wanted, render func(path string, serving spec.Side) ([]byte, error)) error
	// States compares the files with their content for a side.
	States(serving spec.Side) []plan.FileState
	// Render begins to check, replace and reload file i.
	Render(i int, serving spec.Side)
}

// Probes watches the other side (R4) and what a shared node points at.
type Probes interface {
	// Configure says what to probe.
	Configure(w *spec.Wanted) error
	// Witness is what the peer's witness probe says.
	Witness() plan.ProbeView
	// Detect is what the probes of the followed role's two nodes say.
	Detect() map[spec.Side]plan.ProbeView
	// AskWitnessOften asks the witness as often as the document says while somebody
	// decides by it, and seldom otherwise.
	AskWitnessOften(on bool)
	// Forget drops what was seen before a gap in time.
	Forget()
}

// Disk keeps small values across restarts. An error loses nothing that was
// saved before.
type Disk interface {
	// Save replaces the value of a name.
	Save(name string, v any) error
	// Load returns fs.ErrNotExist when nothing was saved; a damaged value is
	// set aside and is an error too.
	Load(name string, v any) error
}

// Leases tells a guard outside the agent of the lease that its services run
// under, so that it holds when the agent does not obey it any more (R7). No method
// waits.
type Leases interface {
	// Tell replaces what the guard knows.
	Tell(w plan.Watch) error
	// Recall is what was told last, also by an earlier run of the agent.
	Recall() plan.Watch
	// Guarded reports whether a guard is there.
	Guarded() bool
}

// Recorder keeps the newest passes for mainstay explain. Record never waits.
type Recorder interface {
	// Record takes one pass: what was decided, and from what.
	Record(at time.Time, in plan.Input, d plan.Decision)
}

// Observer is called when the loop has done something, so that it can be counted. No method waits.
type Observer interface {
	// Looked is called after every look at git, with how long it took.
	Looked(s *Snapshot, took time.Duration)
	// Pushed is called after every try to change a claim. A try that
	// ended in an error may still have changed it.
	Pushed(o Order, err error)
	// Passed is called after every pass, with how long it took.
	Passed(d plan.Decision, took time.Duration)
	// Published is called after every try to publish this node's report.
	Published(err error)
}

// unobserved is nobody.
type unobserved struct{}

func (unobserved) Looked(*Snapshot, time.Duration)     {}
func (unobserved) Pushed(Order, error)                 {}
func (unobserved) Passed(plan.Decision, time.Duration) {}
func (unobserved) Published(error)                     {}

// Machine is everything the actuator acts on.
type Machine struct {
	Services Services
	Files    Files
	Probes   Probes
	// SelfFence runs the node's own fence command (R7). It does not wait.
	SelfFence func(reason string)
	// AddToReport adds conditions, checks and jobs to a report, and may be nil. Own
	// says how sure this node is of its claim: jobs depend on it (R5).
	AddToReport func(r *plan.Report, own permit.OwnClaim)
}
