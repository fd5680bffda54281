package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	"mainstay/e2e/note"
)

// claimPrefix is what the keys of the claims' place begin with.
const claimPrefix = "torture"

// pair is a key and what it holds.
type pair struct{ Key, Value []byte }

// under reads all pairs whose key begins with a text, of the first member that answers for
// the majority.
func (c *cluster) under(prefix string) (pairs []pair, err error) {
	end := prefix[:len(prefix)-1] + string(prefix[len(prefix)-1]+1)
	for _, m := range c.members {
		var out struct {
			Pairs []pair `json:"kvs"`
		}
		if err = m.ask("/v3/kv/range", fmt.Sprintf(`{"key":%q,"range_end":%q}`, b64(prefix), b64(end)), &out); err == nil {
			return out.Pairs, nil
		}
	}
	return nil, err
}

// put writes one value.
func (c *cluster) put(key, value string) error {
	return c.leader().ask("/v3/kv/put", fmt.Sprintf(`{"key":%q,"value":%q}`, b64(key), b64(value)), &struct{}{})
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// ask asks a member past everybody's way to it.
func (m *member) ask(path, body string, out any) error {
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Post("http://"+*m.at.Load()+path, "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return errors.New("etcd answers " + answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(out)
}

// changes are the changes of all claims, wherever on the cluster they are.
func (c *cluster) changes() []change {
	all := append([]change(nil), c.past...)
	for _, place := range []string{claimPrefix, elsewhere} {
		pairs, _ := c.under(place + "/note/")
		for _, p := range pairs {
			var one change
			file, is := note.File(string(p.Value))
			if is && strings.Contains(string(p.Key), "/claim/") && json.Unmarshal([]byte(file), &one) == nil {
				all = append(all, one)
			}
		}
	}
	return all
}

// wayTo is a node's own way to the members, which its link spoils as it does that to git,
// and each member's link for everybody.
func (c *cluster) wayTo(ctx context.Context, l *link) (coordination string, err error) {
	var at []string
	for _, m := range c.members {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		server := &http.Server{Handler: l.before(m.link.before(m)), ErrorLog: silent(), ReadHeaderTimeout: 5 * time.Second}
		go func() { _ = server.Serve(listener) }()
		context.AfterFunc(ctx, func() { _ = server.Close() })
		at = append(at, listener.Addr().String())
	}
	return fmt.Sprintf("{ url: %q }", "etcd://"+strings.Join(at, ",")+"/"+claimPrefix), nil
}

func silent() *log.Logger { return log.New(io.Discard, "", 0) }

// ServeHTTP hands a request on to the member. One that does not answer says nothing.
func (m *member) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1, ErrorLog: silent(),
		Rewrite:      func(p *httputil.ProxyRequest) { p.Out.URL.Scheme, p.Out.URL.Host = "http", *m.at.Load() },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	proxy.ServeHTTP(w, r)
}

// before puts the link before a member: a watch goes through until the link is spoilt, and
// everything else as it does.
func (l *link) before(next http.Handler) http.Handler {
	others := l.wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/v3/watch") {
			others.ServeHTTP(w, r)
			return
		}
		l.mu.Lock()
		spoilt := l.cut || l.hang
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if spoilt {
			panic(http.ErrAbortHandler)
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		go func() {
			select {
			case <-changed:
				cancel()
			case <-ctx.Done():
			}
		}()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// writes reports whether a request changes a claim or a report.
func writes(r *http.Request, body string) bool {
	push := strings.HasSuffix(r.URL.Path, "/git-receive-pack") && r.Method == http.MethodPost
	return push || strings.HasSuffix(r.URL.Path, "/v3/kv/txn") && strings.Contains(body, "request_put")
}
