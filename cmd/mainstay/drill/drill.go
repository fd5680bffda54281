// Package drill practises a switch: over, a look whether all works there, and back, by the
// very commands that a person runs, so that a drill proves those. What came of it is in the
// history of both switches, and in a record.
//
// It must not know how a switch is made.
package drill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Verdict is what came of a drill.
type Verdict string

// The verdicts. Refused changed nothing; aborted went back before its time, or did not
// come back.
const (
	Passed  Verdict = "passed"
	Failed  Verdict = "failed"
	Aborted Verdict = "aborted"
	Refused Verdict = "refused"
)

// The words of Options.AbortOn.
const (
	OnLate   = "late"   // the switch missed handover.objective
	OnAssert = "assert" // an assertion failed
)

// Options say how to practise.
type Options struct {
	Reason string
	// Assert are commands, each a program with its arguments, that must succeed while
	// the other side serves. Within bounds each of them.
	Assert []string
	Within time.Duration
	// Stay is how long the other side serves before the way back, Wait how long each
	// way is followed.
	Stay, Wait time.Duration
	// Window is when a drill may be under way, as 02:00-04:00 in local time.
	Window string
	// AbortOn are the words upon which it goes back before Stay is over.
	AbortOn []string
	// DryRun changes nothing.
	DryRun bool
}

// Leg is one way of a drill.
type Leg struct {
	From    spec.Side `json:"from"`
	To      spec.Side `json:"to"`
	Commit  string    `json:"commit,omitempty"`
	Seconds float64   `json:"seconds"`
	// Converged says that every node was seen as the commit says.
	Converged bool `json:"converged"`
	// Switches are those of each role, as the history tells them: who, by which
	// guarantee, with the times of the phases, and whether the objective was kept.
	Switches []fleet.Switch `json:"switches"`
}

// Asserted is what came of one assertion.
type Asserted struct {
	Command string `json:"command"`
	OK      bool   `json:"ok"`
	Said    string `json:"said,omitempty"`
}

// Record is what is kept of a drill.
type Record struct {
	Drill      string             `json:"drill"`
	Deployment string             `json:"deployment"`
	Reason     string             `json:"reason,omitempty"`
	Began      time.Time          `json:"began"`
	Ended      time.Time          `json:"ended"`
	Plan       *forecast.Forecast `json:"plan,omitempty"`
	Over       *Leg               `json:"over,omitempty"`
	Asserted   []Asserted         `json:"asserted"`
	Back       *Leg               `json:"back,omitempty"`
	Verdict    Verdict            `json:"verdict"`
	Why        string             `json:"why"`
}

// Runner runs a command of this program, or of the person, and returns what it printed and
// its exit code. The error is that it did not run.
type Runner struct {
	Self    func(ctx context.Context, args ...string) (out []byte, code int, err error)
	Command func(ctx context.Context, line string) (said string, err error)
	// Rest waits, unless ctx ends first.
	Rest func(ctx context.Context, d time.Duration)
	Now  func() time.Time
	Say  io.Writer
}

// Ended is why a drill did not pass, with the exit code of the command.
type Ended struct {
	Code         int
	Why, Advised string
}

// Error returns why.
func (e *Ended) Error() string { return e.Why }

// Hint returns what to do, or the empty string.
func (e *Ended) Hint() string { return e.Advised }

// The exit codes, which are those of failover.
const (
	codeFailed       = 1
	codeUsage        = 2
	codeProblems     = 3
	codeNotConverged = 5
	codeRefused      = 6
)

// planned is what failover --dry-run prints.
type planned struct {
	Deployment string             `json:"deployment"`
	From       spec.Side          `json:"from"`
	To         spec.Side          `json:"to"`
	Plan       *forecast.Forecast `json:"plan"`
}

// followed is the part of what failover prints that a drill reads.
type followed struct {
	Commit    string  `json:"commit"`
	Converged bool    `json:"converged"`
	Seconds   float64 `json:"seconds"`
}

