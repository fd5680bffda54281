package explore

import (
	"fmt"
	"slices"
	"strconv"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// The words of package plan, each by its number in a world. The zero of each is
// the empty word.
var (
	sides      = []spec.Side{"", spec.Main, spec.Standby}
	actions    = []plan.Action{"", plan.Take, plan.Renew, plan.Release, plan.Seize, plan.Adopt, plan.Reroot, plan.Move, plan.Enter}
	guarantees = []plan.Guarantee{"", plan.Released, plan.Fenced, plan.Lease, plan.Presumed, plan.Attested}
	proofs     = []plan.ProofBy{"", plan.ByRelease, plan.ByReport, plan.ByLease}
	stages     = []plan.Stage{plan.StageIdle, plan.StageClaiming, plan.StageServing, plan.StageDraining, plan.StageStopping}
	statuses   = []plan.Status{"", plan.Active, plan.Inactive, plan.Activating, plan.Deactivating, plan.Held, plan.Failed, plan.Paused, plan.Unknown}
	rules      = []plan.Rule{"", plan.R1, plan.R2, plan.R3, plan.R4, plan.R5, plan.R6, plan.R7, plan.R8, plan.R9, plan.R10, plan.R11, plan.R12, plan.R13, plan.RFollow, plan.RService}
)

// number returns the number of a word. A word without one is a state that this
// package cannot hold: it must be taught, not searched past.
func number[T comparable](words []T, w T) uint8 {
	for i, have := range words {
		if have == w {
			return uint8(i)
		}
	}
	panic(fmt.Sprintf("explore: %T %v is not known to the explorer", w, w))
}

// names are strings made once, so that a decision's input costs no allocation.
type names struct {
	tips      [maxEpochs][64]string
	commits   [maxDocs + 1]string
	digests   [256]string
	instances [several + 1]string
}

func newNames() *names {
	n := new(names)
	for e := range n.tips {
		for s := range n.tips[e] {
			n.tips[e][s] = fmt.Sprintf("tip%d.%d", e, s)
		}
	}
	for i := range n.commits {
		n.commits[i] = "c" + strconv.Itoa(i)
	}
	for i := range n.digests {
		n.digests[i] = "d" + strconv.Itoa(i)
	}
	for i := range n.instances {
		n.instances[i] = "i" + strconv.Itoa(i)
	}
	n.tips[0][0], n.commits[0], n.instances[0], n.instances[several] = "", "", "", plan.Several
	return n
}

// instanceOf is the number of an instance.
func (n *names) instanceOf(instance string) uint8 {
	return uint8(max(0, slices.Index(n.instances[:], instance)))
}

// tip returns a claim commit's hash, empty for none.
func (n *names) tip(id tipID) string {
	if id == noTip {
		return noTipName
	}
	return n.tips[id.epoch][id.seq]
}

// noTip is a word of package plan that takes the place of a tip and is none.
var noTip = tipID{255, 255}

const noTipName = "void"

// tipOf is the inverse of tip.
func (n *names) tipOf(hash string) tipID {
	switch hash {
	case "":
		return tipID{}
	case noTipName:
		return noTip
	}
	seq := uint8(0)
	for _, c := range []byte(hash[len("tip0."):]) {
		seq = 10*seq + c - '0'
	}
	return tipID{hash[len("tip")] - '0', seq}
}
