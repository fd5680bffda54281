package etcd_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/etcdserver"
	"mainstay/reconcile/etcd"
)

// listener counts what a watch says.
type listener struct {
	t     *testing.T
	heard chan etcd.News
}

func listen(t *testing.T, url string, deployment string) (*etcd.Client, listener) {
	t.Helper()
	c := opened(t, url)
	c.Narrow("", deployment)
	ctx, cancel := context.WithCancel(t.Context())
	l, done := listener{t, make(chan etcd.News, 1000)}, make(chan struct{})
	go func() {
		defer close(done)
		c.Watch(ctx, func(n etcd.News) { l.heard <- n })
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return c, l
}

func opened(t *testing.T, url string) *etcd.Client {
	t.Helper()
	c, err := etcd.Open(etcd.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// hears waits for one piece of news.
func (l listener) hears(what string, want etcd.News) {
	l.t.Helper()
	select {
	case got := <-l.heard:
		if got != want {
			l.t.Errorf("%s: heard %+v, want %+v", what, got, want)
		}
	case <-time.After(20 * time.Second):
		l.t.Fatalf("nobody hears of %s", what)
	}
}

// quiet forgets the news that is there, and returns how much it was.
func (l listener) quiet() (n int) {
	for {
		select {
		case <-l.heard:
			n++
		case <-time.After(200 * time.Millisecond):
			return n
		}
	}
}

const commit = "1111111111111111111111111111111111111111"

func TestACommitIsHeardOfByTheOtherNodesOfItsDeployment(t *testing.T) {
	f := etcdserver.NewFake(1)
	url := "etcd://" + f.Serve(t) + "/voice"
	_, paris := listen(t, url, "paris")
	_, lyon := listen(t, url, "lyon")
	paris.hears("the beginning", etcd.News{Began: true})
	lyon.hears("the beginning", etcd.News{Began: true})
	teller := opened(t, url)
	teller.Narrow("", "paris")
	if err := teller.Tell(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	paris.hears("a commit", etcd.News{Commit: commit})
	if err := teller.Tell(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	if n := paris.quiet() + lyon.quiet(); n != 0 {
		t.Errorf("heard %d times of what was told already, or of another deployment", n)
	}
	for _, ref := range []string{"claim/xivo", "report/edge", "news/other"} { // what is not a commit makes nobody look at git
		f.Put("voice/head/paris/"+ref, commit)
		paris.hears(ref, etcd.News{Claims: true})
	}
	l, err := teller.ListPrimary(t.Context())
	if err != nil || len(l.Refs) != 2 {
		t.Errorf("what was told is a ref: %+v, %v", l, err)
	}
	if err := teller.Tell(t.Context(), "not a commit"); err != nil || f.Get("voice/head/paris/news/commit") != commit {
		t.Errorf("%v, told %q", err, f.Get("voice/head/paris/news/commit"))
	}
}

// R1 wants others to be seen soon, and nobody to be kept busy by a node that writes
// without an end.
func TestAFloodOfNewsWakesNobodyWithoutAnEnd(t *testing.T) {
	f := etcdserver.NewFake(1)
	url := "etcd://" + f.Serve(t) + "/voice"
	_, l := listen(t, url, "paris")
	l.hears("the beginning", etcd.News{Began: true})
	for i := range 500 {
		f.Put("voice/head/paris/report/edge", strings.Repeat("x", i%7))
	}
	if n := l.quiet(); n == 0 || n > 80 {
		t.Errorf("woken %d times", n)
	}
	f.Put("voice/head/paris/report/xivo-main", commit)
	l.hears("what comes after it", etcd.News{Claims: true})
}

// A watch that is refused, answers nonsense or ends begins again.
func TestAWatchThatEndsBeginsAgain(t *testing.T) {
	f := etcdserver.NewFake(1)
	tries := make(chan int, 100)
	n := 0
	flaky := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/watch") {
				n++
				tries <- n
				switch n {
				case 1:
					http.Error(w, "no", http.StatusServiceUnavailable)
					return
				case 2:
					_, _ = io.WriteString(w, "<html>\n")
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
	_, l := listen(t, "etcd://"+f.Serve(t, flaky)+"/voice", "paris")
	l.hears("the beginning", etcd.News{Began: true})
	if got := len(tries); got != 3 {
		t.Errorf("listened after %d tries", got)
	}
	f.Put("voice/head/paris/news/commit", commit)
	l.hears("a commit", etcd.News{Commit: commit})
}