// Run practises. The record is of as much as was done; the error is an *Ended unless the
// drill passed, or would have begun.
func (r Runner) Run(ctx context.Context, o Options) (*Record, error) {
	w, err := window(o.Window)
	if err != nil {
		return nil, err
	}
	rec := &Record{Began: r.Now(), Reason: o.Reason, Asserted: []Asserted{}}
	rec.Drill = "drill " + rec.Began.UTC().Format("2006-01-02T15:04:05Z")
	p, err := r.plan(ctx, rec)
	if err != nil {
		return r.end(rec, Refused, err)
	}
	if err := w.holds(rec.Began, r.longest(p, o)); err != nil {
		return r.end(rec, Refused, err)
	}
	if o.DryRun {
		rec.Why = "it would begin: nothing speaks against it"
		return rec, nil
	}
	rec.Over = &Leg{From: p.From, To: p.To, Switches: []fleet.Switch{}}
	if err := r.leg(ctx, rec.Over, o, r.reason(rec, "over")); nothingDone(err) {
		return r.end(rec, Refused, err)
	}
	trouble := r.judge(ctx, rec, o)
	if trouble == "" || !r.aborts(rec, o) {
		fmt.Fprintf(r.Say, "%s serves; back in %s\n", p.To, o.Stay)
		r.Rest(ctx, o.Stay)
	}
	if ctx.Err() != nil && trouble == "" {
		trouble = "it was broken off"
	}
	return r.goBack(ctx, rec, o, trouble)
}

// goBack fails back, also when the person ended the command, and says what came of it all.
func (r Runner) goBack(ctx context.Context, rec *Record, o Options, trouble string) (*Record, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Wait+time.Minute)
	defer cancel()
	rec.Back = &Leg{From: rec.Over.To, To: rec.Over.From, Switches: []fleet.Switch{}}
	said := "all was well there"
	if trouble != "" {
		said = trouble
	}
	if err := r.leg(ctx, rec.Back, o, r.reason(rec, "back, "+said)); err != nil {
		return r.end(rec, Aborted, &Ended{codeNotConverged, fmt.Sprintf("the way back is not known to be over: %v", err),
			fmt.Sprintf("look with `mainstay status`; `mainstay failover --to %s` goes back", rec.Back.To)})
	}
	if late := missed(rec.Back); late != "" && trouble == "" {
		trouble = late
	}
	switch {
	case trouble == "":
		rec.Verdict, rec.Why, rec.Ended = Passed, fmt.Sprintf("over in %.1fs and back in %.1fs", rec.Over.Seconds, rec.Back.Seconds), r.Now()
		return rec, nil
	case !rec.Over.Converged || strings.HasPrefix(trouble, "it was broken off"):
		return r.end(rec, Aborted, &Ended{codeNotConverged, trouble + "; " + string(rec.Back.To) + " serves again", ""})
	}
	return r.end(rec, Failed, &Ended{codeFailed, trouble + "; " + string(rec.Back.To) + " serves again", ""})
}

func (r Runner) end(rec *Record, v Verdict, err error) (*Record, error) {
	rec.Verdict, rec.Why, rec.Ended = v, err.Error(), r.Now()
	return rec, err
}

// reason is what stands in the history of a way.
func (r Runner) reason(rec *Record, what string) string {
	text := rec.Drill + ", " + what
	if rec.Reason != "" {
		text += ": " + rec.Reason
	}
	return text
}

// plan asks what the switch would do. A drill never begins where the side that comes up
// would have to take the other one for dead.
func (r Runner) plan(ctx context.Context, rec *Record) (*planned, error) {
	out, code, err := r.Self(ctx, "failover", "--dry-run", "-o", "json")
	if err != nil {
		return nil, &Ended{codeFailed, err.Error(), ""}
	}
	p := &planned{}
	if json.Unmarshal(out, p) == nil && p.Plan != nil {
		rec.Deployment, rec.Plan = p.Deployment, p.Plan
	}
	switch {
	case code != 0:
		return nil, &Ended{code, "the switch would be refused, as said above", ""}
	case p.Plan == nil || p.To == "":
		return nil, &Ended{codeFailed, "what the switch would do was not told", ""}
	case len(p.Plan.Handovers) == 0:
		return nil, &Ended{codeRefused, "no role would be handed over: there is nothing to practise", ""}
	}
	for _, h := range p.Plan.Handovers {
		if g := plan.Guarantee(h.Guarantee); g != plan.Released {
			what := "nothing"
			if h.Guarantee != "" {
				what = h.Guarantee
			}
			return nil, &Ended{codeRefused, fmt.Sprintf("%s would rest on %s, and a drill wants released: %s", h.Role, what, h.Why),
				"make sure that both sides are heard, and try again"}
		}
	}
	return p, nil
}

// longest is the bound of the whole drill, as far as the document has one.
func (r Runner) longest(p *planned, o Options) time.Duration {
	var most float64
	for _, h := range p.Plan.Handovers {
		most = max(most, h.Longest)
	}
	return 2*time.Duration(most*float64(time.Second)) + o.Stay
}

