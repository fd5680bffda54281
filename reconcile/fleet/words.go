package fleet

import (
	"fmt"
	"strings"

	"mainstay/reconcile/plan"
)

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
