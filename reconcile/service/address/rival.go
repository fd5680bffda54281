package address

import (
	"context"
	"fmt"
	"time"
)

// defaultRivals is the time between two looks for another machine that has the address too.
const defaultRivals = 10 * time.Second

// silences is how many looks in a row must find nobody until a rival is not told any more:
// one silence proves nothing.
const silences = 3

// oneQuestion is such a look.
var oneQuestion = Ask{Questions: 1, Last: 200 * time.Millisecond}

// rivalry is what is known of another machine that has the address too.
type rivalry struct {
	who    string
	silent int
}

// seekRivals asks for the address while this machine has it, from time to time: whoever
// answers has it too. It wakes when that changed.
func (d *Driver) seekRivals(ctx context.Context, wake func()) {
	if !d.seeking.CompareAndSwap(false, true) {
		return
	}
	defer d.seeking.Store(false)
	tick := time.NewTicker(d.rivals)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if d.seekOnce(ctx) {
				wake()
			}
		case <-ctx.Done():
			return
		}
	}
}

// seekOnce asks once, and reports whether what is known changed. A question that could not
// be asked changes nothing.
func (d *Driver) seekOnce(ctx context.Context) (changed bool) {
	ctx, cancel := context.WithTimeout(ctx, observeBound)
	defer cancel()
	s := &series{cancel: cancel, done: make(chan struct{})}
	defer close(s.done)
	d.mu.Lock()
	if d.stopping {
		d.mu.Unlock()
		return false
	}
	d.seek = s
	d.mu.Unlock()
	places, err := d.kernel.addresses(ctx, d.prefix.Addr())
	if err != nil {
		return false
	}
	if d.own(places) < 0 {
		return d.found("", silences)
	}
	on, err := d.usable(ctx)
	if err != nil {
		return false
	}
	w, err := d.kernel.open(on, d.prefix.Addr())
	if err != nil {
		return false
	}
	defer w.close()
	who, err := oneQuestion.whoHas(ctx, w, on, d.hardware(ctx, on), d.prefix.Addr())
	if err != nil {
		return false
	}
	return d.found(who.String(), 1)
}

// found keeps who answered, or that nobody did.
func (d *Driver) found(who string, silent int) (changed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.rival.who
	if who != "" {
		d.rival = rivalry{who: who}
		return before != who
	}
	if d.rival.silent += silent; d.rival.silent >= silences {
		d.rival.who = ""
	}
	return before != d.rival.who
}

// contested says that another machine has the address too, or nothing.
func (d *Driver) contested() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rival.who == "" {
		return ""
	}
	return fmt.Sprintf("%s has %s too: others reach either machine", d.rival.who, d.prefix.Addr())
}
