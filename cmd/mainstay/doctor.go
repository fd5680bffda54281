package main

import (
	"context"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/alerting"
	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/doctor"
	"mainstay/spec"
)

// examined is the JSON form of what doctor found.
type examined struct {
	Node     string           `json:"node"`
	OK       bool             `json:"ok"`
	Findings []doctor.Finding `json:"findings"`
}

func (a *app) doctorCommand() *cobra.Command {
	var config string
	var secure bool
	c := &cobra.Command{
		Use:   "doctor [AGENTFILE…]",
		Short: "Check this node before trouble does",
		Args:  cobra.ArbitraryArgs,
		Long: "doctor checks what this node needs when it has to serve: that the document can be read and is allowed\n" +
			"here, that a claim could be pushed (it pushes a ref of its own and takes it away again), that the\n" +
			"services and programs exist and nothing else starts them at boot, that host keys are pinned,\n" +
			"secrets are secret and the state folder can be written, the clocks, and the sums of the handover.\n" +
			"Run it on the node, as the user that the agent runs as. It ends with 1 when anything fails.\n\n" +
			"With --security it looks at what somebody with a stolen key, a commit or an account of this\n" +
			"machine could do instead: whether this node's key may push the branch or another node's refs (it\n" +
			"tries both and takes away what it made), what is believed unsigned, plain http, modes, and each * of\n" +
			"allow. With agents' files as arguments, such as those of a repository, it looks at what they say.\n" + endsWith(exitProblems),
		Example: "  mainstay doctor\n  mainstay doctor --test-alerts\n  mainstay doctor --config /etc/mainstay/agent.yaml -o json\n  mainstay doctor --security\n  mainstay doctor --security agent-*.yaml",
		RunE: func(c *cobra.Command, files []string) error {
			switch {
			case len(files) > 0 && !secure:
				return failf(exitUsage, "files are looked at with --security only")
			case len(files) > 0:
				return a.doctorFiles(files)
			case secure:
				return a.doctor(c.Context(), config, doctor.Security)
			}
			return a.doctor(c.Context(), config, doctor.Examine)
		},
	}
	c.Flags().StringVar(&config, "config", defaultConfig, "the agent's own file")
	c.Flags().BoolVar(&secure, "security", false, "look at who could do harm, and how")
	alerting.AddTest(c, &config, loadAgentFile)
	return c
}

// examination looks at a node by its own file.
type examination func(context.Context, *spec.AgentFile, *slog.Logger) []doctor.Finding

// doctorFiles looks at what agents' files say, wherever they lie.
func (a *app) doctorFiles(files []string) error {
	r := examined{Node: strings.Join(files, " "), OK: true}
	for _, file := range files {
		f, err := loadAgentFile(file)
		if err != nil {
			return err
		}
		for _, found := range doctor.Stated(f) {
			found.Text = file + ": " + found.Text
			r.Findings = append(r.Findings, found)
		}
	}
	return a.tellExamined(r)
}

func (a *app) doctor(ctx context.Context, config string, look examination) error {
	f, err := loadAgentFile(config)
	if err != nil {
		return err
	}
	return a.tellExamined(examined{Node: f.Node, OK: true, Findings: look(ctx, f, slog.New(slog.DiscardHandler))})
}

func (a *app) tellExamined(r examined) error {
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
		return failf(exitFailed, "%s of %s", count(failed, "failure"), r.Node)
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
	s := ui.ScreenOf(a.out)
	styles := map[doctor.Level]ui.Style{doctor.OK: ui.Good, doctor.Warn: ui.Warn, doctor.Fail: ui.Bad}
	for _, f := range r.Findings {
		s.Item(styles[f.Level], ui.Pad(string(f.Level), 6)+ui.Pad(f.Area, 10), f.Text)
		if f.Do != "" {
			s.Item(ui.Plain, ui.Pad("", 16)+"do: ", f.Do)
		}
	}
	return nil
}
