package gitserver

import "net/http"

// Failing is a Faults that knows which requests change something.
type Failing struct {
	Faults
	// Changes tells whether a request does.
	Changes func(*http.Request) bool
}

func (f *Failing) change(fault Fault) {
	f.Choose(func(r *http.Request) Fault {
		if f.Changes(r) {
			return fault
		}
		return None
	})
}

// Lose lets changes be carried out, and their answers be lost.
func (f *Failing) Lose() { f.change(Lose) }

// Late holds changes back until Release.
func (f *Failing) Late() { f.change(Late) }

// Hang lets every request wait until its sender gives up.
func (f *Failing) Hang() {
	f.Choose(func(r *http.Request) Fault {
		f.Changes(r) // which reads it, so that its end is noticed
		return Hang
	})
}

// Heal lets everything through again.
func (f *Failing) Heal() { f.Set(None) }
