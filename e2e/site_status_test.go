//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/hosts"
)

// report is what the tests read of an agent's answer to GET /v1/status.
type report struct {
	Status     string
	Reason     string
	Serving    string
	Accepted   string
	Applied    string
	Seq        uint64
	Holder     string
	Conditions []condition
	Checks     []struct {
		Name string
		OK   bool
	}
}

type condition struct{ Type, Message string }

// condition returns the message of a condition, or nothing.
func (r report) condition(kind string) string {
	for _, c := range r.Conditions {
		if c.Type == kind {
			return c.Message
		}
	}
	return ""
}

// pass is what the tests read of one pass of an agent, in GET /v1/explain.
type pass struct {
	At       time.Time
	Decision struct {
		Steps []struct {
			Do    string
			Index int
		}
	}
}

// ask talks to a host's agent through its control socket, past the host's
// network.
func ask(host *hosts.Host, method, path string, answer any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	pids, err := host.Processes(hosts.AgentUnit)
	if err != nil || len(pids) == 0 {
		return fmt.Errorf("no agent runs on %s: %w", host.Name(), errors.Join(err, io.EOF))
	}
	socket := fmt.Sprintf("/proc/%d/root/run/mainstay/agent.sock", pids[0])
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, method, "http://agent"+path, nil)
	if err != nil {
		return err
	}
	reply, err := client.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", reply.StatusCode, bytes.TrimSpace(body))
	}
	if err != nil || answer == nil {
		return err
	}
	return json.Unmarshal(body, answer)
}

// status is what a node's agent says, or an empty report while it does not
// answer.
func (s *site) status(node string) report {
	var view struct{ Node report }
	if err := ask(s.nodes[node], http.MethodGet, "/v1/status", &view); err != nil {
		return report{Status: "silent", Reason: err.Error()}
	}
	return view.Node
}

// passes are the newest passes of a node's agent, oldest first.
func (s *site) passes(node string) []pass {
	s.t.Helper()
	var explanation struct{ Entries []pass }
	if err := ask(s.nodes[node], http.MethodGet, "/v1/explain?last=64", &explanation); err != nil {
		s.t.Fatalf("explain %s: %v", node, err)
	}
	return explanation.Entries
}

// starts is when a node's agent ordered the start of a service after a moment.
func (s *site) starts(node string, index int, moment time.Time) []time.Time {
	s.t.Helper()
	var all []time.Time
	for _, p := range s.passes(node) {
		for _, step := range p.Decision.Steps {
			if step.Do == "start" && step.Index == index && p.At.After(moment) {
				all = append(all, p.At)
			}
		}
	}
	return all
}

// awaits waits until the status of a node is as wanted and returns it.
func (s *site) awaits(node, what string, is func(report) bool) report {
	s.t.Helper()
	var last report
	deadline := time.Now().Add(siteBound)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for time.Now().Before(deadline) {
		if last = s.status(node); is(last) {
			return last
		}
		<-tick.C
	}
	s.t.Fatalf("%s never was %s; it is %+v", node, what, last)
	return last
}

func (s *site) awaitStatus(node, status string) report {
	s.t.Helper()
	return s.awaits(node, status, func(r report) bool { return r.Status == status })
}

// awaitApplied waits until a node is as a commit says.
func (s *site) awaitApplied(node, status, commit string) report {
	s.t.Helper()
	return s.awaits(node, status+" by "+commit, func(r report) bool {
		return r.Status == status && r.Applied == commit
	})
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(strings.TrimSpace(text)), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}
