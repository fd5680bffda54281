package compose

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	api "github.com/moby/moby/api/types/container"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/plan"
)

func TestEveryStateOfAServiceReadsAsAPersonWouldSayIt(t *testing.T) {
	up, down := container{name: "a", state: "running"}, container{name: "b", state: "exited"}
	for _, c := range []struct {
		all    []container
		run    plan.Run
		detail string // contained in the detail; empty means no detail at all
	}{
		{nil, plan.Stopped, "it has no container"},
		{[]container{up}, plan.Running, ""},
		{[]container{{state: "running", health: "healthy"}}, plan.Running, ""},
		{[]container{{state: "running", health: "starting"}}, plan.Running, "has not passed yet"},
		{[]container{{state: "running", health: "unhealthy", healthSaid: "no\n answer"}}, plan.Running, "unhealthy: no answer"},
		{[]container{{state: "restarting", exit: 3, restarts: 7}}, plan.Starting, "starts it again and again, 7 times so far; its process ended with exit code 3"},
		{[]container{{state: "removing"}}, plan.Stopping, "removing"},
		{[]container{{state: "paused"}}, plan.RunUnsure, "1 paused"},
		{[]container{{state: "created"}}, plan.Stopped, "never started"},
		{[]container{{state: "created", problem: "port in use"}}, plan.RunFailed, "port in use"},
		{[]container{down}, plan.Stopped, ""},
		{[]container{{state: "exited", exit: 143}}, plan.Stopped, "exit code 143"},
		{[]container{{state: "exited", exit: 137}}, plan.Stopped, "was killed (exit code 137)"},
		{[]container{{state: "exited", exit: 137, outOfMemory: true}}, plan.RunFailed, "memory ran out"},
		{[]container{{state: "exited", exit: 1}}, plan.RunFailed, "exit code 1"},
		{[]container{{state: "dead"}}, plan.RunFailed, "exit code 0"},
		{[]container{{state: "of a later version"}}, plan.RunUnsure, "of a later version"},
		{[]container{up, up}, plan.Running, ""},
		{[]container{up, down}, plan.RunUnsure, "its containers: 1 running, 1 exited"},
		{[]container{down, {name: "c", state: "exited", exit: 2}}, plan.RunFailed, "c: its process ended with exit code 2"},
		{[]container{up, {name: "c", state: "restarting"}}, plan.Starting, "c: the engine starts it again"},
		{[]container{up, {name: "c", state: "removing"}}, plan.Stopping, "c: removing"},
		{[]container{down, {name: "c", state: "restarting"}}, plan.RunUnsure, "1 exited, 1 restarting"},
	} {
		seen := stateOf(c.all)
		if seen.Run != c.run || !strings.Contains(seen.Detail, c.detail) || (c.detail == "") != (seen.Detail == "") {
			t.Errorf("%+v\nreads %q %q\nwant  %q %q", c.all, seen.Run, seen.Detail, c.run, c.detail)
		}
	}
}

func TestNoServiceWithAContainerThatMayServeIsDown(t *testing.T) {
	states := []string{"created", "running", "paused", "restarting", "removing", "exited", "dead", "other"}
	for _, a := range states {
		for _, b := range states {
			one, two := container{state: a}, container{state: b}
			all := stateOf([]container{one, two}).Run
			if all.Down() != (one.run().Down() && two.run().Down()) {
				t.Errorf("%s and %s: %q", a, b, all)
			}
		}
	}
}

func TestAContainerInARestartLoopIsHeldOff(t *testing.T) {
	loops, up := container{state: "restarting", exit: 1}, container{state: "running"}
	for _, c := range []struct {
		all  []container
		want bool
	}{{[]container{loops}, true}, {[]container{loops, loops}, true}, {[]container{loops, up}, false}, {[]container{up}, false}, {nil, false}} {
		if got := stateOf(c.all).Holdoff; got != c.want {
			t.Errorf("%+v: held off %v", c.all, got)
		}
	}
}

func TestAFailingHealthCheckIsTold(t *testing.T) {
	well, ill := container{name: "a", state: "running", health: "healthy"}, container{name: "b", state: "running", health: "unhealthy", healthSaid: "no\nanswer"}
	ended := ill
	ended.state = "exited"
	for _, c := range []struct {
		all  []container
		want string
	}{
		{[]container{well}, ""}, {[]container{ill}, "its health check fails: no answer"}, {[]container{well, ill}, "b: its health check fails: no answer"}, {[]container{ended}, ""},
		{[]container{{state: "running", health: "starting"}}, ""}, {[]container{{state: "running", health: "unhealthy"}}, "its health check fails: unhealthy"}, {nil, ""},
	} {
		if got := stateOf(c.all).Unhealthy; got != c.want {
			t.Errorf("%+v: %q, want %q", c.all, got, c.want)
		}
	}
}

func TestARestartPolicyThatActsAtBootIsReported(t *testing.T) {
	for policy, want := range map[string]string{
		"": "", "no": "", "on-failure": "", "always": "restart: always", "unless-stopped": "restart: unless-stopped",
	} {
		if got := stateOf([]container{{state: "running"}, {state: "running", policy: api.RestartPolicy{Name: api.RestartPolicyMode(policy)}}}).Enabled; got != want {
			t.Errorf("%s: %q, want %q", policy, got, want)
		}
	}
}

func TestLongOutputOfAHealthCheckIsCut(t *testing.T) {
	c := container{state: "running", health: "unhealthy", healthSaid: strings.Repeat("no answer\n", 1000)}
	if got := c.detail(); len(got) > maxQuote+40 || strings.Contains(got, "\n") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

func TestTheDetailOfAServiceOfManyContainersIsCut(t *testing.T) {
	var all []container
	for range 500 {
		all = append(all, container{name: "one", state: "exited", problem: strings.Repeat("long ", 1000)})
	}
	if got := stateOf(all).Detail; len(got) > 4<<10 || !strings.HasSuffix(got, "and 490 more") {
		t.Errorf("%d bytes", len(got))
	}
}

// The recorded values are of engine 20.10 with docker-compose 1.29.
func TestARecordedContainerIsReadWhole(t *testing.T) {
	content, err := os.ReadFile("testdata/inspect-20.10.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded api.InspectResponse
	if err := json.Unmarshal(content, &recorded); err != nil {
		t.Fatal(err)
	}
	got := readContainer(recorded, recorded.Config.Labels)
	want := container{
		id: recorded.ID, name: "cc_xuc_1", state: "running", health: "unhealthy", healthSaid: "connection refused\n",
		policy: api.RestartPolicy{Name: "unless-stopped"}, pid: 4711, since: time.Date(2026, 3, 1, 10, 0, 0, 5, time.UTC),
		place: place{Directory: "/srv/cc", Files: []string{"/srv/cc/docker-compose.yml", "/srv/cc/override.yml"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(container{})); diff != "" {
		t.Error(diff)
	}
}

func TestAnAnswerWithoutAStateIsNotTakenForDown(t *testing.T) {
	if got := stateOf([]container{readContainer(api.InspectResponse{}, nil)}).Run; got != plan.RunUnsure {
		t.Errorf("%q", got)
	}
}
