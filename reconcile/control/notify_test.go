package control

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
)

const noticeSecret = "correct horse battery staple"

func secretFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func signature(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// notice is one notification and how it is answered.
type notice struct {
	headers map[string]string
	body    string
	from    string
}

// notify sends one to a notifier and returns the status and how often it looked.
func (n notice) notify(t testing.TB, secretFile string) (status, looks int) {
	t.Helper()
	notifier := &Notifier{SecretFile: secretFile, Look: func() { looks++ }}
	r := httptest.NewRequest(http.MethodPost, "/v1/notify", strings.NewReader(n.body))
	for k, v := range n.headers {
		r.Header.Set(k, v)
	}
	if n.from != "" {
		r.RemoteAddr = n.from
	}
	w := httptest.NewRecorder()
	notifier.ServeHTTP(w, r)
	return w.Code, looks
}

func TestEveryFormOfNotificationIsBelievedWithTheSecretOnly(t *testing.T) {
	attack.Row(t, "HTTP", "a notification without the secret or with another", "not believed")
	body := `{"ref":"refs/heads/main"}`
	good, bad := signature(noticeSecret, body), signature("another", body)
	for name, c := range map[string]struct {
		header, value string
		want          int
	}{
		"GitHub":                   {"X-Hub-Signature-256", "sha256=" + good, 202},
		"GitHub, another secret":   {"X-Hub-Signature-256", "sha256=" + bad, 401},
		"GitHub, no form":          {"X-Hub-Signature-256", good, 401},
		"GitHub, sha1 only":        {"X-Hub-Signature", "sha1=" + good, 401},
		"GitLab":                   {"X-Gitlab-Token", noticeSecret, 202},
		"GitLab, another token":    {"X-Gitlab-Token", noticeSecret + "x", 401},
		"Gitea":                    {"X-Gitea-Signature", good, 202},
		"Gitea, another secret":    {"X-Gitea-Signature", bad, 401},
		"Gitea, cut short":         {"X-Gitea-Signature", good[:32], 401},
		"Forgejo":                  {"X-Forgejo-Signature", good, 202},
		"Forgejo, not hex":         {"X-Forgejo-Signature", "hello", 401},
		"plain":                    {"X-Mainstay-Signature", "sha256=" + good, 202},
		"plain, another algorithm": {"X-Mainstay-Signature", "md5=" + good, 401},
		"none":                     {"User-Agent", "curl", 401},
	} {
		t.Run(name, func(t *testing.T) {
			n := notice{headers: map[string]string{c.header: c.value}, body: body}
			status, looks := n.notify(t, secretFile(t, noticeSecret+"\n"))
			if status != c.want || looks != truthInt(c.want == 202) {
				t.Errorf("answered %d after %d looks, want %d", status, looks, c.want)
			}
		})
	}
}

func truthInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestASignatureIsGoodForItsBodyOnly(t *testing.T) {
	n := notice{headers: map[string]string{"X-Gitea-Signature": signature(noticeSecret, "one")}, body: "two"}
	if status, looks := n.notify(t, secretFile(t, noticeSecret)); status != 401 || looks != 0 {
		t.Errorf("answered %d after %d looks", status, looks)
	}
}

func TestWithoutASecretOnlyThisMachineIsBelieved(t *testing.T) {
	for name, c := range map[string]struct {
		from    string
		headers map[string]string
		want    int
	}{
		"IPv4":              {"127.0.0.1:4711", nil, 202},
		"IPv6":              {"[::1]:4711", nil, 202},
		"another machine":   {"192.0.2.7:4711", nil, 403},
		"through a proxy":   {"127.0.0.1:4711", map[string]string{"X-Forwarded-For": "192.0.2.7"}, 403},
		"by a browser":      {"127.0.0.1:4711", map[string]string{"Origin": "https://example.org"}, 403},
		"no address at all": {"@", nil, 403},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _ := (notice{from: c.from, headers: c.headers}).notify(t, ""); got != c.want {
				t.Errorf("answered %d, want %d", got, c.want)
			}
		})
	}
}

func TestASecretThatCannotBeReadLetsNobodyIn(t *testing.T) {
	attack.Row(t, "accident", "the file of the notify secret cannot be read", "nobody is let in")
	token := map[string]string{"X-Gitlab-Token": noticeSecret}
	for name, path := range map[string]string{
		"not there": filepath.Join(t.TempDir(), "none"),
		"empty":     secretFile(t, "\n"),
		"too large": secretFile(t, strings.Repeat("x", secretSize+1)),
		"a folder":  t.TempDir(),
	} {
		n := notice{headers: token, from: "127.0.0.1:4711"}
		if status, looks := n.notify(t, path); status != 503 || looks != 0 {
			t.Errorf("%s: answered %d after %d looks", name, status, looks)
		}
	}
}

