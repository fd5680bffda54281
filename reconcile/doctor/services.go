package doctor

import (
	"context"
	"errors"
	"fmt"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/compose"
	"mainstay/reconcile/service/systemd"
	"mainstay/spec"
)

// services looks at every service as the agent does.
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
		e.fail("services", name+": "+err.Error(), mend(err))
	case s.Run == plan.RunUnsure:
		e.fail("services", name+" is in no known state: "+s.Detail, "look at it by hand; the agent would call it Failed")
	case s.Enabled != "":
		e.fail("services", fmt.Sprintf("%s is started at boot by something else (%s)", name, s.Enabled), disable+"; the agent starts it")
	case s.StandIn != "":
		e.warn("services", name+": "+s.StandIn, "list the units that run as services of the document, each with a ready probe")
	default:
		e.ok("services", "%s is known here (%s), and only the agent starts it", name, stateText(s))
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
