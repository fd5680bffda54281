package plan

import (
	_ "embed" // the text of the rules is this file's own

	"mainstay/reconcile/plan/commented"
)

// Rule names a rule of the handover. Each constant below says its rule in full, and mainstay
// explain --rule prints it: the comments are the specification.
//
// The words in them. A node of an exclusive role is on side S, and O is the other side. The
// document declares a side in active, and may fence one. The claim of a role is the ref
// refs/mainstay/DEPLOYMENT/claim/ROLE: a chain of commits, each of which holds claim.json.
// Every change of it (take, renew, release, seize, adopt, reroot) is a push without force of a
// child of the claim that was read, so that of any number of contenders exactly one wins; its
// seq grows by one each time. A push without an answer is unknown: it may land later, until
// another change of the same parent was read. "Held by S" means held by this very instance of
// the agent on this very machine. A report is what a node publishes of itself, and a witness
// is a probe of the other side's node. "Down" is what was observed: a service that cannot be
// observed is not down.
//
// Nothing counts as known that was not observed. A missing ref is no release, a service that
// cannot be found is not down, a question that could not be asked is not silence, a dead agent
// has stopped nothing, and another machine's clock says nothing.
type Rule string

// R1, fencing: services run only while the claim is held by S. Reading that it is free, or
// held by anyone else, stops them at once and without drain, whatever the document or a pause
// says. A node reads its own claim before the document and beside it, so that no document can
// delay this. What a person activated without git (R9) goes on until git answers. A claim of
// this very instance that a run of the agent made which is not known on this disk is that of a
// copy of this machine: two agents call themselves the same, and the older token stops.
const R1 Rule = "R1"

// R2, stepping down: S serves and O is declared. S goes on serving until O's node reports that
// it accepted this very commit and would take over this very claim, so that a commit never
// stops the last serving side for a side that is not there. With handover.absent: stop it
// stops after handover.wait all the same. Then S drains within the drains' bounds, which a
// person may end, stops its services in reverse order, observes that every service it ever
// started is down, and only then releases the claim. A stop that cannot be verified is not
// released: the status is Failed, with the command that a person runs. When S itself is fenced
// it stops at once and leaves the claim alone.
const R2 Rule = "R2"

// R3, starting from stopped (boot, a flip back, a fencing withdrawn, a claim won): services
// start only after a claim push was won that was made for this start: a take of a free claim,
// a seizure, or a renewal of a claim that is its own. A late push of its own is thereby
// defeated, a delayed seizure by the other side fails, and reports from before are stale.
// Services that a new run of the agent finds running under its own claim are kept (R5). One
// crashed service of an Active node is healed without a renewal. Active is reported once every
// ready probe passes, with the seq of the claim.
//
// A run of the agent that finds its services down goes by no claim that was there before it
// until it could listen to git for two polls, at most a minute: git and this machine may be
// restored from one backup, or it is a copy of one that serves. It starts, releases and is
// ready for nothing meanwhile. After that it starts on its own claim only if O's node has not
// reported since that it runs, and the witness does not answer without such a report. A
// fencing of O or a takeover ends this, and a first claim is not waited for. A copy that knows
// of the other leaves the claim.
const R3 Rule = "R3"

// R4, taking over: S is declared and does not hold the claim. Unless R12 or R13 says that O is
// down, S waits (Held, with the reason and the time left) for the best of these, and the claim
// records which it was:
//
//	released  O stopped, verified, and released, or R12 says as much
//	fenced    the document says fenced: O. At once; an alarm if the witness
//	          answers all the same
//	lease     the claim that O holds carries a lease: after handover.wait S
//	          seizes, and starts only after D (R7)
//	presumed  handover.unconfirmed is start, handover.wait has passed, the claim
//	          can be read, O's node is named, not paused, and has not reported that
//	          its stop failed, and the role's witness, if there is one, was asked and
//	          silent all through handover.wait
//	attested  a person took over on this node (R9)
//
// A fencing is a person's statement about O as it was when this node learnt of it: it counts
// no more once O has changed the claim, unless O reports that it is down because of it, nor in
// a document that may not be the newest, such as one that was listed before a change of the
// claim by O. A witness that could not be asked is neither silent nor answering, and voids the
// silence before. A refused connection is silence only if this very probe was answered before:
// a service that crashed must not keep S from serving, and a port that was never heard may be
// the wrong one, of a machine that lives. The wait counts from this node's first sight of a
// document that declares S, survives a restart of the agent, and is prolonged by O's stop
// bound while O reports that it is deactivating. A claim of another instance of S's own side
// is never taken over from automatically (R9), nor one that was taken under a commit which
// this node has not accepted while it goes by the commit it last served under.
const R4 Rule = "R4"

