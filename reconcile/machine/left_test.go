package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// commandService takes the name of the process that serving starts, and is always
// seen down.
const commandService = `    services:
      - name: asterisk
        command: { start: [/bin/true], stop: [/bin/true], status: [/bin/sh, -c, "exit 3"] }
`

const noServices = `    services: []
`

// alive reports whether a process runs; one that ended and was not waited for does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// releases lets the node step down and fails if the claim is given back while the
// process runs.
func (b *bench) releases(pid int, services string) {
	b.t.Helper()
	b.learns("c9", spec.Standby, services)
	b.passes("released", func(plan.Report) bool { return b.order.Push != nil && b.order.Push.Claim.Action == plan.Release })
	if alive(pid) {
		b.t.Errorf("released while process %d runs: %v", pid, b.services.Observed())
	}
}

// R2: a service stays under the name and driver it was started with until it was
// seen down, whatever the document calls it since.
func TestWhatWasStartedKeepsItsNameAndDriver(t *testing.T) {
	for name, next := range map[string]string{
		"another kind under the same name": commandService,
		"no services at all":               noServices,
		"another name":                     strings.ReplaceAll(allowedServices, "asterisk", "pbx"),
	} {
		for _, restarted := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				b := serving(t)
				b.file.Allow.Commands = append(b.file.Allow.Commands, []string{"/bin/true"}, []string{"/bin/sh", "-c", "exit 3"})
				pid := b.services.manager.Snapshot()[0].PID
				b.learns("c2", spec.Main, next)
				b.passes("said", func(r plan.Report) bool { return hasCondition(r, plan.CondLeftRunning) })
				if restarted {
					b.start()
				}
				b.releases(pid, next)
			})
		}
	}
}

// R2: what this node started may be observed and stopped by it, whatever its own
// file allows by now; it is never started again.
func TestWhatIsNotAllowedAnyMoreIsStillSeenDownBeforeARelease(t *testing.T) {
	for name, next := range map[string]string{"it left the document before": noServices, "the document names it": allowedServices} {
		t.Run(name, func(t *testing.T) {
			b := serving(t)
			pid := b.services.manager.Snapshot()[0].PID
			b.learns("c2", spec.Main, next)
			b.passes("seen", func(r plan.Report) bool { return r.Accepted == "c2" })
			b.file.Allow.Commands = nil
			b.start()
			b.learns("c3", spec.Main, next)
			b.passes("seen", func(r plan.Report) bool { return r.Accepted == "c3" })
			if !alive(pid) {
				t.Error("it was stopped although its side serves")
			}
			b.releases(pid, next)
		})
	}
}

// R2: a record of what was started that cannot be read is not "nothing was
// started": one copy is enough, and without any a person has to say so.
func TestADamagedRecordOfWhatWasStartedIsNotNothing(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(file string) error
		files []string
		known bool
	}{
		{"one damaged", spoil, []string{"managed"}, true},
		{"one removed", os.Remove, []string{"managed"}, true},
		{"both damaged", spoil, []string{"managed", "managed-copy"}, false},
		{"both removed", os.Remove, []string{"managed", "managed-copy"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := serving(t)
			pid := b.services.manager.Snapshot()[0].PID
			defer func() { _ = syscall.Kill(pid, syscall.SIGKILL) }()
			b.learns("c2", spec.Main, noServices)
			b.passes("said", func(r plan.Report) bool { return hasCondition(r, plan.CondLeftRunning) })
			for _, file := range c.files {
				found, err := filepath.Glob(filepath.Join(b.file.State, file+".*"))
				if err != nil || len(found) != 1 {
					t.Fatal(found, err)
				}
				if err := c.spoil(found[0]); err != nil {
					t.Fatal(err)
				}
			}
			b.start()
			if c.known {
				b.releases(pid, noServices)
				return
			}
			b.learns("c9", spec.Standby, noServices)
			r := b.passes("Failed", func(r plan.Report) bool { return r.Status == plan.Failed })
			_, mark, ok := strings.Cut(r.Reason, "rm '")
			if b.order.Push != nil || !ok {
				t.Fatalf("pushed %v: %s", b.order.Push, r.Reason)
			}
			mark, _, _ = strings.Cut(mark, "'")
			b.start() // Another run of the agent does not know more.
			b.learns("c10", spec.Standby, noServices)
			b.passes("Failed", func(r plan.Report) bool { return r.Status == plan.Failed })
			_ = syscall.Kill(pid, syscall.SIGKILL)
			if err := os.Remove(mark); err != nil {
				t.Fatal(err)
			}
			b.start()
			b.releases(pid, noServices)
		})
	}
}

func spoil(file string) error { return os.WriteFile(file, []byte("{"), 0o600) }
