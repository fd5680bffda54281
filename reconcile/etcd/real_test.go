//go:build e2e

package etcd_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"mainstay/e2e/etcdserver"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/coordinationtest"
)

// A cluster of three real members is a place of claims, and so is one of its members
// behind a line on which answers are lost and come late.
func TestEtcdIsAPlaceOfClaims(t *testing.T) {
	c := etcdserver.New(t, 3)
	var places atomic.Int64
	fresh := func(t *testing.T) coordinationtest.Server {
		prefix := fmt.Sprintf("t%d/", places.Add(1))
		return placeOf(c.URL(prefix+"voice"), members{t, c, prefix}, nil)
	}
	coordinationtest.Run(t, fresh)
	coordinationtest.RunFaults(t, func(t *testing.T) coordinationtest.Server {
		faults := &gitserver.Failing{Changes: changes}
		at := throughProxy(t, c.Members[0].At, faults)
		prefix := fmt.Sprintf("t%d/", places.Add(1))
		return placeOf("etcd://"+at+"/"+prefix+"voice", members{t, c, prefix}, faults)
	})
}

// throughProxy puts faults before a member.
func throughProxy(t *testing.T, at string, faults *gitserver.Failing) string {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: at})
	proxy.FlushInterval = -1
	server := httptest.NewServer(faults.Option()(http.Handler(proxy)))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.Listener.Addr().String()
}

// members is what a test does to a real cluster from outside, under a prefix.
type members struct {
	t      *testing.T
	c      *etcdserver.Cluster
	prefix string
}

func (m members) ask(path string, in map[string]any, out any) {
	m.t.Helper()
	b, err := json.Marshal(in)
	if err == nil {
		err = m.c.Members[0].Ask(path, string(b), out)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m members) key(key string) string {
	return base64.StdEncoding.EncodeToString([]byte(m.prefix + key))
}

func (m members) Put(key, value string) {
	m.t.Helper()
	m.ask("/v3/kv/put", map[string]any{"key": m.key(key), "value": []byte(value)}, nil)
}

func (m members) Delete(key string) {
	m.t.Helper()
	m.ask("/v3/kv/deleterange", map[string]any{"key": m.key(key)}, nil)
}

type rows struct {
	Rows []struct{ Key, Value []byte } `json:"kvs"`
}

func (m members) Get(key string) string {
	m.t.Helper()
	var out rows
	m.ask("/v3/kv/range", map[string]any{"key": m.key(key)}, &out)
	if len(out.Rows) == 0 {
		return ""
	}
	return string(out.Rows[0].Value)
}

func (m members) Keys(prefix string) []string {
	m.t.Helper()
	var out rows
	m.ask("/v3/kv/range", map[string]any{"key": m.key(prefix), "range_end": m.key(prefix + "\xff")}, &out)
	var keys []string
	for _, r := range out.Rows {
		keys = append(keys, strings.TrimPrefix(string(r.Key), m.prefix))
	}
	return keys
}
