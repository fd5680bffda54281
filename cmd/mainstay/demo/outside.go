package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mainstay/reconcile/probe"
	"mainstay/spec"
)

// lookFromOutside asks the services themselves, and not the agents, whether the
// right side serves and the other one is silent.
func lookFromOutside(ctx context.Context, p *layout, active spec.Side) error {
	sides := map[spec.Side]struct{ xivo, cc int }{spec.Main: {11, 21}, spec.Standby: {12, 22}}
	here, there := sides[active], sides[active.Other()]
	return errors.Join(
		answers(ctx, spec.Probe{SIP: p.Address(here.xivo) + ":5060"}),
		silent(ctx, spec.Probe{SIP: p.Address(there.xivo) + ":5060"}),
		answers(ctx, spec.Probe{HTTP: "http://" + p.Address(here.cc) + ":8090/", Body: "xuc on cc-" + string(active)}),
		silent(ctx, spec.Probe{TCP: p.Address(there.cc) + ":8090"}),
		answers(ctx, spec.Probe{HTTP: "http://" + p.Address(41) + ":8443/", Body: "xuc on cc-" + string(active)}),
	)
}

func answers(ctx context.Context, want spec.Probe) error {
	ask, err := probe.New(probe.Defaults(want))
	if err != nil {
		return err
	}
	return ask(ctx)
}

func silent(ctx context.Context, want spec.Probe) error {
	want.Timeout = spec.Duration(300 * time.Millisecond)
	if answers(ctx, want) == nil {
		return fmt.Errorf("%s%s%s answers and should not", want.SIP, want.HTTP, want.TCP)
	}
	return nil
}
