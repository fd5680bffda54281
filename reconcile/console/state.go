package console

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/console/terms"
	"mainstay/reconcile/fleet"
)

// state is what all repositories said, as one page needs it.
type state struct {
	at       time.Time
	readings []*Reading
	entries  []*entry
}

// entry is one deployment of one repository.
type entry struct {
	// ID is its name in addresses: the deployment's own, with a number where another
	// repository has one of that name too.
	ID      string
	D       *fleet.Deployment
	Reading *Reading
	Level   terms.Level
	reader  *reader
}

// state gathers the newest readings.
func (c *Console) state() *state {
	s := &state{at: c.now()}
	named := map[string]int{}
	for _, r := range c.readers {
		reading := r.current.Load()
		s.readings = append(s.readings, reading)
		if reading.View == nil {
			continue
		}
		for i := range reading.View.Deployments {
			d := &reading.View.Deployments[i]
			e := &entry{ID: cmp.Or(d.Name, "unnamed"), D: d, Reading: reading, Level: terms.LevelOf(d), reader: r}
			if named[d.Name]++; named[d.Name] > 1 {
				e.ID = fmt.Sprintf("%s~%d", e.ID, named[d.Name])
			}
			s.entries = append(s.entries, e)
		}
	}
	slices.SortStableFunc(s.entries, func(a, b *entry) int {
		return cmp.Or(a.Level.Rank()-b.Level.Rank(), strings.Compare(a.ID, b.ID))
	})
	return s
}

// entry finds a deployment by its ID, nil when there is none.
func (s *state) entry(id string) *entry {
	for _, e := range s.entries {
		if e.ID == id {
			return e
		}
	}
	return nil
}

// oldAfter is for how long the pace of looks may be missed before a page calls its data
// old.
const oldAfter = 30 * time.Second

// old reports whether what a reading says may not be so any more.
func (r *Reading) old(now time.Time, every time.Duration) bool {
	return r.Failed != "" || r.View != nil && now.Sub(r.View.Read) > every+oldAfter
}

// heard is how long ago a node was heard, at the moment of the page: what was read
// some time ago is older by that.
func (e *entry) heard(n fleet.Node, now time.Time) time.Duration {
	return n.Heard() + max(0, now.Sub(e.Reading.View.Read))
}
