package spec

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func want(t *testing.T, d *Deployment, node string) *Wanted {
	t.Helper()
	w, err := d.Want(node)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWantExpandsForTheNodeItself(t *testing.T) {
	w := want(t, mustLoad(t, design, designTemplates()), "xivo-standby")
	if diff := cmp.Diff("10.20.0.11:5060", w.Witness.SIP); diff != "" {
		t.Errorf("the witness is the peer: %s", diff)
	}
	if diff := cmp.Diff("10.20.0.12:5060", w.Services[0].Ready.SIP); diff != "" {
		t.Errorf("readiness asks the node itself: %s", diff)
	}
	if diff := cmp.Diff([]string{"xivo-master-slave-db-replication", "10.20.0.11"}, w.Jobs[0].Command); diff != "" {
		t.Error(diff)
	}
	if w.Peer != "xivo-main" || w.Side != Standby || !w.Exclusive {
		t.Errorf("peer %q, side %q, exclusive %v", w.Peer, w.Side, w.Exclusive)
	}
}

func TestStopBoundIsTheStopTimeoutsAndTheWatchdog(t *testing.T) {
	w := want(t, mustLoad(t, design, designTemplates()), "xivo-main")
	if got, want := w.StopBound, 20*time.Second+30*time.Second+WatchdogBound; got != want {
		t.Errorf("R7: W = %s, want %s", got, want)
	}
}

func TestDetectProbesTheFollowedNodeOfEachSide(t *testing.T) {
	w := want(t, mustLoad(t, design, designTemplates()), "edge")
	got := map[Side]string{Main: w.DetectOn[Main].HTTP, Standby: w.DetectOn[Standby].HTTP}
	if diff := cmp.Diff(map[Side]string{Main: "https://10.20.0.21/", Standby: "https://10.20.0.22/"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[Side]string{Main: "cc-main", Standby: "cc-standby"}, w.FollowNodes); diff != "" {
		t.Error(diff)
	}
}

func TestFilesFollowTheServingSide(t *testing.T) {
	d := mustLoad(t, design, designTemplates())
	for side, want := range map[Side]string{Main: "10.20.0.21", Standby: "10.20.0.22"} {
		got, err := d.RenderFile("edge", "/etc/nginx/conf.d/upstream.conf", side)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff("upstream cc { server "+want+":443; }\n", string(got)); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := d.RenderFile("edge", "/etc/nginx/conf.d/upstream.conf", ""); err == nil || !strings.Contains(err.Error(), "on") {
		t.Errorf("while nobody serves there is no node to name: %v", err)
	}
}
