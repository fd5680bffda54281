package git_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"mainstay/e2e/attack"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// short is a Timeout for servers that never answer.
const short = 300 * time.Millisecond

// drip sends head and then a byte at a time, for as long as anybody listens.
func drip(w io.Writer, head string) {
	_, err := io.WriteString(w, head)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for err == nil {
		<-ticker.C
		_, err = w.Write([]byte("0"))
	}
}

// swallow reads and says nothing.
func swallow(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// everyCall makes every call of a Remote and returns the errors, by name. Each
// must end by itself, long before the test does.
func everyCall(t *testing.T, r *git.Remote) map[string]error {
	t.Helper()
	c, hash := ctx(t), strings.Repeat("ab", 20)
	calls := map[string]func() error{
		"List":        func() error { _, err := r.List(c); return err },
		"ListPrimary": func() error { _, err := r.ListPrimary(c); return err },
		"Revision":    func() error { _, err := r.Revision(c, "main", hash, ""); return err },
		"Claim":       func() error { _, err := r.Claim(c, claimRef, hash, plan.Tip{}); return err },
		"Chain":       func() error { _, err := r.Chain(c, claimRef, hash, 0); return err },
		"Report": func() error {
			_, errs := r.Reports(c, map[string]string{git.ReportRef("paris", "edge"): hash})
			return errs[git.ReportRef("paris", "edge")]
		},
		"PushClaim": func() error {
			_, err := r.PushClaim(c, claimRef, plan.Push{Claim: claim(1, plan.Take, spec.Main, "a")})
			return err
		},
		"PublishReport": func() error {
			_, err := r.PublishReport(c, "refs/mainstay/x", report("edge", plan.Active), "")
			return err
		},
	}
	errs := map[string]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for name, call := range calls {
		all.Go(func() {
			err := call()
			mu.Lock()
			defer mu.Unlock()
			errs[name] = err
		})
	}
	all.Wait()
	if c.Err() != nil {
		t.Fatal("a call did not end by itself")
	}
	return errs
}

func TestNoServerHoldsACallUp(t *testing.T) {
	attack.Row(t, "hostile server", "a server that drips, hangs or never ends", "every call ends within its bound")
	packets := "001e# service=git-upload-pack\n0000"
	servers := map[string]func(t *testing.T) git.Options{
		"http that never answers": func(t *testing.T) git.Options {
			var address string
			listen(t, &address, swallow)
			return git.Options{URL: "http://" + address + "/repo.git"}
		},
		"http that drips headers": func(t *testing.T) git.Options {
			var address string
			listen(t, &address, func(c net.Conn) {
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					drip(c, "HTTP/1.1 200 OK\r\nX: ")
				}
			})
			return git.Options{URL: "http://" + address + "/repo.git"}
		},
		"http that drips refs": func(t *testing.T) git.Options {
			return git.Options{URL: serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/x-"+r.URL.Query().Get("service")+"-advertisement")
				drip(flusher{w}, packets+"fff0")
			})}
		},
		"ssh that never answers": func(t *testing.T) git.Options {
			_, o := serveSSH(t, "/x")
			var address string
			listen(t, &address, swallow)
			o.URL = "ssh://" + address + "/x"
			return o
		},
		"ssh that drips its banner": func(t *testing.T) git.Options {
			_, o := serveSSH(t, "/x")
			var address string
			listen(t, &address, func(c net.Conn) { drip(c, "SSH-2.0-") })
			o.URL = "ssh://" + address + "/x"
			return o
		},
		"ssh that stops after the banner": func(t *testing.T) git.Options {
			_, o := serveSSH(t, "/x")
			var address string
			listen(t, &address, func(c net.Conn) {
				_, _ = io.WriteString(c, "SSH-2.0-x\r\n")
				swallow(c)
			})
			o.URL = "ssh://" + address + "/x"
			return o
		},
		"ssh whose git never answers": func(t *testing.T) git.Options {
			s, o := serveSSH(t, "/x")
			s.run = func(c ssh.Channel) { _, _ = io.Copy(io.Discard, c) }
			return o
		},
		"ssh whose git drips": func(t *testing.T) git.Options {
			s, o := serveSSH(t, "/x")
			s.run = func(c ssh.Channel) { drip(c, "fff0") }
			return o
		},
		"git program that hangs": func(t *testing.T) git.Options {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "git"), []byte("#!/bin/sh\nexec /bin/sleep 60\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir)
			return git.Options{URL: dir}
		},
	}
	for name, serve := range servers {
		t.Run(name, func(t *testing.T) {
			o := serve(t)
			o.Timeout = short
			for call, err := range everyCall(t, open(t, o)) {
				if !errors.Is(err, failure.ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, failure.ErrUnknown) {
					t.Errorf("%s: got %v", call, err)
				}
			}
		})
	}
}