// R5, git loss does not stop calls: without a lease a node that holds the claim keeps serving,
// healing and reporting locally, also across a restart of the agent that finds the services
// running. One that does not hold it never starts. A pass that comes much too late starts
// nothing before git was looked at again.
const R5 Rule = "R5"

// R6, boot without git: services are not enabled at boot, the agent starts them. With git out
// of reach they start only if the claim on disk is its own and no push of its own is unknown,
// the document on disk declares its side, the claim carries neither a lease nor a debt,
// handover.unconfirmed is start, the role follows no other, and there is a witness that was
// asked and silent all through handover.wait. That start is presumed and reported as such. The
// first thing done when git answers is a push for it, and a refusal stops the services. Where
// claims are kept elsewhere and can be read, but the branch was not read since the agent began,
// the same conditions hold, and the push comes first: somebody may have fenced this side
// meanwhile, in a commit that nobody has read yet.
const R6 Rule = "R6"

// R7, lease (handover.lease above zero): the lease L and the stop bound W live in the claim.
// The holder obeys the stricter of claim and document, and renews the claim when the document
// changes them; a seizer goes by the claim alone. A holder whose last read that showed the
// claim as its own began more than L ago stops, without drain, and may start again through R3.
// A new run of the agent goes by the read of the run before under the same boot, also when its
// disk knows the claim no more, and without one the lease is over. When no agent obeys, the
// guard stops the services. A stop that is not verified within its part of W makes the node
// fence itself. A seizer starts nothing for D = (L + W)·(1+ρ)/(1−ρ) + m after it knew that the
// seizure had won, with ρ = 0.001 and m = 5 s. A D that was served is remembered under this
// boot; what is left of one is the debt of the claim, which the next taker waits out. Reading
// the claim counts, accepting a document does not. Time is that of this machine since it
// booted, suspend included: no clocks are compared.
const R7 Rule = "R7"

// R8, no coordination (coordination: off): there is no claim. A side that is not declared
// stops at once; a declared one starts by a fencing in the newest document, by a person's word
// on the node, or on a presumption after handover.wait and the witness's silence. Every
// surface says what is not guaranteed. Nothing starts either while a newer commit is being
// read.
const R8 Rule = "R8"

// R9, by a person on the node: mainstay takeover --attest activates a node, with git (the
// claim records attested) or without (it is published as soon as git answers, and ends when
// the document agrees or by --end). With --adopt the claim of a dead or replaced instance of
// one's own side becomes this node's, and keeps the debt: the person vouches for this side's
// machine and not for the other side's. mainstay accept --claim --attest re-roots a claim that
// went back above the highest seq ever seen; a note that one of the node's own signers signed
// says the same. A statement is good for the claim it was made on: once somebody else has
// changed that claim, other than by a release, it is void and the order ends. It is good for a
// moment only, and not after a reboot without git.
const R9 Rule = "R9"

// R10, a claim that goes back (git restored from a backup, a ref deleted): a tip that does not
// descend from the claim last known is not believed, nor is anything built on one below the
// seq that a report of the role names. A node that knows a descendant of it pushes that again.
// Nobody starts until this is settled; what runs goes on if its side is declared, and stops if
// not. Of two sides that run, the one with the lower seq stops at once when the other one's
// report names the higher seq as its own: git and this machine were restored from before that
// claim. A seq beyond any claim's is damage and is refused as such. Who follows a role
// believes a claim of it that went back once its holder reports, after that, to be Active
// under it.
const R10 Rule = "R10"

