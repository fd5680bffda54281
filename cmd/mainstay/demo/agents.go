package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"mainstay/reconcile/service/process"
	"mainstay/spec"
)

// agents are the agent processes of the demo.
type agents struct {
	layout *layout
	procs  []*agentProc
}

type agentProc struct {
	name string
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{}
}

// startAgents starts one agent process for each node.
func startAgents(p *layout) (*agents, error) {
	a := &agents{layout: p}
	for _, n := range p.nodes() {
		if err := a.start(n.Name); err != nil {
			return a, fmt.Errorf("start the agent of %s: %w", n.Name, err)
		}
	}
	return a, nil
}

func (a *agents) start(name string) error {
	log, err := os.OpenFile(filepath.Join(a.layout.node(name), "agent.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	c := exec.Command(a.layout.Self, "agent", "--config", a.layout.config(name))
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		log.Close()
		return err
	}
	proc := &agentProc{name: name, cmd: c, log: log, done: make(chan struct{})}
	a.procs = append(a.procs, proc)
	go func() { _ = c.Wait(); close(proc.done) }()
	return nil
}

// stop ends the agents, then the services: an agent that ends leaves those
// running, so nothing else would.
func (a *agents) stop() {
	for _, p := range a.procs {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	for _, p := range a.procs {
		select {
		case <-p.done:
		case <-limit.C:
			_ = p.cmd.Process.Kill()
			<-p.done
		}
		p.log.Close()
	}
}

// stopServices ends every service of the demo that still runs.
func (a *agents) stopServices(ctx context.Context) error {
	var errs []error
	for _, n := range a.layout.nodes() {
		for _, s := range []string{"asterisk", "monit", "xuc", "proxy"} {
			folder := filepath.Join(a.layout.node(n.Name), "state", "services", s)
			if _, err := os.Stat(folder); err != nil {
				continue
			}
			d, err := process.New(process.Config{
				Marker: strings.Join([]string{a.layout.Name, n.Name, s}, "/"), Folder: folder,
				Process: spec.ProcessService{Command: []string{"true"}}, Log: slog.New(slog.DiscardHandler),
			})
			if err == nil {
				ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
				err = d.Stop(ctx)
				cancel()
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