func TestANotificationIsBoundedInSize(t *testing.T) {
	attack.Row(t, "HTTP", "a notification without an end", "refused")
	n := &Notifier{SecretFile: secretFile(t, noticeSecret), Look: func() { t.Error("looked") }}
	w := httptest.NewRecorder()
	n.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/notify", endless{}))
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("an endless body answered %d", w.Code)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

func TestAStormOfNotificationsBecomesAFewLooksAndTheLastOneCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var looks []time.Duration
		n := &Notifier{Look: func() { looks = append(looks, time.Since(began)) }}
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for range 1000 {
			<-tick.C
			n.requestLook()
		}
		last := time.Since(began)
		for range 1000 {
			<-tick.C
		}
		n.mu.Lock() // which looks are made under
		defer n.mu.Unlock()
		if most := int(time.Second/notifyGap) + 1; len(looks) < 2 || len(looks) > most {
			t.Errorf("%d looks in a second, want at most %d", len(looks), most)
		}
		if first := looks[0]; first != time.Millisecond {
			t.Errorf("the first notification got its look after %s", first)
		}
		if end := looks[len(looks)-1]; end < last {
			t.Errorf("the last notification, at %s, got no look after it: the last was at %s", last, end)
		}
	})
}

// FuzzNotify: whatever is sent, only who has the secret makes the agent look.
func FuzzNotify(f *testing.F) {
	headers := []string{"X-Mainstay-Signature", "X-Hub-Signature-256", "X-Forgejo-Signature", "X-Gitea-Signature", "X-Gitlab-Token"}
	for i := range headers {
		f.Add(uint8(i), "sha256="+signature(noticeSecret, "body"), "body")
		f.Add(uint8(i), signature(noticeSecret, "body"), "body")
	}
	f.Add(uint8(4), noticeSecret, "")
	path := secretFile(f, noticeSecret)
	f.Fuzz(func(t *testing.T, which uint8, value, body string) {
		attack.Cheap(t, func() {
			header := headers[int(which)%len(headers)]
			digits := strings.ToLower(value)
			if strings.HasPrefix(header, "X-M") || strings.HasPrefix(header, "X-H") {
				digits = strings.ToLower(strings.TrimPrefix(value, "sha256="))
				if digits == strings.ToLower(value) {
					digits = "" // the form is missing
				}
			}
			want := digits == signature(noticeSecret, body)
			if header == "X-Gitlab-Token" {
				want = value == noticeSecret
			}
			status, looks := notice{headers: map[string]string{header: value}, body: body}.notify(t, path)
			if (status == 202) != want || looks != truthInt(want) {
				t.Errorf("%s: %q answered %d after %d looks, want believed: %v", header, value, status, looks, want)
			}
		})
	})
}

// hookIn makes a bare repository with a configuration, and a stand-in for curl
// that does what the script says. It returns the hook, ready to run there.
func hookIn(t *testing.T, curl string, config ...string) *exec.Cmd {
	t.Helper()
	dir, bin := t.TempDir(), t.TempDir()
	git := func(args ...string) {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q", "--bare")
	config = append(config, "mainstay.program", filepath.Join(bin, "mainstay")) // not the one of this machine
	for i := 0; i+1 < len(config); i += 2 {
		git("config", "--add", config[i], config[i+1])
	}
	if err := os.WriteFile(filepath.Join(bin, "curl"), []byte("#!/bin/sh\n"+curl), 0o755); err != nil {
		t.Fatal(err)
	}
	hook, err := filepath.Abs("../../examples/full/hooks/post-receive")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", hook)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_DIR="+dir, "PATH="+bin+":"+os.Getenv("PATH"))
	return cmd
}