// flusher sends every write at once.
type flusher struct{ http.ResponseWriter }

func (f flusher) Write(p []byte) (int, error) {
	n, err := f.ResponseWriter.Write(p)
	f.ResponseWriter.(http.Flusher).Flush()
	return n, err
}

func serveHTTP(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL + "/repo.git"
}

func TestAnAnswerThatIsNotGitsIsOutOfReach(t *testing.T) {
	attack.Row(t, "hostile server", "answers that are no git", "an error, nothing believed")
	advertise := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/x-"+r.URL.Query().Get("service")+"-advertisement")
			_, _ = io.WriteString(w, body)
		}
	}
	hash := strings.Repeat("a", 40)
	for name, h := range map[string]http.HandlerFunc{
		"a web page":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"nothing":      advertise(""),
		"html as refs": advertise("<html>"),
		"cut short":    advertise("0031" + hash),
		"no hash":      advertise("0015hello refs/x\x00 caps0000"),
		"packet 0002":  advertise("0002"),
		"sha256":       advertise(pkt(hash+" refs/heads/main\x00object-format=sha256") + "0000"),
		"broken":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"a redirect off": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.2/x", http.StatusFound)
		},
		"a redirect loop": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.String(), http.StatusFound)
		},
	} {
		_, err := open(t, git.Options{URL: serveHTTP(t, h)}).List(ctx(t))
		if !errors.Is(err, failure.ErrUnreachable) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func pkt(text string) string { return fmt.Sprintf("%04x%s\n", len(text)+5, text) }

func TestAServerThatNeverStopsIsCutOff(t *testing.T) {
	attack.Row(t, "hostile server", "an answer without an end", "cut off")
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-"+r.URL.Query().Get("service")+"-advertisement")
		_, _ = io.WriteString(w, pkt(strings.Repeat("a", 40)+" refs/tags/x\x00caps"))
		many := []byte(strings.Repeat(pkt(strings.Repeat("b", 40)+" refs/tags/y"), 1000))
		for {
			if _, err := w.Write(many); err != nil {
				return
			}
		}
	})
	if _, err := open(t, git.Options{URL: url}).List(ctx(t)); !errors.Is(err, failure.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

// A pack that stops in the middle, silently or by a cut, is no revision.
func TestAPackThatStopsInTheMiddleIsNothing(t *testing.T) {
	attack.Row(t, "hostile server", "a pack that ends in the middle", "nothing of it is believed")
	w := newWork(t)
	w.write("large", strings.Repeat("x y z", 1<<14))
	hash := w.commit("one")
	w.push()
	hang := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				next.ServeHTTP(rw, r)
				return
			}
			whole := httptest.NewRecorder()
			next.ServeHTTP(whole, r)
			rw.Header().Set("Content-Type", whole.Header().Get("Content-Type"))
			_, _ = flusher{rw}.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
			<-r.Context().Done()
		})
	}
	var cut gitserver.Faults
	cut.Choose(func(r *http.Request) gitserver.Fault {
		if r.Method == http.MethodPost {
			return gitserver.Truncate
		}
		return gitserver.None
	})
	for name, option := range map[string]gitserver.Option{"silent": gitserver.Wrap(hang), "cut": cut.Option()} {
		r := open(t, git.Options{URL: gitserver.HTTP(t, w.bare, option), Timeout: time.Second})
		if v, err := r.Revision(ctx(t), "main", hash, ""); v != nil || !errors.Is(err, failure.ErrUnreachable) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A push without an answer is unknown.
func TestAPushIsMadeOrNotOrUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		fault   gitserver.Fault
		unknown bool
		made    bool
	}{
		"carried out, answer lost":       {gitserver.Lose, true, true},
		"carried out, answer cut":        {gitserver.Truncate, true, true},
		"cut before git saw it":          {gitserver.Refuse, true, false},
		"never answered":                 {gitserver.Hang, true, false},
		"denied by something in between": {gitserver.Deny, true, false},
		"an error in between":            {gitserver.Break, true, false},
		"carried out":                    {gitserver.None, false, true},
	} {
		w := newWork(t)
		var faults gitserver.Faults
		r := open(t, git.Options{URL: gitserver.HTTP(t, w.bare, faults.Option()), Timeout: time.Second})
		p := plan.Push{Claim: claim(1, plan.Take, spec.Main, "xivo-main")}
		id, err := r.ClaimNote(claimRef, p)
		if err != nil {
			t.Fatal(err)
		}
		faults.SetPush(c.fault)
		_, err = r.PushClaim(ctx(t), claimRef, p)
		if errors.Is(err, failure.ErrUnknown) != c.unknown || errors.Is(err, failure.ErrRefused) || err == nil && c.unknown {
			t.Errorf("%s: got %v", name, err)
		}
		if made := w.ref(claimRef) == id; made != c.made {
			t.Errorf("%s: made is %v", name, made)
		}
		faults.SetPush(gitserver.None)
		if _, err := r.PushClaim(ctx(t), claimRef, p); err != nil || w.ref(claimRef) != id {
			t.Errorf("%s: tried again: got %v", name, err)
		}
	}
}

