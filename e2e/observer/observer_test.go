package observer

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func recorded() *Recording {
	return &Recording{
		Title: "A <switch>", Length: 10 * time.Second,
		Tracks: []Track{
			{Name: "asterisk main", Group: "asterisk", Side: "main"},
			{Name: "asterisk standby", Group: "asterisk", Side: "standby"},
			{Name: "page"},
		},
		Spans: []Span{
			{Track: 0, Value: "up", From: 0, To: 4 * time.Second},
			{Track: 2, Value: "main", From: 0, To: 6 * time.Second},
			{Track: 1, Value: "up", From: 5 * time.Second, To: 10 * time.Second},
			{Track: 2, Value: "standby", From: 6 * time.Second, To: 10 * time.Second},
		},
		Marks: []Mark{{At: 3 * time.Second, Text: "commit"}},
		Gaps:  []time.Duration{20 * time.Millisecond, 30 * time.Millisecond, 20 * time.Millisecond},
	}
}

func TestOneAfterTheOtherIsNoOverlap(t *testing.T) {
	if got := recorded().Double(); got != 0 {
		t.Errorf("double-active for %v", got)
	}
}

func TestBothAtATimeIsCountedOnce(t *testing.T) {
	r := recorded()
	r.Spans[0].To = 7 * time.Second
	r.Tracks = append(r.Tracks, Track{Name: "monit main", Group: "monit"}, Track{Name: "monit standby", Group: "monit"})
	r.Spans = append(r.Spans,
		Span{Track: 3, Value: "up", From: 6 * time.Second, To: 9 * time.Second},
		Span{Track: 4, Value: "up", From: 6 * time.Second, To: 8 * time.Second})
	want := []Overlap{
		{Group: "asterisk", From: 5 * time.Second, To: 7 * time.Second},
		{Group: "monit", From: 6 * time.Second, To: 8 * time.Second},
	}
	if diff := cmp.Diff(want, r.Overlaps()); diff != "" {
		t.Errorf("overlaps (-want +got):\n%s", diff)
	}
	if got := r.Double(); got != 3*time.Second {
		t.Errorf("double-active for %v, want 3s", got)
	}
}

func TestATextShowsSidesAndEveryChange(t *testing.T) {
	var b strings.Builder
	if err := recorded().WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"double-active 0.0 s", "one every 20 ms, longest gap 30 ms",
		"asterisk main    |" + strings.Repeat("M", 32) + strings.Repeat(".", 48) + "|",
		"page             |" + strings.Repeat("M", 48) + strings.Repeat("S", 32) + "|",
		"    3.00 s  == commit\n    4.00 s  asterisk main: down\n    5.00 s  asterisk standby: up\n    6.00 s  page: standby\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, b.String())
		}
	}
}

func TestAPictureIsWellFormed(t *testing.T) {
	var b strings.Builder
	if err := recorded().WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(b.String())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v:\n%s", err, b.String())
		}
	}
	if !strings.Contains(b.String(), "A &lt;switch&gt;") {
		t.Error("the title is not in the picture")
	}
}

func TestAPictureMarksWhatWasActiveTwice(t *testing.T) {
	for end, want := range map[time.Duration]int{4 * time.Second: 0, 7 * time.Second: 2} {
		var b strings.Builder
		r := recorded()
		r.Spans[0].To = end
		if err := r.WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(b.String(), "asterisk on both sides"); got != want {
			t.Errorf("main ends at %v: %d rows are marked, want %d", end, got, want)
		}
	}
}

func TestAnObserverNotesWhatChanges(t *testing.T) {
	var value atomic.Value
	value.Store("")
	looked := make(chan string)
	o := Watch("changes", time.Millisecond, Track{Name: "x", Look: func() string {
		v := value.Load().(string)
		select {
		case looked <- v:
		default:
		}
		return v
	}})
	for _, next := range []string{"main", "", "standby"} {
		value.Store(next)
		for range 2 { // the first look may have begun before
			for got := range looked {
				if got == next {
					break
				}
			}
		}
	}
	o.Mark("here")
	r := o.End()
	var got []string
	for _, s := range r.Spans {
		got = append(got, s.Value)
	}
	if diff := cmp.Diff([]string{"main", "standby"}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if at, ok := r.Rise("x", "standby", 0); !ok || at == 0 || at > r.Length {
		t.Errorf("standby since %v, %v", at, ok)
	}
	if at, ok := r.Down("x", r.Spans[0].From); !ok || at != r.Spans[0].To {
		t.Errorf("down at %v, %v", at, ok)
	}
	if len(r.Marks) != 1 || len(r.Gaps) == 0 {
		t.Errorf("%d marks, %d gaps", len(r.Marks), len(r.Gaps))
	}
}
