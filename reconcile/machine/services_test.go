package machine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/managed"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/probe"
	"mainstay/reconcile/service"
	"mainstay/spec"
)

// still is a service that is always seen in one state.
type still service.State

func (s still) Observe(context.Context) (service.State, error) { return service.State(s), nil }
func (still) Start(context.Context) error                      { return nil }
func (still) Stop(context.Context) error                       { return nil }
func (still) Watch(ctx context.Context, wake func()) error {
	wake()
	<-ctx.Done()
	return ctx.Err()
}

// A report whose conditions change places is published again each time.
func TestTheConditionsOfServicesAreToldInOneOrder(t *testing.T) {
	managed := map[string]service.Managed{}
	var want []plan.Condition
	for i := range 8 {
		name := fmt.Sprintf("s%d", i)
		managed[name] = service.Managed{Driver: still{Run: plan.Running, Enabled: "enabled", Unhealthy: "no answer", Rival: "52:54:00:00:00:01 has it too"}}
		want = append(want,
			plan.Condition{Type: plan.CondEnabledAtBoot, Message: name + " is started at boot by something else (enabled): disable it, the agent starts it"},
			plan.Condition{Type: plan.CondAddressContested, Message: name + ": 52:54:00:00:00:01 has it too"},
			plan.Condition{Type: plan.CondUnhealthy, Message: name + " runs, and is not well: no answer"})
	}
	managed["well"] = service.Managed{Driver: still{Run: plan.Running}}
	s := &Services{manager: service.NewManager(t.Context(), Clock{}, func() {}, slog.New(slog.DiscardHandler))}
	s.manager.Set(managed)
	s.Look(t.Context())
	for range 20 {
		if diff := cmp.Diff(want, s.Conditions()); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestADrainSpeaksInItsCommandsOwnWords(t *testing.T) {
	b := newBench(t)
	ask := func(script string) error {
		m, err := b.services.managed(spec.Service{Name: "pbx", Systemd: "pbx.service",
			Drain: &spec.Drain{Command: []string{"sh", "-c", script}, Within: spec.Duration(5 * time.Second)}}, managed.Identity{})
		if err != nil || m.DrainWithin != 5*time.Second {
			t.Fatal(m.DrainWithin, err)
		}
		return m.Drain(t.Context())
	}
	if err := ask("exit 0"); err != nil {
		t.Errorf("with nothing left: %v", err)
	}
	if err := ask("echo 3 calls; exit 1"); err == nil || err.Error() != "3 calls" {
		t.Errorf("with calls left: %v", err)
	}
	if err := ask("exit 1"); err == nil || !strings.HasSuffix(err.Error(), "exit code 1") {
		t.Errorf("of a command that says nothing: %v", err)
	}
	if err := ask("printf '%1000s' | tr ' ' x; exit 1"); err == nil || len(err.Error()) > longestWords+10 {
		t.Errorf("of a command that says much: %d bytes", len(err.Error()))
	}
	var exit *probe.ExitError
	if err := ask("echo 3 calls; kill -KILL $$"); err == nil || errors.As(err, &exit) || !strings.Contains(err.Error(), "ended by signal") {
		t.Errorf("of a command that was killed: %v", err)
	}
}

func TestARefusalSaysWhichLinesToAddAndWhatToDoThen(t *testing.T) {
	w := &spec.Wanted{
		Services: []spec.Service{{Systemd: "pbx.service", Drain: &spec.Drain{Command: []string{"calls", "--left"}}},
			{Compose: &spec.ComposeService{Project: "cc", Service: "xuc", Directory: "/srv/cc"}}},
		Files: []spec.File{{Path: "/etc/pbx.conf", Reload: &spec.Action{Systemd: "pbx.service"}}},
	}
	want := "services[0].systemd: agent.yaml does not allow it; add under allow.systemd: - \"pbx.service\"; " +
		"services[0].drain.command: agent.yaml does not allow it; add under allow.commands: - [\"calls\",\"--left\"]; " +
		"services[1].compose: agent.yaml does not allow it; add under allow.compose: - \"cc=/srv/cc\"; " +
		"files[0].path: agent.yaml does not allow it; add under allow.paths: - \"/etc/pbx.conf\"; then restart the agent"
	if err := refused(spec.Allow{}, w); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	all := spec.Allow{Systemd: []string{"pbx.service"}, Commands: [][]string{{"calls", "--left"}}, Compose: []string{"cc=/srv/cc"}, Paths: []string{"/etc/pbx.conf"}}
	if err := refused(all, w); err != nil {
		t.Errorf("with those lines: %v", err)
	}
}
