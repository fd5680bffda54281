package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/spec"
)

// pushes tries out whether this node may push what it needs: its report, and the
// claim of its role. A server with tight rules allows those and nothing else, so a
// ref of the doctor's own is tried only for what is not there yet.
func (e *examiner) pushes(ctx context.Context, remote *git.Remote, d *spec.Deployment) {
	needed := neededRefs(d, e.file.Node)
	var tried, absent []string
	for _, ref := range needed {
		switch err := remote.TryRef(ctx, ref); {
		case err == nil:
			tried = append(tried, ref)
		case errors.Is(err, git.ErrNoRef):
			absent = append(absent, ref)
		case errors.Is(err, failure.ErrUnknown):
			e.warn("git", fmt.Sprintf("whether this node may push %s is not known: %v", ref, err), allowRefs(needed))
		default:
			e.fail("git", fmt.Sprintf("this node cannot push %s: %v", ref, err), allowRefs(needed))
		}
	}
	if len(tried) > 0 {
		e.ok("git", "claims and reports can be pushed to %s: tried %s", remote.URL(), strings.Join(tried, " and "))
	}
	if len(absent) > 0 {
		e.firstPush(ctx, remote, d, absent, needed)
	}
}

// firstPush tries a ref of the doctor's own for refs that are not there yet.
func (e *examiner) firstPush(ctx context.Context, remote *git.Remote, d *spec.Deployment, absent, needed []string) {
	own := git.DoctorRef(d.Name, e.file.Node)
	kept, err := remote.TryPush(ctx, own, e.now())
	missing := strings.Join(absent, " and ")
	switch {
	case errors.Is(err, failure.ErrRefused):
		e.warn("git", fmt.Sprintf("whether this node may push %s is not known: not there yet, and the server refuses %s as well: %v", missing, own, err),
			allowRefs(append(needed, own))+"; or start the agent and run doctor again")
	case err != nil:
		e.fail("git", "this node cannot push: "+err.Error(), hintOf(err, allowRefs(needed)))
	case kept != nil:
		e.ok("git", "claims and reports can be pushed to %s: tried %s, which stayed behind (%v); %s is not there yet", remote.URL(), own, kept, missing)
	default:
		e.ok("git", "claims and reports can be pushed to %s: tried %s, as %s is not there yet", remote.URL(), own, missing)
	}
}

// neededRefs are the refs that the agent of a node pushes.
func neededRefs(d *spec.Deployment, node string) []string {
	refs := []string{git.ReportRef(d.Name, node)}
	n := d.Nodes[node]
	if d.Roles[n.Role].Exclusive {
		refs = append(refs, git.ClaimRef(d.Name, n.Role))
	}
	return refs
}

func allowRefs(refs []string) string {
	return "let this node's key or token create and move " + strings.Join(refs, " and ") + " on the server (examples/hooks/README.md)"
}
