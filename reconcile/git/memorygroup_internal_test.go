//go:build e2e

package git

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"mainstay/e2e/attack"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git/packet"
)

// memoryBound is what an agent may take, whatever it is served.
const memoryBound = 64 << 20

// mostWait is how long an agent may take to look once on a busy machine.
const mostWait = 90 * time.Second

// memoryGroup is a group of processes that the kernel bounds, or nothing where this
// machine lets nobody make one: the peak of the process is held against the bound then.
type memoryGroup struct{ folder string }

// newMemoryGroup makes a group, of version 1 or 2, and removes it with the test.
func newMemoryGroup(t *testing.T) memoryGroup {
	t.Helper()
	name := fmt.Sprintf("mainstay-test-%d", os.Getpid())
	bounds := map[string]string{
		"/sys/fs/cgroup/memory/" + name: "memory.limit_in_bytes",
		"/sys/fs/cgroup/" + name:        "memory.max",
	}
	for folder, file := range bounds {
		if os.Mkdir(folder, 0o755) != nil {
			continue
		}
		if bound(filepath.Join(folder, file)) != nil {
			_ = os.Remove(folder)
			continue
		}
		t.Cleanup(func() {
			again := time.NewTicker(20 * time.Millisecond)
			defer again.Stop()
			for range 50 { // until the kernel has let go of what was in it
				if os.Remove(folder) == nil {
					return
				}
				<-again.C
			}
			t.Errorf("%s is left behind", folder)
		})
		return memoryGroup{folder}
	}
	return memoryGroup{}
}

// bound writes the bound to a file that the kernel made. Where there is none, the
// folder is an ordinary one, as beside the groups of version 1, and bounds nothing.
func bound(file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strconv.Itoa(memoryBound))
	return errors.Join(err, f.Close())
}

// command runs a program in the group.
func (g memoryGroup) command(argv ...string) *exec.Cmd {
	if g.folder == "" {
		return exec.Command(argv[0], argv[1:]...)
	}
	script := `echo $$ >"$0/cgroup.procs" && exec "$@"`
	return exec.Command("sh", append([]string{"-c", script, g.folder}, argv...)...)
}

// hostile is a git server that turns.
type hostile struct {
	mu     sync.Mutex
	mode   string
	turns  int
	served map[string]int
}

func (h *hostile) turn(mode string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mode = mode
	h.turns++
}

func (h *hostile) count(mode string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.served[mode]
}

// wrap answers in place of an honest server while there is a mode.
func (h *hostile) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		mode, turns := h.mode, h.turns
		h.mu.Unlock()
		if mode == "" {
			next.ServeHTTP(w, r)
			return
		}
		short := r.Header.Get("Git-Protocol") == "version=2"
		if packs()[mode] == nil {
			w.Header().Set("Content-Type", typeOf(r, short))
			_, _ = io.Copy(w, listings(short)[mode])
		} else if !fetched(w, r, short, mode, turns) {
			return // nothing of the mode was sent yet
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.served[mode]++
	})
}

func typeOf(r *http.Request, short bool) string {
	switch {
	case r.Method == http.MethodGet:
		return "application/x-" + r.URL.Query().Get("service") + "-advertisement"
	case short:
		return "application/x-git-upload-pack-result"
	}
	return "application/x-" + filepath.Base(r.URL.Path) + "-result"
}

// listings are answers to the question for refs.
func listings(short bool) map[string]io.Reader {
	head := []byte("")
	if !short {
		head = append(packet.Format("# service=git-upload-pack\n"), packet.Flush...)
		head = append(head, packet.Format("%040x refs/heads/main\x00side-band-64k shallow filter\n", 1)...)
	}
	many := func(length, n int) io.Reader {
		return io.MultiReader(bytes.NewReader(head), &stream{n: n, piece: func(i int) []byte {
			return packet.Format("%040x refs/mainstay/%0*d\n", i, length, i)
		}})
	}
	return map[string]io.Reader{"refs with long names": many(60_000, 2000), "many refs": many(20, 1_000_000)}
}

// packs are answers to the question for a commit that nobody knows yet.
func packs() map[string]func() io.Reader {
	whole := func(pack func() []byte) func() io.Reader { return func() io.Reader { return bytes.NewReader(pack()) } }
	return map[string]func() io.Reader{
		"a file of 250 MiB":             whole(func() []byte { return bomb(1, blobKind, 250<<20) }),
		"a commit of 200 MiB":           whole(func() []byte { return bomb(1, byte(plumbing.CommitObject), 200<<20) }),
		"250 files of 1 MiB":            whole(func() []byte { return bomb(250, blobKind, 1<<20) }),
		"a million small files":         func() io.Reader { return many(1_000_000) },
		"deltas before their bases":     whole(func() []byte { return backwards(14_000) }),
		"a history with a million ends": func() io.Reader { return bytes.NewReader(nil) },
	}
}

// fetched answers one fetch: a new commit and a new report of the peer are listed, and
// the pack is what the mode says. It reports whether that was sent.
func fetched(w http.ResponseWriter, r *http.Request, short bool, mode string, turns int) bool {
	w.Header().Set("Content-Type", typeOf(r, short))
	tip, said := fmt.Sprintf("%040x", 1000+turns), fmt.Sprintf("%040x", 2000+turns)
	switch {
	case r.Method == http.MethodGet:
		_, _ = w.Write(append(packet.Format("# service=git-upload-pack\n"), packet.Flush...))
		_, _ = w.Write(packet.Format("%s refs/heads/main\x00side-band-64k shallow filter\n", tip))
		_, _ = w.Write(append(packet.Format("%s %s\n", said, ReportRef("paris", "b")), packet.Flush...))
	case short:
		_, _ = w.Write(packet.Format("%s refs/heads/main\n", tip))
		_, _ = w.Write(append(packet.Format("%s %s\n", said, ReportRef("paris", "b")), packet.Flush...))
	case filepath.Base(r.URL.Path) == "git-upload-pack":
		if mode == "a history with a million ends" {
			_, _ = io.Copy(w, &stream{n: 1_000_000, piece: func(i int) []byte { return packet.Format("shallow %040x\n", i) }})
		}
		_, _ = io.WriteString(w, packet.Flush)
		_, _ = w.Write(packet.Format("NAK\n"))
		framed(w, packs()[mode]())
		return true
	}
	return false
}