// leg makes one way and looks up in the history what came of it.
func (r Runner) leg(ctx context.Context, l *Leg, o Options, reason string) error {
	out, code, err := r.Self(ctx, "failover", "--to", string(l.To), "--reason", reason, "--wait", o.Wait.String(), "--yes", "-o", "json")
	if err != nil {
		return &Ended{codeFailed, err.Error(), ""}
	}
	var f followed
	if json.Unmarshal(out, &f) == nil {
		l.Commit, l.Seconds, l.Converged = f.Commit, f.Seconds, f.Converged && code == 0
	}
	if code != 0 || !l.Converged {
		return &Ended{max(code, codeFailed), fmt.Sprintf("%s does not serve as the commit says, as said above", l.To), ""}
	}
	out, code, err = r.Self(ctx, "history", "--limit", "1", "-o", "json")
	var h fleet.History
	if err != nil || code != 0 || json.Unmarshal(out, &h) != nil {
		return nil // the switch was seen to be over; what it took is not in the record
	}
	for _, s := range h.Switches {
		if s.Commit == l.Commit || s.Declared != nil && s.Declared.Commit == l.Commit {
			l.Switches = append(l.Switches, s)
		}
	}
	return nil
}

// nothingDone reports whether failover said that it changed nothing. Of any other end the
// commit may be there, also where none was told.
func nothingDone(err error) bool {
	var e *Ended
	return errors.As(err, &e) && slices.Contains([]int{codeUsage, codeProblems, codeRefused}, e.Code)
}

// judge says what is wrong on the other side, empty when nothing is.
func (r Runner) judge(ctx context.Context, rec *Record, o Options) string {
	if !rec.Over.Converged {
		return fmt.Sprintf("%s did not serve as the commit says within %s", rec.Over.To, o.Wait)
	}
	trouble := missed(rec.Over)
	for _, line := range o.Assert {
		within, cancel := context.WithTimeout(ctx, o.Within)
		said, err := r.Command(within, line)
		cancel()
		a := Asserted{Command: line, OK: err == nil, Said: said}
		if err != nil {
			a.Said = strings.TrimSpace(err.Error())
			trouble = fmt.Sprintf("%q failed while %s served: %s", line, rec.Over.To, a.Said)
		}
		rec.Asserted = append(rec.Asserted, a)
	}
	return trouble
}

// aborts reports whether what is wrong is a reason not to stay.
func (r Runner) aborts(rec *Record, o Options) bool {
	return !rec.Over.Converged || missed(rec.Over) != "" && slices.Contains(o.AbortOn, OnLate) ||
		slices.ContainsFunc(rec.Asserted, func(a Asserted) bool { return !a.OK }) && slices.Contains(o.AbortOn, OnAssert)
}

// missed says that a way took longer than the document wants. A way whose time is not
// known has not kept it either.
func missed(l *Leg) string {
	for _, s := range l.Switches {
		if s.Objective != nil && s.Objective.Verdict != fleet.Kept {
			return fmt.Sprintf("the switch of %s to %s has the objective %s: %s", s.Role, l.To, s.Objective.Bound, s.Objective.Verdict)
		}
	}
	return ""
}

// span is a part of the day, in minutes; empty is all of it.
type span struct{ from, to int }

// errWindow is a window that cannot be read.
var errWindow = errors.New("write it as 02:00-04:00")

func window(text string) (span, error) {
	if text == "" {
		return span{}, nil
	}
	from, to, ok := strings.Cut(text, "-")
	a, errA := time.Parse("15:04", strings.TrimSpace(from))
	b, errB := time.Parse("15:04", strings.TrimSpace(to))
	if !ok || errA != nil || errB != nil || a.Equal(b) {
		return span{}, &Ended{codeUsage, fmt.Sprintf("--window is %q", text), errWindow.Error()}
	}
	return span{a.Hour()*60 + a.Minute(), b.Hour()*60 + b.Minute()}, nil
}

// holds says that a drill which begins now and may take so long does not fit.
func (s span) holds(now time.Time, long time.Duration) error {
	if s == (span{}) {
		return nil
	}
	const day = 24 * 60
	since := (now.Hour()*60 + now.Minute() - s.from + day) % day
	length := (s.to - s.from + day) % day
	switch {
	case since >= length:
		return &Ended{codeRefused, fmt.Sprintf("it is %s, outside of the window", now.Format("15:04")), ""}
	case time.Duration(length-since)*time.Minute < long:
		return &Ended{codeRefused, fmt.Sprintf("it may take %s, and the window ends before", long.Round(time.Second)), ""}
	}
	return nil
}