// pushHook runs the hook to its end and returns what curl was called with, one
// argument a line.
func pushHook(t *testing.T, pushed string, config ...string) []string {
	t.Helper()
	calls := t.TempDir()
	cmd := hookIn(t, `printf '%s\n' "$@" >"$CALLS/$$"`, config...)
	cmd.Stdin = strings.NewReader(pushed)
	cmd.Env = append(cmd.Env, "CALLS="+calls, "MAINSTAY_WAIT=1")
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("the hook: %v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(calls, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
	return out
}

// Where mainstay is installed the hook is one run of it, which starts no shell for the
// signature and no curl for each agent.
func TestTheExampleHookLetsMainstayTellTheAgents(t *testing.T) {
	said := filepath.Join(t.TempDir(), "said")
	cmd := hookIn(t, `echo curl >>"$SAID"`, "mainstay.agent", "http://10.20.0.11:9477", "mainstay.agent", "http://10.20.0.12:9477",
		"mainstay.secretFile", "/etc/mainstay/notify.secret")
	program := filepath.Join(strings.SplitN(strings.TrimPrefix(cmd.Env[len(cmd.Env)-1], "PATH="), ":", 2)[0], "mainstay")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nprintf '%s\\n' \"$@\" >>\"$SAID\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = strings.NewReader(zeros + " " + zeros + " refs/heads/main\n")
	cmd.Env = append(cmd.Env, "SAID="+said, "MAINSTAY_WAIT=1")
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("the hook: %v\n%s", err, out)
	}
	got, err := os.ReadFile(said)
	if err != nil {
		t.Fatal(err)
	}
	want := "notify\n--secret-file\n/etc/mainstay/notify.secret\n--\nhttp://10.20.0.11:9477/v1/notify\nhttp://10.20.0.12:9477/v1/notify\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("what mainstay is called with (-want +got):\n%s", diff)
	}
}

func TestAPushNeverWaitsForTheExampleHook(t *testing.T) {
	gate := filepath.Join(t.TempDir(), "gate")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := hookIn(t, `read -r _ <"$GATE"`, "mainstay.agent", "http://10.20.0.11:9477")
	cmd.Stdin = strings.NewReader(zeros + " " + zeros + " refs/heads/main\n")
	cmd.Env = append(cmd.Env, "GATE="+gate)
	// Like git, this waits until nobody has the hook's output open any more.
	cmd.WaitDelay = ctlBound
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("the hook: %v\n%s", err, out)
	}
	// Opening the gate succeeds only with curl at its other end.
	open, err := os.OpenFile(gate, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = open.Close()
}

const zeros = "0000000000000000000000000000000000000000"

func TestTheExampleHookNotifiesEveryAgentInAFormThatIsBelieved(t *testing.T) {
	calls := pushHook(t, zeros+" "+zeros+" refs/heads/main\n",
		"mainstay.agent", "http://10.20.0.11:9477", "mainstay.agent", "http://10.20.0.12:9477",
		"mainstay.secretFile", secretFile(t, noticeSecret+"\n"))
	if len(calls) != 2 {
		t.Fatalf("curl was called %d times, want once for each agent: %q", len(calls), calls)
	}
	args := strings.Split(calls[0], "\n")
	after := func(name string) string {
		i := slices.Index(args, name)
		if i < 0 {
			t.Fatalf("no %s in %q", name, args)
		}
		return args[i+1]
	}
	if after("--max-time") != "2" {
		t.Errorf("the call is bounded by %s s", after("--max-time"))
	}
	header, value, _ := strings.Cut(after("--header"), ": ")
	n := notice{headers: map[string]string{header: value}, body: after("--data-binary")}
	if status, _ := n.notify(t, secretFile(t, noticeSecret)); status != 202 {
		t.Errorf("%s: %s over %q answered %d", header, value, n.body, status)
	}
	if strings.Contains(calls[0], noticeSecret) {
		t.Error("the secret is an argument, which every user of the machine can read")
	}
}

func TestTheExampleHookNotifiesForTheBranchAndForClaimsAndReportsOnly(t *testing.T) {
	for ref, want := range map[string]int{
		"refs/heads/main": 1, "refs/heads/topic": 0, "refs/tags/v1": 0,
		"refs/mainstay/paris/claim/xivo": 1, "refs/mainstay/paris/report/edge": 1,
	} {
		calls := pushHook(t, zeros+" "+zeros+" "+ref+"\n", "mainstay.agent", "http://10.20.0.11:9477")
		if len(calls) != want {
			t.Errorf("%s: curl was called %d times, want %d", ref, len(calls), want)
		}
	}
	if calls := pushHook(t, zeros+" "+zeros+" refs/heads/live\n",
		"mainstay.agent", "http://10.20.0.11:9477", "mainstay.branch", "live"); len(calls) != 1 {
		t.Errorf("another branch by name: %d calls", len(calls))
	}
}
