package fleet

import (
	"testing"

	"mainstay/e2e/etcdserver"
	"mainstay/reconcile/git"
)

func TestTheMembersOfAClusterAreToldToWhoAsks(t *testing.T) {
	at := etcdserver.NewFake(3).Serve(t)
	place := Location{URL: t.TempDir(), Branch: "main", Coordination: "etcd://" + at + ",127.0.0.1:1/voice"}
	s, err := Open(place)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.coord == git.Place(nil) || s.members(t.Context()) != nil {
		t.Error("nobody asked for the members")
	}
	s.LookAtMembers()
	v := &View{Members: s.members(t.Context())}
	if len(v.Members) != 2 || v.Members[0].Error != "" || v.Members[1].Error == "" || !v.Members[0].Led {
		t.Fatalf("got %+v", v.Members)
	}
	v.Members[0].Milliseconds, v.Members[0].Alarms = 1.25, []string{"NOSPACE"}
	want := "claims on etcd: 1 of 2 members answer, in 1.2 ms at most; " + at + " raises NOSPACE; 127.0.0.1:1 does not answer"
	if got := v.Cluster(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := (&View{}).Cluster(); got != "" {
		t.Errorf("without a cluster: %q", got)
	}
}
