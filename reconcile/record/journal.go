// Package record keeps what an agent decided, and from what: the newest passes in
// memory and on disk, their words for people, and their replay.
//
// It decides nothing, and it knows neither the loop nor where its folder lies.
package record

import (
	"bytes"
	"encoding/json"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// kept is how many distinct passes are kept in memory.
const kept = 256

// queued is how many passes may wait for the disk before some are dropped.
const queued = 64

// Entry is one pass: what was decided, and from what.
type Entry struct {
	At       time.Time     `json:"at"`
	Input    plan.Input    `json:"input"`
	Decision plan.Decision `json:"decision"`
	// Repeated counts further passes that decided the same.
	Repeated int `json:"repeated,omitempty"`
}

// Journal keeps the newest passes in memory and on disk, for mainstay explain. It
// is the loop's Recorder: Record never waits, and what a slow or full disk cannot take is
// dropped and counted.
type Journal struct {
	mu      sync.Mutex
	entries []Entry // oldest first

	queue   chan line
	dropped atomic.Uint64
}

// NewJournal returns an empty ring. Nothing is written to disk before Writer.Run
// takes from it.
func NewJournal() *Journal { return &Journal{queue: make(chan line, queued)} }

// Record takes one pass. One that decided the same as the newest is only
// counted.
func (r *Journal) Record(at time.Time, in plan.Input, d plan.Decision) {
	r.add(Entry{At: at, Input: in, Decision: d})
}

func (r *Journal) add(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.entries); n > 0 && sameDecision(r.entries[n-1].Decision, e.Decision) {
		r.entries[n-1].Repeated++
		return
	}
	r.endRepeats()
	if len(r.entries) == kept {
		r.entries[0] = Entry{}
		r.entries = r.entries[1:]
	}
	r.entries = append(r.entries, e)
	r.offer(line{Entry: &e})
}

// endRepeats tells the disk how often the newest entry was repeated, now that
// another one follows it.
func (r *Journal) endRepeats() {
	if n := len(r.entries); n > 0 && r.entries[n-1].Repeated > 0 {
		r.offer(line{Repeated: r.entries[n-1].Repeated})
	}
}

func (r *Journal) offer(l line) {
	select {
	case r.queue <- l:
	default:
		r.dropped.Add(1)
	}
}

// Dropped counts the entries that are not on disk because it was too slow, full
// or broken.
func (r *Journal) Dropped() uint64 { return r.dropped.Load() }

// Last returns the newest n entries, oldest first.
func (r *Journal) Last(n int) []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return newest(r.entries, n)
}

func newest(entries []Entry, n int) []Entry {
	n = max(0, min(n, len(entries)))
	return append([]Entry{}, entries[len(entries)-n:]...)
}

// outcome is a decision without its times and its memory.
type outcome struct {
	Status     plan.Status
	Reason     string
	Rule       plan.Rule
	Steps      []plan.Step
	Push       *plan.Push
	Restore    bool
	Conditions []plan.Condition
	Ready      bool
	Serving    spec.Side
	Converged  bool
	Done       bool
}

func outcomeOf(d plan.Decision) outcome {
	return outcome{
		Status: d.Status, Reason: d.Reason, Rule: d.Rule, Steps: d.Steps, Push: d.Push, Restore: d.Restore,
		Conditions: d.Conditions, Ready: d.Ready, Serving: d.Serving, Converged: d.Converged, Done: d.Done,
	}
}

// sameDecision reports whether two decisions differ in times and memory only.
func sameDecision(a, b plan.Decision) bool { return reflect.DeepEqual(outcomeOf(a), outcomeOf(b)) }

// Replay decides again on a saved input, and reports whether that reaches the
// saved decision, times and memory included.
func Replay(e Entry) (same bool, d plan.Decision) {
	d = plan.Decide(&e.Input)
	return sameJSON(d, e.Decision), d
}

// Replayed is one decision that was made again.
type Replayed struct {
	At       time.Time     `json:"at"`
	Same     bool          `json:"same"`
	Decision plan.Decision `json:"decision"`
}

// ReplayAll replays entries in their order, and counts those that come out otherwise.
func ReplayAll(entries []Entry) (all []Replayed, differ int) {
	for _, e := range entries {
		same, d := Replay(e)
		all = append(all, Replayed{e.At, same, d})
		if !same {
			differ++
		}
	}
	return all, differ
}

// sameJSON compares two values as they are saved: an empty list is a missing
// one.
func sameJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
