package console

import (
	"cmp"
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
	found    []*entry // as they were read, which names goes by
	names    *terms.Names
}

// entry is one deployment of one repository.
type entry struct {
	// Named is how it is called in addresses, and to people.
	terms.Named
	D       *fleet.Deployment
	Reading *Reading
	Level   terms.Level
	reader  *reader
}

// state gathers the newest readings.
func (c *Console) state() *state {
	s := &state{at: c.now()}
	var places []terms.Place
	whole := true
	for _, r := range c.readers {
		reading := r.current.Load()
		s.readings = append(s.readings, reading)
		if reading.View == nil {
			whole = false
			continue
		}
		for i := range reading.View.Deployments {
			d := &reading.View.Deployments[i]
			places = append(places, terms.Place{Repository: r.place.Name, Branch: reading.View.Branch, Path: d.Path, Name: d.Name})
			s.entries = append(s.entries, &entry{D: d, Reading: reading, Level: terms.LevelOf(d), reader: r})
		}
	}
	s.found, s.names = slices.Clone(s.entries), terms.NewNames(len(c.readers) > 1, whole, places)
	for i, e := range s.entries {
		e.Named = s.names.Of(places[i])
	}
	slices.SortStableFunc(s.entries, func(a, b *entry) int {
		return cmp.Or(a.Level.Rank()-b.Level.Rank(), strings.Compare(a.ID, b.ID))
	})
	return s
}

// entry finds the deployment that an address means. Errors: those of terms.Names.
func (s *state) entry(id string) (*entry, error) {
	i, err := s.names.Find(id)
	if err != nil {
		return nil, err
	}
	return s.found[i], nil
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
