package fitting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"mainstay/cmd/mainstay/initial"
	"mainstay/reconcile/plain"
	"mainstay/reconcile/run"
)

// look bounds the question what a machine runs, and mostSaid its answer in bytes.
const (
	look     = 30 * time.Second
	mostSaid = 256 << 10
)

// ErrNothingRuns means that a machine runs nothing that could be proposed.
var ErrNothingRuns = errors.New("it runs nothing but what belongs to every machine")

// what asks systemd for what runs, and Docker, where there is one, for its projects.
const what = `systemctl list-units --type=service --state=running --plain --no-legend --no-pager && echo -- && ` +
	`if command -v docker >/dev/null; then docker ps --format '{{.Label "com.docker.compose.project"}} {{.Label "com.docker.compose.service"}}'; fi`

var (
	machine = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9.:-]*$`)
	unit    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9@._:-]*\.service$`)
	noName  = regexp.MustCompile(`[^A-Za-z0-9-]+`)
	project = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
	// everywhere are units that a machine runs whatever it is for.
	everywhere = regexp.MustCompile(`^(systemd-.*|dbus.*|ssh.*|cron|anacron|atd|getty@.*|serial-getty@.*|console-getty|user@.*|user-runtime-dir@.*|rsyslog|` +
		`docker|containerd|mainstay.*|polkit|networking|NetworkManager.*|wpa_supplicant|chrony.*|ntp.*|unattended-upgrades|qemu-guest-agent|` +
		`irqbalance|lvm2-.*|multipathd|rpcbind|acpid|udisks2|ModemManager|accounts-daemon|fail2ban|postfix.*|exim4|smartmontools|` +
		`prometheus-node-exporter.*|node_exporter|qemu-ga|open-vm-tools|vgauth|rtkit-daemon|haveged|rngd.*|keepalived|pacemaker|corosync)\.service$`)
)

// Running asks a machine, over SSH as its user is let in there, what it runs that a
// document could name. Nothing on it is changed.
func Running(ctx context.Context, host string) ([]initial.Service, error) {
	if !machine.MatchString(host) {
		return nil, fmt.Errorf("%q is no machine to ask: give USER@HOST", host)
	}
	ctx, cancel := context.WithTimeout(ctx, look)
	defer cancel()
	ask := exec.CommandContext(ctx, "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "--", host, what)
	ask.WaitDelay = time.Second
	said, complaint := &run.Head{Most: mostSaid}, &run.Tail{}
	ask.Stdout, ask.Stderr = said, complaint
	if err := ask.Run(); err != nil {
		return nil, fmt.Errorf("ask %s what it runs: %w: %s", host, cmp.Or(context.Cause(ctx), err), plain.Line(complaint.String()))
	}
	if said.Over() {
		return nil, fmt.Errorf("ask %s what it runs: it says more than %d bytes", host, mostSaid)
	}
	services := parse(said.String())
	if len(services) == 0 {
		return nil, fmt.Errorf("ask %s what it runs: %w", host, ErrNothingRuns)
	}
	return services, nil
}

// parse reads what systemd and Docker listed, and leaves out what is no name.
func parse(said string) []initial.Service {
	var out []initial.Service
	names := map[string]bool{}
	add := func(s initial.Service) {
		s.Name = strings.ToLower(noName.ReplaceAllString(s.Name, "-"))
		if s.Name = strings.Trim(s.Name, "-"); s.Name != "" && len(s.Name) <= 60 && !names[s.Name] {
			names[s.Name] = true
			out = append(out, s)
		}
	}
	units, containers, _ := strings.Cut(said, "\n--")
	for line := range strings.Lines(units) {
		if f := strings.Fields(line); len(f) > 3 && unit.MatchString(f[0]) && f[2] == "active" && !everywhere.MatchString(f[0]) {
			add(initial.Service{Name: strings.TrimSuffix(f[0], ".service"), Unit: f[0]})
		}
	}
	var composed []initial.Service
	for line := range strings.Lines(containers) {
		if f := strings.Fields(line); len(f) == 2 && project.MatchString(f[0]) && project.MatchString(f[1]) {
			composed = append(composed, initial.Service{Name: f[1], Project: f[0], Service: f[1]})
		}
	}
	slices.SortFunc(composed, func(a, b initial.Service) int {
		return strings.Compare(a.Project+"/"+a.Service, b.Project+"/"+b.Service)
	})
	for _, s := range composed {
		add(s)
	}
	return out
}
