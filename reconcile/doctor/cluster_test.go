package doctor

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"mainstay/e2e/etcdserver"
	"mainstay/spec"
)

// clustered is a node's own file whose claims live on a cluster.
func clustered(t *testing.T, members ...string) *spec.AgentFile {
	t.Helper()
	f := file(t, repository(t))
	f.Repository.SSHKey = ""
	f.Coordination.URL = "etcd://" + strings.Join(members, ",") + "/voice"
	return f
}

func TestAClusterIsLookedAtMemberByMember(t *testing.T) {
	fake := etcdserver.NewFake(3)
	f := clustered(t, fake.Serve(t), "127.0.0.1:1")
	found := Examine(t.Context(), f, slog.New(slog.DiscardHandler))
	has(t, found, OK, "answers in", "")
	has(t, found, Warn, "member 127.0.0.1:1 does not answer", "")
	has(t, found, OK, "this node may write refs/mainstay/rome/report/a1 and refs/mainstay/rome/claim/app", "")
	if keys := fake.Keys(""); len(keys) != 0 {
		t.Errorf("doctor left %q behind", keys)
	}
}

func TestAClusterThatRefusesANodeItsKeysFails(t *testing.T) {
	fake := etcdserver.NewFake(1)
	deny := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/txn") {
				http.Error(w, `{"error":"x","message":"etcdserver: permission denied","code":7}`, http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	found := Examine(t.Context(), clustered(t, fake.Serve(t, deny)), slog.New(slog.DiscardHandler))
	has(t, found, Fail, "cannot write refs/mainstay/rome/report/a1", "")
	e := &examiner{file: clustered(t, fake.Serve(t)), log: slog.New(slog.DiscardHandler)}
	d, problems := spec.Load("deployment.yaml", []byte(document), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	e.otherKeys(t.Context(), d)
	has(t, e.found, Fail, "may write other nodes' keys", "")
	e = &examiner{file: clustered(t, fake.Serve(t, deny)), log: slog.New(slog.DiscardHandler)}
	e.otherKeys(t.Context(), d)
	has(t, e.found, OK, "keeps this node from other nodes' keys", "")
}
