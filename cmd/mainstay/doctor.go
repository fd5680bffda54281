package main

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/doctor"
)

// examined is the JSON form of what doctor found.
type examined struct {
	Node     string           `json:"node"`
	OK       bool             `json:"ok"`
	Findings []doctor.Finding `json:"findings"`
}

func (a *app) doctorCommand() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check this node before trouble does",
		Long: "doctor checks what this node needs on the day: that the document can be read and is allowed\n" +
			"here, that a claim could be pushed (it pushes a ref of its own and takes it away again), that the\n" +
			"services and programs exist and nothing else starts them at boot, that host keys are pinned,\n" +
			"secrets are secret and the state folder can be written, the clocks, and the sums of the handover.\n" +
			"Run it on the node, as the user that the agent runs as. It ends with 1 when anything fails.\n" + endsWith(exitProblems),
		Example: "  mainstay doctor\n  mainstay doctor --config /etc/mainstay/agent.yaml -o json",
		RunE:    func(c *cobra.Command, _ []string) error { return a.doctor(c.Context(), config) },
	}
	c.Flags().StringVar(&config, "config", defaultConfig, "the agent's own file")
	return c
}

func (a *app) doctor(ctx context.Context, config string) error {
	f, err := loadAgentFile(config)
	if err != nil {
		return err
	}
	r := examined{Node: f.Node, OK: true, Findings: doctor.Examine(ctx, f, slog.New(slog.DiscardHandler))}
	failed, warned := 0, 0
	for _, d := range r.Findings {
		switch d.Level {
		case doctor.Fail:
			failed++
		case doctor.Warn:
			warned++
		}
	}
	r.OK = failed == 0
	if err := a.printExamined(r); err != nil {
		return err
	}
	if failed > 0 {
		return failf(exitFailed, "%s of %s", count(failed, "failure"), f.Node)
	}
	if warned > 0 {
		a.say("%s", count(warned, "warning"))
	}
	return nil
}

func (a *app) printExamined(r examined) error {
	if a.format == "json" {
		return a.printJSON(r)
	}
	s := a.screen()
	styles := map[doctor.Level]ui.Style{doctor.OK: ui.Good, doctor.Warn: ui.Warn, doctor.Fail: ui.Bad}
	for _, f := range r.Findings {
		s.Item(styles[f.Level], ui.Pad(string(f.Level), 6)+ui.Pad(f.Area, 10), f.Text)
		if f.Do != "" {
			s.Item(ui.Plain, ui.Pad("", 16)+"do: ", f.Do)
		}
	}
	return nil
}
