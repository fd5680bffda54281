package plan

import "time"

// Phase is one moment of a change of side.
type Phase struct {
	// Name is one of the names below.
	Name string    `json:"name"`
	At   time.Time `json:"at"`
}

// The names of phases. A node marks each once, at the first pass that sees it.
const (
	// PhaseDeclared is the commit that asked for the change.
	PhaseDeclared = "declared"
	// PhaseSeen is a node that accepted a document which declares another side.
	PhaseSeen = "seen"
	// PhaseReady is a node that would take over at once (R2).
	PhaseReady = "ready"
	// PhaseStopped is a side that was observed down after it stepped down (R2).
	PhaseStopped = "stopped"
	// PhaseReleased is a claim that was given up (R2).
	PhaseReleased = "released"
	// PhaseTaken is a claim that was won for a start (R3).
	PhaseTaken = "taken"
	// PhaseStarted is the first service that was told to start.
	PhaseStarted = "started"
	// PhaseActive is the declared side that serves.
	PhaseActive = "active"
	// PhaseSwitched is a follower that points at the new side.
	PhaseSwitched = "switched"
)