// framed sends a pack on the data channel.
func framed(w io.Writer, pack io.Reader) {
	buffer := make([]byte, 4+1+60_000)
	for {
		n, err := io.ReadFull(pack, buffer[5:])
		if n > 0 {
			copy(buffer, fmt.Sprintf("%04x\x01", n+5))
			if _, err := w.Write(buffer[:n+5]); err != nil {
				return
			}
		}
		if err != nil {
			break
		}
	}
	_, _ = io.WriteString(w, packet.Flush)
}

const media = `apiVersion: mainstay/v1
kind: Deployment
name: paris
active: main
agent: { poll: 1s, timeout: 30s }
nodes: { a: { role: media }, b: { role: media } }
roles: { media: { files: [{ path: %s, template: t }] } }
`

// groupedAgent is an agent in its group, in front of the server.
type groupedAgent struct {
	t      *testing.T
	cmd    *exec.Cmd
	listen string
	ended  chan error
}

// startGrouped builds the program and starts an agent of one file.
func startGrouped(t *testing.T, url, file string, g memoryGroup) *groupedAgent {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "mainstay")
	if out, err := exec.Command("go", "build", "-o", program, "mainstay/cmd/mainstay").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &groupedAgent{t: t, listen: free.Addr().String(), ended: make(chan error, 1)}
	_ = free.Close()
	config := fmt.Sprintf("node: a\nrepository: { url: %q }\nallow: { paths: [%q] }\nlisten: %q\nstate: %q\nsocket: %q\n",
		url, file, a.listen, filepath.Join(dir, "state"), filepath.Join(dir, "sock"))
	if err := os.WriteFile(filepath.Join(dir, "agent.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	a.cmd = g.command(program, "agent", "--config", filepath.Join(dir, "agent.yaml"))
	log, err := a.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(log); lines.Scan(); {
			t.Log(lines.Text())
		}
		a.ended <- a.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = a.cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(20*time.Second, func() { _ = a.cmd.Process.Kill() })
		<-a.ended
		kill.Stop()
	})
	return a
}

// until waits for something that the agent does, and lets it look meanwhile.
func (a *groupedAgent) until(what string, is func() bool) {
	a.t.Helper()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(mostWait); !is(); <-again.C {
		select {
		case err := <-a.ended:
			a.ended <- err
			a.t.Fatalf("the agent ended before %s: %v", what, err)
		default:
		}
		if time.Now().After(end) {
			a.t.Fatalf("never came: %s", what)
		}
		if answer, err := http.Post("http://"+a.listen+"/v1/notify", "application/json", strings.NewReader("{}")); err == nil {
			_ = answer.Body.Close()
		}
	}
}

// peak is the most memory that the agent had in use, in bytes.
func (a *groupedAgent) peak() int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.cmd.Process.Pid))
	if err != nil {
		a.t.Fatal(err)
	}
	kB, err := strconv.Atoi(field(string(status), "VmHWM:"))
	if err != nil {
		a.t.Fatal(err)
	}
	return kB << 10
}

// A server that everybody trusted turns, and sends all that costs memory, to an agent
// that the kernel ends beyond 64 MB. It lives, and goes on when the server is well.
func TestAnAgentInAMemoryGroupOutlivesAHostileServer(t *testing.T) {
	folder, bare, work := t.TempDir(), gitserver.Bare(t), t.TempDir()
	file := filepath.Join(folder, "m.conf")
	commit := func(content string) {
		for name, text := range map[string]string{"t": content, "deployment.yaml": fmt.Sprintf(media, file)} {
			if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		gitserver.Git(t, work, "add", "-A")
		gitserver.Git(t, work, "commit", "--quiet", "-m", content)
		gitserver.Git(t, work, "push", "--quiet", bare, "HEAD:main")
	}
	gitserver.Git(t, work, "init", "--quiet", "--initial-branch=main")
	commit("one\n")
	h, g := &hostile{served: map[string]int{}}, newMemoryGroup(t)
	if g.folder == "" {
		t.Log("no memory group can be made here: the peak of the process is all that is looked at")
	}
	a := startGrouped(t, gitserver.HTTP(t, bare, gitserver.Wrap(h.wrap)), file, g)
	has := func(content string) func() bool {
		return func() bool { b, err := os.ReadFile(file); return err == nil && string(b) == content }
	}
	a.until("the first file is written", has("one\n"))
	modes := []string{"refs with long names", "many refs"}
	for mode := range packs() {
		modes = append(modes, mode)
	}
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			attack.Row(t, "hostile server", "an agent that may have 64 MB is served "+mode, "it lives, and stays below")
			h.turn(mode)
			a.until(mode+" is served", func() bool { return h.count(mode) >= 2 })
			if peak := a.peak(); peak > memoryBound {
				t.Errorf("it takes %d kB", peak>>10)
			}
		})
	}
	h.turn("")
	commit("two\n")
	a.until("the agent follows the honest server again", has("two\n"))
	t.Logf("peak %d kB, in the group %q", a.peak()>>10, g.folder)
}
