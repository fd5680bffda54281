package console

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"mainstay/reconcile/fleet"
)

// lookBound is how long one look at a repository may take.
const lookBound = 2 * time.Minute

// Reading is what one repository said, and since when it says nothing new. It never
// changes once it is published.
type Reading struct {
	// Repository is its address as it may be printed.
	Repository string
	// View is nil before the first look that went well.
	View *fleet.View
	// Failed is why looks fail now, empty while they do not, and Since when that began.
	Failed string
	Since  time.Time
	// Looked is when the newest look ended, whatever came of it.
	Looked time.Time
	// print tells two views apart by what a person sees.
	print uint64
}

// reader looks at one repository and publishes what it finds.
type reader struct {
	place   Repository
	every   time.Duration
	now     func() time.Time
	log     *slog.Logger
	changed func()
	// looked is called after a look that went well.
	looked  func(repository string, v *fleet.View)
	looker  Looker
	current atomic.Pointer[Reading]
	looks   atomic.Uint64
	// soon asks for a look before its time.
	soon chan struct{}
}

func newReader(place Repository, o Options, changed func(), looked func(string, *fleet.View)) *reader {
	r := &reader{place: place, every: o.Every, now: o.Now, log: o.Log, changed: changed, looked: looked, soon: make(chan struct{}, 1)}
	if r.every <= 0 {
		r.every = DefaultEvery
	}
	r.current.Store(&Reading{Repository: place.Name})
	return r
}

// run looks until ctx ends, each time after a pause that varies by a fifth, so that
// several consoles do not ask a server at the same moment.
func (r *reader) run(ctx context.Context) {
	defer r.close()
	for {
		r.look(ctx)
		pause := r.every - r.every/5 + rand.N(2*r.every/5+1)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		case <-r.soon:
		}
	}
}

// hurry makes the next look come at once.
func (r *reader) hurry() {
	select {
	case r.soon <- struct{}{}:
	default: // it was asked to already
	}
}

func (r *reader) close() {
	if r.looker != nil {
		r.looker.Close()
	}
}

// look reads once and publishes what came of it.
func (r *reader) look(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, lookBound)
	defer cancel()
	v, err := r.read(bounded)
	if ctx.Err() != nil {
		return
	}
	r.looks.Add(1)
	last := r.current.Load()
	next := &Reading{Repository: r.place.Name, View: v, Looked: r.now(), print: last.print}
	if err != nil {
		next.View, next.Failed, next.Since = last.View, err.Error(), last.Since
		if last.Failed == "" {
			next.Since = next.Looked
			r.log.Warn("repository cannot be read", "repository", r.place.Name, "error", err)
		}
	} else {
		next.print = fingerprint(v)
		r.looked(r.place.Name, v)
		if last.Failed != "" {
			r.log.Info("repository is read again", "repository", r.place.Name)
		}
	}
	r.current.Store(next)
	if next.print != last.print || next.Failed != last.Failed {
		r.changed()
	}
}

func (r *reader) read(ctx context.Context) (*fleet.View, error) {
	if r.looker == nil {
		l, err := r.place.Open()
		if err != nil {
			return nil, err
		}
		r.looker = l
	}
	return r.looker.Read(ctx)
}

// fingerprint is another number when a person would see something else, ages apart.
func fingerprint(v *fleet.View) uint64 {
	h := fnv.New64a()
	fmt.Fprintln(h, v.Commit, v.OK)
	for i := range v.Deployments {
		d := &v.Deployments[i]
		fmt.Fprintln(h, d.Name, d.Path, d.Digest, d.OK, len(d.Problems), len(d.Findings), len(d.Outages))
		for _, role := range slices.Sorted(maps.Keys(d.Claims)) {
			fmt.Fprintln(h, role, d.Claims[role].ID, d.Claims[role].Seq, d.Claims[role].Error)
		}
		for _, n := range d.Nodes {
			fmt.Fprintln(h, n.Name, n.Stale, n.OK, len(n.Findings), n.Unreadable)
			if n.Report != nil {
				fmt.Fprintln(h, n.Report.Run, n.Report.Beat, n.Report.At, n.Report.Status)
			}
		}
	}
	return h.Sum64()
}
