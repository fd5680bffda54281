// Package driven looks at the services of a node as the agent's drivers do, and touches
// none of them.
//
// It must not know how what it found is shown.
package driven

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/address"
	"mainstay/reconcile/service/compose"
	"mainstay/reconcile/service/systemd"
	"mainstay/spec"
)

// bound is how long one look at something outside may take.
const bound = 10 * time.Second

// Found takes what was found, and what to do about it.
type Found interface {
	// OK takes what is well.
	OK(text string)
	// Warn takes what is doubtful.
	Warn(text, do string)
	// Fail takes what would fail.
	Fail(text, do string)
}

// examiner looks at services.
type examiner struct {
	Found
	log *slog.Logger
}

// Services looks at every service as the agent does.
func Services(ctx context.Context, w *spec.Wanted, log *slog.Logger, found Found) {
	(&examiner{found, log}).services(ctx, w)
}

func (e *examiner) services(ctx context.Context, w *spec.Wanted) {
	bus := systemd.NewBus(e.log)
	defer bus.Close()
	var engine *compose.Engine
	for _, s := range w.Services {
		switch {
		case s.Systemd != "":
			e.service(ctx, s.Name, bus.Unit(s.Systemd), "systemctl disable "+s.Systemd)
		case s.Compose != nil:
			if engine == nil {
				engine = compose.NewEngine(e.log, "")
				defer engine.Close()
			}
			e.service(ctx, s.Name, engine.Service(*s.Compose, ""), "set restart: \"no\" for it in the compose file")
		case s.Address != nil:
			e.address(ctx, s)
		}
	}
}

// observer is what a driver tells without touching its service.
type observer interface {
	Observe(context.Context) (service.State, error)
}

// service looks at one service; disable is what keeps others from starting it.
func (e *examiner) service(ctx context.Context, name string, o observer, disable string) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	s, err := o.Observe(ctx)
	switch {
	case err != nil:
		e.Fail(name+": "+err.Error(), mend(err))
	case s.Run == plan.RunUnsure:
		e.Fail(name+" is in no known state: "+s.Detail, "look at it by hand; the agent would call it Failed")
	case s.Enabled != "":
		e.Fail(fmt.Sprintf("%s is started at boot by something else (%s)", name, s.Enabled), disable+"; the agent starts it")
	case s.StandIn != "":
		e.Warn(name+": "+s.StandIn, "list the units that run as services of the document, each with a ready probe")
	default:
		e.OK(fmt.Sprintf("%s is known here (%s), and only the agent starts it", name, stateText(s)))
	}
}

// mend is what to do about a service that could not be observed.
func mend(err error) string {
	switch {
	case errors.Is(err, service.ErrUnavailable):
		return "is what runs it (systemd, the Docker engine) up, and may this user talk to it?"
	case errors.Is(err, service.ErrNotFound):
		return "install it, or correct its name in the document"
	case errors.Is(err, service.ErrMasked):
		return "unmask it: nobody can start it as it is"
	}
	return "does it exist on this node, and may the agent see it?"
}

func stateText(s service.State) string {
	if s.Detail == "" {
		return string(s.Run)
	}
	return string(s.Run) + ": " + s.Detail
}

// address looks whether this machine could have a floating address, and whether something
// else gives it the same at boot.
func (e *examiner) address(ctx context.Context, s spec.Service) {
	d, err := address.New(address.Config{Address: *s.Address, Log: e.log})
	if err != nil {
		e.Fail(s.Name+": "+err.Error(), "correct it in the document")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	if err := d.Possible(ctx); err != nil {
		e.Fail(s.Name+": "+err.Error(), "correct the interface in the document, or mend it; the agent needs CAP_NET_ADMIN and CAP_NET_RAW")
		return
	}
	if file := configured("/", s.Address.Same()); file != "" {
		e.Fail(fmt.Sprintf("%s: %s names %s: it would be there after a boot before anybody decided that it may", s.Name, file, s.Address.Same()),
			"take it out there; the agent adds it")
		return
	}
	e.service(ctx, s.Name, d, "")
}

// mostOfAFile bounds what is read of a file.
const mostOfAFile = 1 << 20

// configured is a file by which something else gives the machine an address at boot, or
// "". Only where Debian's own and the usual programs keep such settings is looked.
func configured(root, ip string) string {
	for _, pattern := range []string{
		"etc/network/interfaces", "etc/network/interfaces.d/*", "etc/netplan/*.yaml", "etc/systemd/network/*.network",
		"etc/NetworkManager/system-connections/*", "etc/keepalived/*.conf", "etc/corosync/corosync.conf", "etc/rc.local",
	} {
		files, _ := filepath.Glob(filepath.Join(root, pattern))
		for _, file := range files {
			if names(file, ip) {
				return file
			}
		}
	}
	return ""
}

// names tells whether a file has an address in a line that is no comment.
func names(file, ip string) bool {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, mostOfAFile))
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'=,;[]", r) }) {
			word, _, _ = strings.Cut(word, "/")
			if a, err := netip.ParseAddr(strings.TrimSuffix(word, ":")); err == nil && a.Unmap().String() == ip {
				return true
			}
		}
	}
	return false
}
