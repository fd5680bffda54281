package console

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// What a node said too long ago, or under a claim that is another side's since, is what
// was: its services too.
func TestAnOldWordIsNotWhatIs(t *testing.T) {
	silent, overtaken := calm("silent"), calm("overtaken")
	silent.Nodes[0].Stale = true
	overtaken.Claims["xivo"] = fleet.Claim{Tip: plan.Tip{ID: "abc", Claim: plan.Claim{Seq: 5, Holder: plan.HeldBy(spec.Standby), Guarantee: plan.Presumed}}}
	s := newSite(t, Options{}, &repository{view: viewOf(silent, overtaken, calm("fine"))})
	for _, name := range []string{"silent", "overtaken"} {
		for _, path := range []string{"/d/" + name, "/d/" + name + "/n/xivo-main"} {
			body := s.wants(path, "en", "> was Active</span>", "> was running</span>")
			node, _, _ := strings.Cut(body[strings.Index(body, "xivo-main"):], "xivo-standby")
			if strings.Contains(node, "> running</span>") || strings.Contains(node, "> failed</span>") {
				t.Errorf("%s says what is of a node whose word is old:\n%s", path, node)
			}
		}
		s.wants("/d/"+name, "fr", "> était Actif</span>", "> était en marche</span>")
	}
	if _, body := s.get("/d/fine", "en"); strings.Contains(body, "> was ") {
		t.Error("a fresh word is told as an old one")
	}
}

// A headline of a switch says where it goes.
func TestAHeadlineSaysWhereASwitchGoes(t *testing.T) {
	d := calm("paris")
	d.Active, d.OK = spec.Standby, false
	for i := range d.Nodes {
		d.Nodes[i].OK, d.Nodes[i].Applied = false, false
	}
	d.Nodes[0].Report.Status = plan.Deactivating
	healing := calm("healing")
	healing.OK, healing.Nodes[2].OK, healing.Nodes[2].Report.Status = false, false, plan.Activating
	s := newSite(t, Options{}, &repository{view: viewOf(d, healing)})
	s.wants("/d/paris", "en", "On the way to Standby")
	s.wants("/d/paris", "fr", "En route vers Secours")
	if _, body := s.get("/d/healing", "en"); strings.Contains(body, "On the way") {
		t.Error("an edge that heals is told as a switch")
	}
}

// The history leads to the commit of each switch.
func TestASwitchLeadsToItsCommit(t *testing.T) {
	place := &repository{view: viewOf(calm("paris")), history: &fleet.History{Switches: []fleet.Switch{oneSwitch()}}}
	s := newSite(t, Options{}, place)
	s.wants("/d/paris/history", "en", `href="/d/paris/commit/`+commit+`"`)
	s.wants("/d/paris/commit/"+commit, "en", "<h1>word</h1>", "&#43;active: standby", "There is more")
	s.wants("/d/paris/commit/"+commit, "fr", "Ce qu’il a changé")
	slow := oneSwitch()
	slow.Objective = &fleet.Objective{Bound: spec.Duration(time.Second), Verdict: fleet.Missed}
	place.history = &fleet.History{Switches: []fleet.Switch{slow}}
	s.wants("/d/paris/history", "en", "Objective 1\u00a0s: missed")
	s.wants("/d/paris/history", "fr", "Objectif 1\u00a0s : manqué")
	s.wants("/d/paris/history.csv", "en", ",objective\n", ",missed\n")
	if res, _ := s.get("/d/paris/commit/main", "en"); res.StatusCode != http.StatusNotFound {
		t.Errorf("no commit: %s", res.Status)
	}
	place.err = errors.New("git is away")
	s.wants("/d/paris/commit/"+commit, "en", "git is away")
}
