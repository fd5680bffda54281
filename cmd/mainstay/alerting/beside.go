//go:build linux

package alerting

import (
	"log/slog"

	"mainstay/reconcile/alert/deliver"
	"mainstay/reconcile/alert/lookout"
	"mainstay/reconcile/host"
	"mainstay/reconcile/machine"
	"mainstay/spec"
)

// Of is who looks on beside an agent, nil when its file names nobody to tell.
func Of(f *spec.AgentFile, log *slog.Logger) host.Aside {
	l := lookout.New(lookout.Config{Node: f.Node, Alerts: f.Alerts, Deliver: deliver.Deliver, Clock: machine.Clock{}, Log: log})
	if l == nil {
		return nil
	}
	return l
}
