package drill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// stage is a program whose answers a test chooses.
type stage struct {
	guarantee, verdict string
	codes              map[string]int // by the side that a failover goes to
	asked              []string
	now                time.Time
	asserts            error
	rested             time.Duration
	interrupt          func()
}

func (s *stage) runner() Runner {
	return Runner{
		Self: func(ctx context.Context, args ...string) ([]byte, int, error) {
			line := strings.Join(args, " ")
			s.asked = append(s.asked, line)
			to := "standby"
			if strings.Contains(line, "--to main") {
				to = "main"
			}
			switch {
			case ctx.Err() != nil:
				return nil, 0, ctx.Err()
			case strings.Contains(line, "--dry-run"):
				return fmt.Appendf(nil, `{"deployment":"paris","from":"main","to":"standby","plan":{"handovers":[{"role":"xivo","guarantee":%q,"longest":60}]}}`, s.guarantee), 0, nil
			case args[0] == "failover":
				return fmt.Appendf(nil, `{"commit":"to-%s","converged":%t,"seconds":2}`, to, s.codes[to] == 0), s.codes[to], nil
			}
			last := "to-standby"
			if strings.Contains(strings.Join(s.asked, "\n"), "--to main") {
				last = "to-main"
			}
			return fmt.Appendf(nil, `{"switches":[{"role":"xivo","commit":%q,"guarantee":"released","objective":{"bound":"60s","verdict":%q}}]}`, last, s.verdict), 0, nil
		},
		Command: func(context.Context, string) (string, error) { return "", s.asserts },
		Rest: func(_ context.Context, d time.Duration) {
			s.rested += d
			if s.interrupt != nil {
				s.interrupt()
			}
		},
		Now: func() time.Time { return s.now }, Say: io.Discard,
	}
}

func TestADrillIsJudgedByWhatWasSeen(t *testing.T) {
	night := time.Date(2026, 11, 27, 2, 30, 0, 0, time.Local)
	for _, c := range []struct {
		what    string
		change  func(*stage, *Options)
		verdict Verdict
		code    int
		legs    int
		rested  time.Duration
	}{
		{"all is well", nil, Passed, 0, 2, time.Minute},
		{"in its window", func(_ *stage, o *Options) { o.Window = "02:00-04:00" }, Passed, 0, 2, time.Minute},
		{"over midnight", func(_ *stage, o *Options) { o.Window = "23:00-04:00" }, Passed, 0, 2, time.Minute},
		{"outside of its window", func(_ *stage, o *Options) { o.Window = "03:00-04:00" }, Refused, 6, 0, 0},
		{"at the end of its window", func(_ *stage, o *Options) { o.Window = "02:00-02:31" }, Refused, 6, 0, 0},
		{"presumed", func(s *stage, _ *Options) { s.guarantee = "presumed" }, Refused, 6, 0, 0},
		{"by a lease", func(s *stage, _ *Options) { s.guarantee = "lease" }, Refused, 6, 0, 0},
		{"held", func(s *stage, _ *Options) { s.guarantee = "" }, Refused, 6, 0, 0},
		{"an assertion fails", func(s *stage, _ *Options) { s.asserts = errors.New("no") }, Failed, 1, 2, 0},
		{"an assertion fails, and it stays", func(s *stage, o *Options) { s.asserts, o.AbortOn = errors.New("no"), nil }, Failed, 1, 2, time.Minute},
		{"late", func(s *stage, _ *Options) { s.verdict = "missed" }, Failed, 1, 2, 0},
		{"nobody knows whether it was late", func(s *stage, _ *Options) { s.verdict = "unknown" }, Failed, 1, 2, 0},
		{"not over in time", func(s *stage, _ *Options) { s.codes = map[string]int{"standby": 5} }, Aborted, 5, 2, 0},
		{"refused in the end", func(s *stage, _ *Options) { s.codes = map[string]int{"standby": 6} }, Refused, 6, 1, 0},
		{"it died, and nobody knows what it did", func(s *stage, _ *Options) { s.codes = map[string]int{"standby": 1} }, Aborted, 5, 2, 0},
		{"not back in time", func(s *stage, _ *Options) { s.codes = map[string]int{"main": 5} }, Aborted, 5, 2, time.Minute},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := &stage{guarantee: "released", verdict: "kept", now: night}
			o := Options{Stay: time.Minute, Wait: time.Minute, Within: time.Second, Assert: []string{"look"}, AbortOn: []string{OnLate, OnAssert}}
			if c.change != nil {
				c.change(s, &o)
			}
			rec, err := s.runner().Run(t.Context(), o)
			var ended *Ended
			code := 0
			if errors.As(err, &ended) {
				code = ended.Code
			}
			if rec.Verdict != c.verdict || code != c.code {
				t.Errorf("%s, code %d: %v", rec.Verdict, code, err)
			}
			if got := strings.Count(strings.Join(s.asked, "\n"), "--yes"); got != c.legs || s.rested != c.rested {
				t.Errorf("%d ways, rested %s:\n%s", got, s.rested, strings.Join(s.asked, "\n"))
			}
		})
	}
}

// A person who ends the command on the other side is brought back.
func TestADrillThatIsBrokenOffGoesBack(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &stage{guarantee: "released", verdict: "kept", interrupt: cancel}
	rec, err := s.runner().Run(ctx, Options{Stay: time.Hour, Wait: time.Minute, Within: time.Second})
	if rec.Verdict != Aborted || err == nil || rec.Back == nil || !rec.Back.Converged {
		t.Errorf("%+v, %v", rec, err)
	}
}