// R3: a push that is still under way is defeated by another one of the same
// parent, because the server compares when it carries out, not when it is asked.
func TestAPushThatLandsLateLosesToAnother(t *testing.T) {
	w := newWork(t)
	var faults gitserver.Faults
	arrived := make(chan struct{}, 1)
	faults.Choose(func(r *http.Request) gitserver.Fault {
		if !gitserver.IsPush(r) {
			return gitserver.None
		}
		arrived <- struct{}{}
		return gitserver.Late
	})
	slow := open(t, git.Options{URL: gitserver.HTTP(t, w.bare, faults.Option())})
	outcome := make(chan error, 1)
	go func() {
		_, err := slow.PushClaim(ctx(t), claimRef, plan.Push{Claim: claim(1, plan.Take, spec.Standby, "late")})
		outcome <- err
	}()
	<-arrived
	won := change(t, open(t, git.Options{URL: w.bare}), claim(1, plan.Take, spec.Main, "xivo-main"))
	faults.Release()
	if err := <-outcome; !errors.Is(err, failure.ErrRefused) {
		t.Errorf("got %v", err)
	}
	if got := w.ref(claimRef); got != won {
		t.Errorf("the ref is at %s, want %s", got, won)
	}
}

func TestAServerHookThatSaysNoIsARefusal(t *testing.T) {
	overEach(t, func(t *testing.T, w *work, r *git.Remote) {
		hook := filepath.Join(w.bare, "hooks", "update")
		if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(hook, []byte("#!/bin/sh\necho not today >&2\nexit 1\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := r.PushClaim(ctx(t), claimRef, plan.Push{Claim: claim(1, plan.Take, spec.Main, "a")})
		if !errors.Is(err, failure.ErrRefused) || errors.Is(err, failure.ErrUnknown) || !strings.Contains(err.Error(), "hook declined") {
			t.Errorf("got %v", err)
		}
	})
}

func TestACancelledCallEndsAndSaysSo(t *testing.T) {
	var address string
	c, cancel := context.WithCancel(ctx(t))
	listen(t, &address, func(conn net.Conn) {
		cancel()
		swallow(conn)
	})
	_, o := serveSSH(t, "/x")
	for _, url := range []string{"http://" + address + "/x", "ssh://" + address + "/x"} {
		o.URL, o.Timeout = url, time.Minute
		if _, err := open(t, o).List(c); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", url, err)
		}
	}
}