// R11, pause: it suspends healing, starting, planned stopping, rendering and jobs. It never
// suspends R1 and R7.
const R11 Rule = "R11"

// R12, proof of being down: the claim says, per side, whether that side was seen down since it
// last served (down in claim.json, with the seq of the change that says so). A release by S
// proves S down, and its own changes that may lead to serving (take, renew, adopt, seize) end
// that. A seizure by S unmakes what was proven of O, because nobody saw O stop; so do a take
// and a renewal whose guarantee is fenced, presumed or attested, because a statement or a
// silence is no observation. A seizure by lease leaves the proof "lease", whose wait is the
// claim's debt. A take as released on the word of O's report leaves "reported". Adopting
// leaves what is known of O as it is. A reroot knows nothing.
//
// A machine tells of itself alone. The claim names, per side, the instance that last held it
// (last in claim.json), and only that one's release or report proves the side down. A machine
// that takes the claim while the one before it was not seen down makes that "several": nothing
// proves the side down then, until a person says that the older machine is gone (R9, --adopt),
// in place of which this one stands.
//
// S takes a free claim at once, as released, only if O is proven down by a release or a
// report, or if O's newest report says so itself for this very commit and this very claim: it
// rests, nothing of it runs, it is not paused. O cannot start without changing that claim, and
// then S's push loses. On the proof "lease" S takes it as lease, with the debt. Otherwise R4
// decides as for a claim that O holds, and its word is recorded.
const R12 Rule = "R12"

// R13, genesis: a claim that does not exist, or a chain that this node cannot connect to
// anything it knows, proves nothing. A proof counts only if it was made after the first claim
// of the chain that this node believed; a chain whose creation it saw counts from its
// beginning. So a first claim is taken at once only when O's report for this very commit says
// that O is down (R12), or when there is no claim at all and the document names no node of the
// role on O; else R4 decides. A new git server, coordination that was moved or switched off, a
// shared role made exclusive and every renaming are genesis. A node that the document names no
// more is not presumed down: nobody could ask it. A person may carry a claim to another place:
// its last change says so, and nobody changes it where it was; what serves goes on, and
// nothing else begins. In the new place nobody waits for an end of its holder before that one
// has come there.
const R13 Rule = "R13"

// RFollow, the followers' rule: a node of an exclusive role that follows another may start on
// S when S is declared, the followed role's claim is S's, and S's node of that role has
// reported Active under that very seq. It stops when that claim leaves S or that report turns
// Inactive. R1 to R13 hold for its own claim. Nodes of a shared role point at the serving side
// of the role they follow, stay where they are while nobody serves, and switch last. With
// detect they leave a side that was asked and has stopped answering when the other one answers
// and is Active, or when git is out of reach.
const RFollow Rule = "follow"

// RService, keeping: services and files are kept as the document says. A service that fails is
// started again, at once and then ever more slowly, and after some tries the status is Failed
// with the reason; the claim is kept, and a person decides.
const RService Rule = "services"

//go:embed rules.go
var rulesSource string

// Rules returns every rule, in order.
func Rules() []Rule {
	return []Rule{R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, R13, RFollow, RService}
}

// Text is the rule in full, as its constant's comment has it, empty for a rule that there is
// not.
func (r Rule) Text() string { return commented.Of(rulesSource, ` Rule = "`+string(r)+`"`) }

// Run is what a service was observed to do.
type Run string

// The observed states of a service. Only Stopped means verified down: every
// other one may be serving.
const (
	Stopped   Run = "stopped"
	Starting  Run = "starting"
	Running   Run = "running"
	Stopping  Run = "stopping"
	RunFailed Run = "failed"  // not running, and it ended by an error: down
	RunUnsure Run = "unknown" // could not be observed: counts as possibly serving
)

// Down reports whether the service was observed not to run.
func (r Run) Down() bool { return r == Stopped || r == RunFailed }
