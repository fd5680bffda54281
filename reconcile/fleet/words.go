package fleet

import (
	"fmt"
	"strings"

	"mainstay/reconcile/plan"
)

// PauseOf says of a paused node whether it serves and until when the pause lasts, to be
// put before its reason; it is empty for a node that is not paused. The report may be
// nil.
func PauseOf(r *plan.Report) string {
	if r == nil || !r.Paused {
		return ""
	}
	text := "paused"
	switch {
	case r.Side != "" && r.Running:
		text += ", its services run"
	case r.Side != "":
		text += ", nothing runs"
	}
	if !r.PausedUntil.IsZero() {
		text += ", until " + r.PausedUntil.UTC().Format("2006-01-02 15:04:05Z")
	}
	if r.Reason == "" {
		return text
	}
	return text + ": "
}

// ClaimOf says who holds the claim of an exclusive role, under which number and by
// which guarantee; of a shared node it says which side it points at. The report
// may be nil.
func ClaimOf(r *plan.Report) string {
	switch {
	case r == nil || r.Side == "" && r.Serving == "" || r.Side != "" && r.Holder == "":
		return "-"
	case r.Side == "":
		return "points at " + string(r.Serving)
	case r.Holder == plan.HeldByNone:
		return fmt.Sprintf("#%d free", r.Seq)
	}
	return strings.TrimSpace(fmt.Sprintf("#%d %s %s", r.Seq, r.Holder, r.Guarantee))
}

// Names are those of a deployment of one kind: deployment, role or node.
func (d *Deployment) Names(kind string) []string {
	if kind == "deployment" {
		return []string{d.Name}
	}
	var out []string
	for _, n := range d.Nodes {
		if kind == "role" {
			out = append(out, n.Role)
		} else {
			out = append(out, n.Name)
		}
	}
	return out
}
