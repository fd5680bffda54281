package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mainstay/reconcile/control"
	"mainstay/reconcile/plain"
	"mainstay/reconcile/plan/permit"
	"mainstay/reconcile/service"
	"mainstay/schema"
	"mainstay/spec"
)

// defaultConfig is where the agent's own file is.
const defaultConfig = "/etc/mainstay/agent.yaml"

// defaultSocket is where an agent listens whose file does not say.
const defaultSocket = "/run/mainstay/agent.sock"

// reach is how a command finds the agent of this node.
type reach struct{ socket, config string }

func (r *reach) flags(c *cobra.Command) {
	c.Flags().StringVar(&r.socket, "socket", "", "the agent's control socket (default: what the agent's own file says)")
	c.Flags().StringVar(&r.config, "config", defaultConfig, "the agent's own file")
}

// file is the agent's own file. One that nobody named may be missing.
func (r *reach) file() (*spec.AgentFile, error) {
	if _, err := os.Stat(r.config); r.config == defaultConfig && errors.Is(err, os.ErrNotExist) {
		f, _ := spec.LoadAgentFile(r.config, []byte("repository: { url: /nowhere }\n"))
		return f, nil
	}
	return loadAgentFile(r.config)
}

// loadAgentFile reads and checks the agent's own file.
func loadAgentFile(path string) (*spec.AgentFile, error) {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, failf(exitFailed, "there is no agent file %s", path).hintf("name it with --config")
	case err != nil:
		return nil, failf(exitFailed, "read the agent file: %w", err).hintf("name it with --config")
	}
	f, problems := spec.LoadAgentFile(path, data)
	if len(problems) > 0 {
		return nil, failf(exitProblems, "the agent file has problems:\n%s", strings.Join(schema.Lines(problems, plain.Line), "\n"))
	}
	if f.Node == "" {
		if f.Node, err = os.Hostname(); err != nil {
			return nil, failf(exitFailed, "ask for the host's name: %w", err).hintf("set node in %s", path)
		}
	}
	return f, nil
}

func (r *reach) client() (*control.Client, error) {
	path := r.socket
	if path == "" {
		f, err := r.file()
		if err != nil {
			return nil, err
		}
		path = f.Socket
	}
	return control.NewClient(path, service.SystemClock{}.Boot), nil
}

// fromAgent gives an agent's error its exit code.
func fromAgent(err error) error {
	var refused *permit.Refused
	var misused *control.Misused
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		text := refused.Error()
		if refused.Rule != "" {
			text += fmt.Sprintf(" (%s)", refused.Rule)
		}
		return failf(exitRefused, "%s", text).hintf("%s", refused.Advice)
	case errors.As(err, &misused):
		return failf(exitUsage, "%w", err).hintf("%s", misused.Advice)
	case errors.Is(err, control.ErrLate):
		return failf(exitNotConverged, "%w", err)
	case errors.Is(err, control.ErrNoAgent):
		return failf(exitFailed, "%w", err).hintf("run it on the node, as root, while the agent runs: systemctl status mainstay")
	}
	return err
}

// answered prints what an agent made of an order.
func (a *app) answered(answer control.Answer, err error) error {
	if err != nil {
		return fromAgent(err)
	}
	if answer.Warning != "" {
		a.say("warning: %s", answer.Warning)
	}
	if a.format == "json" {
		return a.printJSON(answer)
	}
	if err := a.tell("%s\n", plain.Line(answer.Message)); err != nil || answer.Report == nil {
		return err
	}
	return a.tell("%s\n", plain.Line(fmt.Sprintf("%s is %s: %s", answer.Report.Node, answer.Report.Status, answer.Report.Reason)))
}
