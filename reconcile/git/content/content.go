// Package content is what a claim and a report hold: their JSON, what is wrong with one
// that no node would have written, and the words that git log shows beside it.
//
// It must not know where they are kept, nor what anybody decides by them.
package content

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/packet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

const (
	// MaxClaim bounds claim.json, in bytes.
	MaxClaim = 64 << 10
	// MaxReport bounds report.json, in bytes.
	MaxReport = 256 << 10
	// mostClaimValues bounds the JSON values in a claim, which has about a hundred, and
	// mostReportValues those in a report: that of a large node has a thousand.
	mostClaimValues  = 1000
	mostReportValues = 20_000
)

// decodeJSON reads one JSON value and nothing after it. Unknown fields pass: a
// newer node may write more.
func decodeJSON(b []byte, limit, most int, into any) error {
	if len(b) > limit {
		return fmt.Errorf("it is larger than %d bytes", limit)
	}
	if valuesIn(b) > most {
		return fmt.Errorf("it has more than %d values", most)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(into); err != nil {
		return failure.Scrub(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// valuesIn counts the values of a JSON text. An empty one takes three bytes there
// and a hundred in memory, so that the size of the text bounds nothing.
func valuesIn(text []byte) int {
	n, quoted := 1, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '[' || c == '{'):
			n++
		}
	}
	return n
}

// DecodeClaim reads claim.json and refuses what no node would have written.
func DecodeClaim(b []byte) (plan.Claim, error) {
	var c plan.Claim
	if err := decodeJSON(b, MaxClaim, mostClaimValues, &c); err != nil {
		return plan.Claim{}, err
	}
	return c, CheckClaim(c)
}

// mostPlaceName bounds the name of a place that a claim was carried to, in bytes.
const mostPlaceName = 64

// CheckClaim says what no node would have written into a claim.
func CheckClaim(c plan.Claim) error {
	switch {
	case c.Seq == 0:
		return errors.New("seq is missing")
	case c.Seq > plan.MaxSeq:
		return fmt.Errorf("seq %d is larger than any claim has", c.Seq)
	case max(c.Down.Main.Seq, c.Down.Standby.Seq) > c.Seq:
		return errors.New("it proves something by a change that comes after it")
	case c.Holder != plan.HeldByNone && c.Holder != plan.HeldBy(spec.Main) && c.Holder != plan.HeldBy(spec.Standby):
		return fmt.Errorf("holder %q is not main, standby or none", c.Holder)
	case !slices.Contains([]plan.Action{plan.Take, plan.Renew, plan.Release, plan.Seize, plan.Adopt, plan.Reroot, plan.Move, plan.Enter}, c.Action):
		return fmt.Errorf("action %q is unknown", c.Action)
	case len(c.To) > mostPlaceName || strings.Trim(c.To, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return errors.New("it was carried to what is no name of a place")
	case c.Action == plan.Release && c.Holder != plan.HeldByNone:
		return errors.New("released, and still held")
	case c.Node == "" || c.Instance == "":
		return errors.New("node or instance is missing")
	case c.Lease < 0 || c.StopBound < 0 || c.Debt < 0:
		return errors.New("a duration is below zero")
	case !commitOrNone(c.Commit):
		return fmt.Errorf("commit %q is not the full hash of a commit", c.Commit)
	}
	return nil
}

// EncodeClaim writes claim.json.
func EncodeClaim(c plan.Claim) ([]byte, error) {
	if err := CheckClaim(c); err != nil {
		return nil, fmt.Errorf("encode claim: %w", err)
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode claim: %w", err)
	}
	if len(b) >= MaxClaim {
		return nil, &failure.Error{Kind: failure.ErrTooLarge, Step: "encode claim"}
	}
	return append(b, '\n'), nil
}

// ClaimMessage is what a person reads in git log.
func ClaimMessage(p plan.Push) string {
	c := p.Claim
	text := fmt.Sprintf("%d %s: %s by %s", c.Seq, c.Action, c.Holder, c.Node)
	if c.Guarantee != "" {
		text += fmt.Sprintf(" (%s)", c.Guarantee)
	}
	if c.Reason != "" {
		text += "\n\n" + strings.TrimSpace(c.Reason)
	}
	text += fmt.Sprintf("\n\nInstance: %s\nCommit: %s\n", c.Instance, c.Commit)
	if p.Rule != "" {
		text += fmt.Sprintf("Rule: %s\n", p.Rule)
	}
	return strings.ReplaceAll(text, "\x00", "")
}

// DecodeReport reads report.json and refuses what no node would have written.
func DecodeReport(b []byte) (plan.Report, error) {
	var rep plan.Report
	if err := decodeJSON(b, MaxReport, mostReportValues, &rep); err != nil {
		return plan.Report{}, err
	}
	return rep, CheckReport(rep)
}

// CheckReport says what no node would have written into a report.
func CheckReport(rep plan.Report) error {
	statuses := []plan.Status{
		plan.Active, plan.Inactive, plan.Activating, plan.Deactivating,
		plan.Held, plan.Failed, plan.Paused, plan.Unknown,
	}
	switch {
	case rep.Deployment == "" || rep.Node == "" || rep.Instance == "":
		return errors.New("deployment, node or instance is missing")
	case !slices.Contains(statuses, rep.Status):
		return fmt.Errorf("status %q is unknown", rep.Status)
	case !sideOrNone(rep.Side) || !sideOrNone(rep.Declared) || !sideOrNone(rep.Serving):
		return errors.New("a side is neither main nor standby")
	case rep.Seq > plan.MaxSeq:
		return fmt.Errorf("seq %d is larger than any claim has", rep.Seq)
	case !commitOrNone(rep.Seen) || !commitOrNone(rep.Accepted) || !commitOrNone(rep.Applied):
		return fmt.Errorf("seen %q, accepted %q or applied %q is not the full hash of a commit", rep.Seen, rep.Accepted, rep.Applied)
	}
	return nil
}

// commitOrNone reports whether a text is the full hash of a commit, or nothing.
// Everything else is refused where it is read: what nodes write reaches the git
// program of people, and a word such as --output=FILE must not.
func commitOrNone(text string) bool {
	return text == "" || packet.IsHash(text)
}

func sideOrNone(s spec.Side) bool { return s == "" || s == spec.Main || s == spec.Standby }

// EncodeReport writes report.json without the moments that are kept beside it.
func EncodeReport(rep plan.Report) ([]byte, error) {
	if err := CheckReport(rep); err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	rep.At, rep.LastRead = time.Time{}, time.Time{}
	text, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	if len(text) >= MaxReport || valuesIn(text) > mostReportValues {
		return nil, &failure.Error{Kind: failure.ErrTooLarge, Step: "encode report"}
	}
	return append(text, '\n'), nil
}
