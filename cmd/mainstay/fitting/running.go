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
func Running(ctx context.Context, host string) (services []initial.Service, leftOut []string, err error) {
	if !machine.MatchString(host) {
		return nil, nil, fmt.Errorf("%q is no machine to ask: give USER@HOST", host)
	}
	ctx, cancel := context.WithTimeout(ctx, look)
	defer cancel()
	ask := exec.CommandContext(ctx, "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "--", host, what)
	ask.WaitDelay = time.Second
	said, complaint := &run.Head{Most: mostSaid}, &run.Tail{}
	ask.Stdout, ask.Stderr = said, complaint
	if err := ask.Run(); err != nil {
		return nil, nil, fmt.Errorf("ask %s what it runs: %w: %s", host, cmp.Or(context.Cause(ctx), err), plain.Line(complaint.String()))
	}
	if said.Over() {
		return nil, nil, fmt.Errorf("ask %s what it runs: it says more than %d bytes", host, mostSaid)
	}
	services, leftOut = parse(said.String())
	if len(services) == 0 {
		return nil, nil, fmt.Errorf("ask %s what it runs: %w", host, ErrNothingRuns)
	}
	return services, leftOut, nil
}

// parse reads what systemd and Docker listed. Two that would have one name get a number.
// What is no name, or what every machine runs, is left out, and said to be.
func parse(said string) (services []initial.Service, leftOut []string) {
	names := map[string]bool{}
	add := func(s initial.Service) {
		base := strings.Trim(strings.ToLower(noName.ReplaceAllString(s.Name, "-")), "-")
		base = base[:min(len(base), 50)]
		s.Name = base
		for n := 2; names[s.Name]; n++ {
			s.Name = fmt.Sprintf("%s-%d", strings.TrimRight(base, "-"), n)
		}
		if base != "" {
			names[s.Name] = true
			services = append(services, s)
		}
	}
	units, containers, _ := strings.Cut(said, "\n--")
	for line := range strings.Lines(units) {
		f := strings.Fields(line)
		switch {
		case len(f) < 4 || f[2] != "active" || !strings.HasSuffix(f[0], ".service"):
		case unit.MatchString(f[0]) && !everywhere.MatchString(f[0]):
			add(initial.Service{Name: strings.TrimSuffix(f[0], ".service"), Unit: f[0]})
		default:
			leftOut = append(leftOut, plain.Line(f[0][:min(len(f[0]), 100)]))
		}
	}
	var composed []initial.Service
	for line := range strings.Lines(containers) {
		f := strings.Fields(line)
		switch {
		case len(f) == 2 && project.MatchString(f[0]) && project.MatchString(f[1]):
			composed = append(composed, initial.Service{Name: f[1], Project: f[0], Service: f[1]})
		case len(f) > 0 && f[0] != "--":
			leftOut = append(leftOut, plain.Line(strings.Join(f, " ")[:min(len(strings.Join(f, " ")), 100)]))
		}
	}
	slices.SortFunc(composed, func(a, b initial.Service) int {
		return strings.Compare(a.Project+"/"+a.Service, b.Project+"/"+b.Service)
	})
	for _, s := range composed {
		add(s)
	}
	return services, leftOut
}
