package systemd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	godbus "github.com/godbus/dbus/v5"

	"mainstay/reconcile/service"
)

// errLost is a connection that went away in the middle of an order. What became
// of the order is told by looking, over the next connection.
var errLost = fmt.Errorf("%w: the connection to systemd was lost", service.ErrUnavailable)

// explain turns the error of a call into one that wraps the contract's
// sentinels.
func (l *link) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ended := service.Ended(ctx); ended != nil {
		return ended
	}
	var refused godbus.Error
	if errors.As(err, &refused) {
		return sentinel(refused)
	}
	var broken *net.OpError
	if l.isLost() || errors.Is(err, godbus.ErrClosed) || errors.Is(err, io.EOF) || errors.As(err, &broken) {
		l.close()
		return errLost
	}
	return fmt.Errorf("%w: %w", service.ErrUnavailable, err)
}

func sentinel(e godbus.Error) error {
	said := e.Error()
	name, ok := strings.CutPrefix(e.Name, destination+".")
	if !ok {
		name = strings.TrimPrefix(e.Name, busName+".Error.")
	}
	switch name {
	case "NoSuchUnit", "UnknownObject":
		return fmt.Errorf("%w: %s", service.ErrNotFound, said)
	case "UnitMasked":
		return fmt.Errorf("%w: %s", service.ErrMasked, said)
	case "LoadFailed", "BadUnitSetting", "OnlyByDependency", "TransactionIsDestructive", "TransactionJobsConflicting",
		"TransactionOrderIsCyclic", "ShuttingDown", "JobTypeNotApplicable", "AccessDenied", "InteractiveAuthorizationRequired", "InvalidArgs":
		return fmt.Errorf("%w: %s", service.ErrRefused, said)
	case "NoReply", "Timeout", "Disconnected", "ServiceUnknown", "NameHasNoOwner":
		return fmt.Errorf("%w: %s", service.ErrUnavailable, said)
	}
	return fmt.Errorf("systemd says %s: %s", name, said)
}

// jobError says what a job's result other than done means.
func jobError(result string) error {
	switch result {
	case "done", "skipped":
		return nil
	case "canceled":
		return errors.New("another order for the unit came meanwhile, not from this agent, and systemd carries out that one: look who gives orders beside the agent")
	case "timeout":
		return fmt.Errorf("%w: systemd gave the job up after the unit's own JobTimeoutSec", service.ErrTimeout)
	case "failed":
		return service.ErrFailed
	case "dependency":
		return fmt.Errorf("%w: a unit that it depends on did not start: \"systemctl list-dependencies\" shows which", service.ErrFailed)
	case "assert":
		return fmt.Errorf("%w: an assertion of its unit file (a line Assert…=) is not met: \"systemctl status\" shows which", service.ErrRefused)
	case "unsupported":
		return fmt.Errorf("%w: units of this type are not supported on this machine", service.ErrRefused)
	case "invalid":
		return fmt.Errorf("%w: the order does not fit units of this type: name a unit that can be started and stopped, such as a .service", service.ErrRefused)
	case "once":
		return fmt.Errorf("%w: the unit can be started only once until the machine reboots", service.ErrRefused)
	case "frozen":
		return fmt.Errorf("%w: the unit is frozen; \"systemctl thaw\" lets it go on", service.ErrRefused)
	case "concurrency":
		return fmt.Errorf("%w: its slice allows no more units at a time: raise ConcurrencyHardMax of the slice, or stop one of them", service.ErrRefused)
	case "collected":
		return errors.New("systemd unloaded the unit before the order ended: is its unit file still there?")
	}
	return fmt.Errorf("systemd ended the job with %q, which is not known here: \"journalctl -u\" of the unit tells more", result)
}
