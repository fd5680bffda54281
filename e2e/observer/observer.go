package observer

import (
	"slices"
	"sync"
	"time"
)

// Track is one thing that is watched.
type Track struct {
	Name string
	// Group names what excludes each other: at any moment at most one track of a
	// group may be up. Empty excludes nothing.
	Group string
	// Side is the side a track belongs to, for its colour; empty for shared ones,
	// which are coloured by their value.
	Side string
	// Look says what the thing is now; empty means down. It is called from one
	// goroutine and must return within a few milliseconds.
	Look func() string
}

// Span is a time during which a track had one value, from the start of the
// recording.
type Span struct {
	Track    int
	Value    string
	From, To time.Duration
}

// Mark is a moment somebody gave a name to.
type Mark struct {
	At   time.Duration
	Text string
}

// Recording is what was seen from its start to its end.
type Recording struct {
	Title  string
	Tracks []Track
	Spans  []Span
	Marks  []Mark
	Length time.Duration
	// Gaps are the times between two looks.
	Gaps []time.Duration
}

// Observer is a recording under way.
type Observer struct {
	mu    sync.Mutex
	began time.Time
	rec   Recording
	now   []string        // value of each track
	since []time.Duration // since when
	end   chan struct{}
	done  chan struct{}
}

// Watch looks at all tracks at an interval until End is called.
func Watch(title string, every time.Duration, tracks ...Track) *Observer {
	o := &Observer{
		began: time.Now(), rec: Recording{Title: title, Tracks: tracks},
		now: make([]string, len(tracks)), since: make([]time.Duration, len(tracks)),
		end: make(chan struct{}), done: make(chan struct{}),
	}
	o.probeAll(0)
	go o.run(every)
	return o
}

func (o *Observer) run(every time.Duration) {
	defer close(o.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	last := time.Duration(0)
	for {
		select {
		case <-o.end:
			return
		case <-tick.C:
		}
		at := time.Since(o.began)
		o.probeAll(at)
		o.mu.Lock()
		o.rec.Gaps = append(o.rec.Gaps, at-last)
		o.mu.Unlock()
		last = at
	}
}

// probeAll notes what every track is at a moment.
func (o *Observer) probeAll(at time.Duration) {
	values := make([]string, len(o.rec.Tracks))
	for i, t := range o.rec.Tracks {
		values[i] = t.Look()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, value := range values {
		if value != o.now[i] {
			o.close(i, at)
			o.now[i], o.since[i] = value, at
		}
	}
}

// close ends the span of a track.
func (o *Observer) close(i int, at time.Duration) {
	if o.now[i] != "" && at > o.since[i] {
		o.rec.Spans = append(o.rec.Spans, Span{Track: i, Value: o.now[i], From: o.since[i], To: at})
	}
}

// Mark gives this moment a name.
func (o *Observer) Mark(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rec.Marks = append(o.rec.Marks, Mark{At: time.Since(o.began), Text: text})
}

// End looks once more, stops watching and returns what was seen. It may be
// called once.
func (o *Observer) End() *Recording {
	close(o.end)
	<-o.done
	o.probeAll(time.Since(o.began))
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rec.Length = time.Since(o.began)
	for i := range o.now {
		o.close(i, o.rec.Length)
	}
	slices.SortStableFunc(o.rec.Spans, func(a, b Span) int { return int(a.From - b.From) })
	return &o.rec
}

// rows are the tracks worth a line: those that ever were up, and those of a side,
// of which it matters that they never were.
func (r *Recording) rows() []int {
	var all []int
	for i, t := range r.Tracks {
		if t.Side != "" || slices.ContainsFunc(r.Spans, func(s Span) bool { return s.Track == i }) {
			all = append(all, i)
		}
	}
	return all
}

// Overlap is a time during which more than one track of a group was up.
type Overlap struct {
	Group    string
	From, To time.Duration
}

// Overlaps are the times of double activity, in order. There should be none.
func (r *Recording) Overlaps() []Overlap {
	var all []Overlap
	for i, a := range r.Spans {
		for _, b := range r.Spans[i+1:] {
			group := r.Tracks[a.Track].Group
			if a.Track == b.Track || group == "" || group != r.Tracks[b.Track].Group {
				continue
			}
			if from, to := max(a.From, b.From), min(a.To, b.To); from < to {
				all = append(all, Overlap{Group: group, From: from, To: to})
			}
		}
	}
	slices.SortFunc(all, func(a, b Overlap) int { return int(a.From - b.From) })
	return all
}

// Double is for how long more than one track of any group was up.
func (r *Recording) Double() time.Duration {
	var sum, until time.Duration
	for _, o := range r.Overlaps() {
		if from := max(o.From, until); o.To > from {
			sum += o.To - from
			until = o.To
		}
	}
	return sum
}

// Gap is the median and the longest time between two looks.
func (r *Recording) Gap() (median, longest time.Duration) {
	if len(r.Gaps) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(r.Gaps))
	return sorted[len(sorted)/2], sorted[len(sorted)-1]
}

// Rise is the first moment after another at which a track came up with a value;
// any value for none. False when it never did.
func (r *Recording) Rise(track, value string, after time.Duration) (time.Duration, bool) {
	for _, s := range r.Spans {
		if r.Tracks[s.Track].Name == track && s.From > after && (value == "" || s.Value == value) {
			return s.From, true
		}
	}
	return 0, false
}

// Down is the first moment from a time on at which a track is not up. False
// when it was up to the end.
func (r *Recording) Down(track string, after time.Duration) (time.Duration, bool) {
	for _, s := range r.Spans {
		if r.Tracks[s.Track].Name == track && s.From <= after && after < s.To {
			after = s.To
		}
	}
	return after, after < r.Length
}
