package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/spec"
)

// cluster looks at every member, reads as the agent does, and tries out whether this
// node may write what it needs.
func (e *examiner) cluster(ctx context.Context, d *spec.Deployment) {
	c, err := fleet.OpenCluster(e.file, bound, e.log)
	if err != nil {
		e.fail("etcd", "the cluster cannot be opened: "+err.Error(), hintOf(err, "correct coordination in the agent's file"))
		return
	}
	defer c.Close()
	e.members(ctx, c)
	c.Narrow("", d.Name)
	began := time.Now()
	if _, err := c.ListPrimary(ctx); err != nil {
		e.fail("etcd", "claims and reports cannot be read: "+err.Error(), hintOf(err, "without a majority of its members etcd answers nobody: start the others"))
		return
	}
	took := time.Since(began).Round(100 * time.Microsecond)
	needed := neededRefs(d, e.file.Node)
	for _, ref := range needed {
		if err := c.Try(ctx, ref); err != nil {
			e.fail("etcd", fmt.Sprintf("this node cannot write %s: %v", ref, err), hintOf(err, "see examples/etcd"))
			return
		}
	}
	e.ok("etcd", "claims and reports are read from %s in %s, and this node may write %s", c.URL(), took, strings.Join(needed, " and "))
}

// members tells how each member is.
func (e *examiner) members(ctx context.Context, c *fleet.ClaimCluster) {
	for _, m := range c.Members(ctx) {
		leads := ""
		if m.Leads {
			leads = ", leads"
		}
		switch {
		case m.Err != nil:
			e.warn("etcd", fmt.Sprintf("member %s does not answer: %v", m.At, m.Err), "start it, or replace it: the others go on as long as they are the majority")
		case !m.Led:
			e.fail("etcd", fmt.Sprintf("member %s answers and knows no leader: there is no majority", m.At), "start the other members, or mend what keeps them apart")
		case len(m.Alarms) > 0:
			e.fail("etcd", fmt.Sprintf("member %s raises %s (etcd %s, %d MB)", m.At, strings.Join(m.Alarms, " and "), m.Version, m.Bytes>>20),
				"for NOSPACE compact and defragment, or raise the quota, and then: etcdctl alarm disarm")
		default:
			e.ok("etcd", "member %s answers in %s (etcd %s, %d MB%s)", m.At, m.Took.Round(100*time.Microsecond), m.Version, m.Bytes>>20, leads)
		}
	}
}

// otherKeys tries on the cluster what this node's user must not be able to write.
func (e *examiner) otherKeys(ctx context.Context, d *spec.Deployment) {
	c, err := fleet.OpenCluster(e.file, bound, e.log)
	if err != nil {
		e.warn(security, "whether etcd keeps this node from other nodes' keys is not known: "+err.Error(), "correct coordination in the agent's file")
		return
	}
	defer c.Close()
	for _, other := range []string{git.ReportRef(d.Name, e.file.Node+"-doctor"), git.ClaimRef(d.Name, e.file.Node+"-doctor")} {
		switch err := c.Try(ctx, other); {
		case errors.Is(err, failure.ErrRefused):
			e.ok(security, "etcd keeps this node from other nodes' keys (it refuses %s)", other)
		case err != nil:
			e.warn(security, "whether etcd keeps this node from other nodes' keys is not known: "+err.Error(), hintOf(err, "try again"))
		case e.file.Verify.Nodes == "":
			e.fail(security, "this node may write other nodes' keys ("+other+"), and claims and reports are not signed", "give each node a user and a role of its own (examples/etcd), and set verify.nodes")
		default:
			e.warn(security, "this node may write other nodes' keys ("+other+"): a stolen password makes claims unreadable", "give each node a user and a role of its own (examples/etcd)")
		}
	}
}
