package explore

// The bounds of a world. They keep a state a value of fixed size.
const (
	maxNodes   = 5
	maxDocs    = 8
	maxFlights = 4
	maxEpochs  = 6
	several    = maxNodes + 1 // in the place of an instance: more than one
)

// world is one state of a deployment and of everything that can still go wrong
// in it. Fields marked ghost are known to the invariants only.
type world struct {
	docs  [maxDocs]docCode
	ndocs uint8
	refs  [2]ref // by role: xivo, cc
	// reports are what the nodes' report refs hold, by node name.
	reports [maxNodes]report
	nodes   [maxNodes]node
	left    budget
}

// docCode is the content of a commit.
type docCode uint8

const (
	docStandby docCode = 1 << iota // standby is declared
	docFencedMain
	docFencedStandby
	docLease
	docPausedMain
	docPausedStandby
	docBroken // does not validate: accepted by nobody
	docOther  // a comment was changed
)

// budget is how often each fault may still happen.
type budget struct {
	commits, crashes, powers, startFails, stopFails, deaths, regressions, copies, orders, pauses, hands, lies, disks uint8
}

// side is 0 for none, 1 for main, 2 for standby, as holders are.
type side = uint8

const (
	noSide side = iota
	mainSide
	standbySide
)

func other(s side) side {
	if s == noSide {
		return noSide
	}
	return 3 - s
}

// tipID names a claim commit: its place on a line of history, and the line. A
// claim that goes back begins a new line where it went back to.
type tipID struct{ epoch, seq uint8 }

// tip is a claim commit.
type tip struct {
	tipID
	holder, inst, action, start, doc, guarantee uint8
	leased, debt                                uint8
	down                                        [3]proof // by side (R12)
	last                                        [3]uint8 // by side, the instance; several is beyond all
	// fresh says, as a ghost, that the maker's services were not brought down
	// since it made this change.
	fresh bool
}

// proof is a plan.Proof.
type proof struct{ by, seq uint8 }

// ref is a claim ref on the server, and the pushes that may still land on it.
type ref struct {
	tip     tip
	flights [maxFlights]flight
	epoch   uint8
	forks   [maxEpochs]tipID
	// rerooted marks lines that begin with a reroot.
	rerooted uint8
	// back is, as a ghost, the tip that was lost when the claim went back.
	back tipID
	// lost says, as a ghost, that nothing has settled that yet.
	lost bool
	// risk is, as a ghost, what a person or a presumption has accepted and no
	// later state has undone.
	risk risk
	// served tells, as a ghost, which sides have ever been Active.
	served [3]bool
}

type risk uint8

const (
	riskPresumed risk = 1 << iota
	riskAttested
	riskFalselyFenced
	riskLocal
)

// flight is a push that was sent and may land, later, or never.
type flight struct {
	used   bool
	owner  uint8
	parent tipID
	tip    tip
}

// report is what one node published of itself.
type report struct {
	known, ready, running, paused bool
	inst                          uint8
	status, seq, doc              uint8
	// free says, where reports are terse, that the claim was free: somebody may
	// wait for this one (R12).
	free bool
}

// fetch is a look at git under way.
type fetch struct {
	phase uint8 // 0 none, 1 begun, 2 listed
	age   uint8
	got   snapshot
	// moved says that somebody else has changed the claim since it was listed, where claims
	// are read by themselves.
	moved bool
}

// snapshot is what one listing shows a node.
type snapshot struct {
	doc      uint8
	own, fol tip
	peer     report
	sides    [3]report
	highest  uint8
}

// node is one machine, its disk, its agent and its services.
type node struct {
	power, agent bool
	// gone says that the machine does not come back.
	gone bool

	// On disk.
	doc      uint8 // accepted commit, counted from 1
	own, fol tip
	mem      memory
	joined   uint8 // from where on the own claim's chain proves something (R13)
	order    uint8 // a person's order, R9
	orderOn  tipID // the claim that it was stated on
	place    uint8 // of coordination, as the agent file says
	ownPlace uint8 // where the own claim was read
	paused   bool  // a person's pause, R11

	// In the agent's memory.
	read, reach, regressed, restorable bool
	fread, freach, fregressed          bool
	stale                              bool // git was not looked at in this run
	unread                             bool // nor the document read, where claims are elsewhere
	kept                               bool // when the claim was read last is known from an earlier run
	began                              uint8
	server                             tipID
	highest                            uint8
	peer                               report
	sides                              [3]report
	fetch                              fetch
	restore                            bool
	out                                report // to be published

	svc      service
	rendered side
	witness  uint8
	// down counts how long the agent has been dead, under a lease.
	down uint8
	// watch is what the guard was told, and guarding that it has told the services to
	// stop.
	watch    watch
	guarding bool

	// Ghosts.
	needsWin bool
	scrapped bool  // a person says that this machine is gone for good, until it is seen down (R9)
	worded   bool  // runs on a person's word, without a claim, until it is seen down (R9)
	behind   bool  // has not looked at git since the claim went back
	readyFor uint8 // the commits for which it was ready, as bits
	activeAt tipID // the claim under which it was last Active
}

// memory is plan.Memory with times as ages.
type memory struct {
	boot                                    bool // the boot id is this boot's
	waiting, leaving, holdBegun, stopLeased bool
	takenOver, wasActive, fresh, bounded    bool
	pending, stated                         bool
	pendingParent, statedOn, fencedOn       tipID
	pendingAction, stage, start             uint8
	waitAge, leaveAge, holdAge, stopAge     uint8
	fenced, fencedAge                       uint8
	holdStart, holdFor, heldUnder           uint8
	fencedUnder                             uint8
	stopRule, local, guarantee              uint8
	tries, triesAge                         uint8
	renders, rendersAge                     uint8
	serving                                 side
}

// watch is plan.Watch with times as ages.
type watch struct {
	on, known, passed  bool // known says that it is known when the lease ends
	claim              tipID
	began, passedSince uint8
}

// service is the state of a node's one service.
type service uint8

const (
	stopped service = iota
	starting
	running
	stopping
	stuck      // a stop failed
	failed     // a start failed
	draining   // asked whether work is left
	drained    // none is left
	dead       // ended by itself
	mute       // runs and does not answer
	waking     // starting, but nobody waits for it any more
	unverified // was being stopped, but nobody waits for it any more
)

// up reports whether the service may be serving.
func (s service) up() bool { return s != stopped && s != failed && s != dead }
