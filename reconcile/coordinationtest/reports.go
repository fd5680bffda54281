package coordinationtest

import (
	"errors"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
)

func reports(b *bench) {
	n, other := b.node(), b.node()
	var seen []string
	for _, status := range []plan.Status{plan.Activating, plan.Active, plan.Active} {
		want := report("xivo-main", status)
		want.Seq = uint64(len(seen))
		if err := n.link.Publish(ctx(b.t), reportRef, want); err != nil {
			b.t.Fatal(err)
		}
		at := other.at(reportRef)
		seen = append(seen, at)
		got, errs := other.link.Reports(ctx(b.t), map[string]string{reportRef: at})
		if diff := cmp.Diff(want, got[reportRef]); diff != "" || len(errs) > 0 {
			b.t.Errorf("%v %s", errs, diff)
		}
	}
	if seen[0] == seen[1] || seen[1] == seen[2] {
		b.t.Errorf("other reports, listed the same: %q", seen)
	}
	// A run of the agent that knows of no report before its own replaces it.
	if err := other.link.Publish(ctx(b.t), reportRef, report("xivo-main", plan.Inactive)); err != nil {
		b.t.Fatal(err)
	}
	got, errs := b.node().link.Reports(ctx(b.t), map[string]string{reportRef: seen[2]})
	if len(got) != 0 || len(errs) != 0 {
		b.t.Errorf("one that moved since it was listed: %v, %v", got, errs)
	}
	got, errs = n.link.Reports(ctx(b.t), map[string]string{reportRef: n.at(reportRef)})
	if got[reportRef].Status != plan.Inactive || len(errs) != 0 {
		b.t.Errorf("the newest: %v, %v", got, errs)
	}
}

func damagedReports(b *bench) {
	n := b.node()
	if err := n.link.Publish(ctx(b.t), reportRef, report("xivo-main", plan.Active)); err != nil {
		b.t.Fatal(err)
	}
	bad := git.ReportRef("paris", "xivo-standby")
	for name, content := range map[string]string{
		"no JSON":        "<html>",
		"empty":          "",
		"unknown status": `{"deployment":"paris","node":"xivo-standby","instance":"i","status":"Fine"}`,
		"an option":      `{"deployment":"paris","node":"xivo-standby","instance":"i","status":"Active","seen":"--output=x"}`,
	} {
		at := b.Write(b.t, bad, content)
		got, errs := n.link.Reports(ctx(b.t), map[string]string{reportRef: n.at(reportRef), bad: at})
		if !errors.Is(errs[bad], failure.ErrDamaged) || len(errs) != 1 || got[reportRef].Status != plan.Active {
			b.t.Errorf("%s: got %v, %v", name, got, errs)
		}
	}
}

func ownReport(b *bench) {
	n := b.node()
	other := git.ReportRef("paris", "xivo-standby")
	if err := n.link.Publish(ctx(b.t), other, report("xivo-main", plan.Active)); err != nil {
		b.t.Fatal(err)
	}
	got, errs := n.link.Reports(ctx(b.t), map[string]string{other: n.at(other)})
	if len(got) != 0 || !errors.Is(errs[other], failure.ErrDamaged) {
		b.t.Errorf("got %v, %v", got, errs)
	}
}
