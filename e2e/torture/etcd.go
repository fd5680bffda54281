package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"mainstay/e2e/note"
)

// cluster is three members of etcd, which all runs share under prefixes of their own.
type cluster struct{ members []string }

// electsWithin bounds how long a cluster takes until it answers.
const electsWithin = 30 * time.Second

// startCluster starts the members, which end with everything else that names the folder.
func startCluster(ctx context.Context, folder string) (*cluster, error) {
	var at, peers, initial []string
	for i := range 3 {
		for _, list := range []*[]string{&at, &peers} {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			*list = append(*list, l.Addr().String())
			_ = l.Close()
		}
		initial = append(initial, fmt.Sprintf("m%d=http://%s", i, peers[i]))
	}
	for i := range at {
		c := exec.CommandContext(ctx, "etcd", "--name", fmt.Sprintf("m%d", i), "--data-dir", filepath.Join(folder, fmt.Sprintf("m%d", i)),
			"--listen-client-urls", "http://"+at[i], "--advertise-client-urls", "http://"+at[i],
			"--listen-peer-urls", "http://"+peers[i], "--initial-advertise-peer-urls", "http://"+peers[i],
			"--initial-cluster", strings.Join(initial, ","), "--initial-cluster-token", filepath.Base(folder), "--log-level", "error", "--logger", "zap")
		if err := c.Start(); err != nil {
			return nil, fmt.Errorf("etcd-server is needed: %w", err)
		}
		go func() { _ = c.Wait() }()
	}
	c := &cluster{members: at}
	for end := time.Now().Add(electsWithin); ; {
		_, err := c.under("x")
		switch {
		case err == nil:
			return c, nil
		case time.Now().After(end) || !pause(ctx, 100*time.Millisecond):
			return nil, err
		}
	}
}

// under reads the values of all keys that begin with a text.
func (c *cluster) under(prefix string) (values [][]byte, err error) {
	end := prefix[:len(prefix)-1] + string(prefix[len(prefix)-1]+1)
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, at := range c.members {
		var answer *http.Response
		answer, err = http.Post("http://"+at+"/v3/kv/range", "application/json", strings.NewReader(fmt.Sprintf(`{"key":%q,"range_end":%q}`, b64(prefix), b64(end))))
		if err != nil {
			continue
		}
		var out struct {
			Pairs []struct{ Value []byte } `json:"kvs"`
		}
		err = json.NewDecoder(answer.Body).Decode(&out)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			err = fmt.Errorf("etcd answers %s", answer.Status)
		}
		if err == nil {
			for _, p := range out.Pairs {
				values = append(values, p.Value)
			}
			return values, nil
		}
	}
	return nil, err
}

// changes are the changes of the claims of a run.
func (c *cluster) changes(deployment string) (all []change) {
	values, _ := c.under("torture/note/" + deployment + "/claim/")
	for _, v := range values {
		var one change
		if file, is := note.File(string(v)); is && json.Unmarshal([]byte(file), &one) == nil {
			all = append(all, one)
		}
	}
	return all
}

// wayTo is a node's own way to the members, which its link spoils as it does that to git.
func (c *cluster) wayTo(ctx context.Context, l *link) (coordination string, err error) {
	var at []string
	for _, m := range c.members {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: m})
		proxy.ErrorLog, proxy.FlushInterval = log.New(io.Discard, "", 0), -1
		server := &http.Server{Handler: l.stream(proxy, l.wrap(proxy)), ErrorLog: proxy.ErrorLog, ReadHeaderTimeout: 5 * time.Second}
		go func() { _ = server.Serve(listener) }()
		context.AfterFunc(ctx, func() { _ = server.Close() })
		at = append(at, listener.Addr().String())
	}
	return fmt.Sprintf("{ url: %q }", "etcd://"+strings.Join(at, ",")+"/torture"), nil
}

// stream lets a watch through until the link is spoilt, and everything else as it does.
func (l *link) stream(watch, others http.Handler) http.Handler {
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
		watch.ServeHTTP(w, r.WithContext(ctx))
	})
}

// writes reports whether a request changes a claim or a report.
func writes(r *http.Request, body string) bool {
	push := strings.HasSuffix(r.URL.Path, "/git-receive-pack") && r.Method == http.MethodPost
	return push || strings.HasSuffix(r.URL.Path, "/v3/kv/txn") && strings.Contains(body, "request_put")
}
