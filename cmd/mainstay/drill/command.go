package drill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/run"
)

// mostPrinted bounds what a command may print, in bytes.
const mostPrinted = 16 << 20

// Command is the command line of a drill. Place adds the flags that say where the
// repository is and how to be let in; those that are given are handed on.
func Command(in io.Reader, out, errOut io.Writer, place func(*cobra.Command), exits string) *cobra.Command {
	o := Options{}
	var yes bool
	var record string
	c := &cobra.Command{
		Use:   "drill",
		Short: "Practise a switch: over, a look whether all works there, and back",
		Long: "drill fails over and back by the very commands that a person runs, and says whether each way kept\n" +
			"handover.objective. Every node must be seen as the commit says, by the document's own probes, and each\n" +
			"--assert must succeed, while the other side serves. When something is wrong it goes back at once.\n" +
			"It refuses to begin where the other side would be taken for dead, or outside of --window. Both commits\n" +
			"say that they are a drill's, so that the history has it; --record keeps the rest.\n" + exits,
		Example: "  mainstay drill --dry-run\n  mainstay drill --yes --reason 'monthly drill' --window 02:00-04:00\n" +
			"  mainstay drill --yes --assert 'curl -fm5 https://voice.example.org/' --stay 5m",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if err := confirmed(c.Context(), in, errOut, yes || o.DryRun); err != nil {
				return err
			}
			rec, err := runner(errOut, given(c)).Run(c.Context(), o)
			if rec == nil {
				return err
			}
			format, _ := c.Flags().GetString("output")
			return errors.Join(err, keep(record, rec), show(out, format, rec))
		},
	}
	place(c)
	f := c.Flags()
	f.StringVar(&o.Reason, "reason", "", "why, for the people who read the history")
	f.StringArrayVar(&o.Assert, "assert", nil, "a line for /bin/sh that must succeed while the other side serves; may be given again")
	f.DurationVar(&o.Within, "assert-within", time.Minute, "how long each of them may take")
	f.DurationVar(&o.Stay, "stay", time.Minute, "how long the other side serves")
	f.DurationVar(&o.Wait, "wait", 5*time.Minute, "how long each way is followed")
	f.StringVar(&o.Window, "window", "", "when a drill may be under way, as 02:00-04:00 in local time (default: always)")
	f.StringSliceVar(&o.AbortOn, "abort-on", []string{OnLate, OnAssert}, "upon what to go back at once: late, assert; upon a side that does not serve in any case")
	f.BoolVar(&o.DryRun, "dry-run", false, "say whether it would begin, and change nothing")
	f.StringVar(&record, "record", "", "write what came of it into this file, as JSON")
	f.BoolVar(&yes, "yes", false, "do not ask")
	_ = c.RegisterFlagCompletionFunc("abort-on", cobra.FixedCompletions([]string{OnLate, OnAssert}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (o Options) check() error {
	for _, word := range o.AbortOn {
		if word != OnLate && word != OnAssert {
			return &Ended{codeUsage, fmt.Sprintf("--abort-on is %q", word), "use late, assert"}
		}
	}
	if o.Stay < 0 || o.Wait <= 0 || o.Within <= 0 {
		return &Ended{codeUsage, "--stay, --wait and --assert-within are times, such as 5m", ""}
	}
	_, err := window(o.Window)
	return err
}

// confirmed asks the person, unless they said yes before.
func confirmed(ctx context.Context, in io.Reader, errOut io.Writer, yes bool) error {
	if yes {
		return nil
	}
	if f, ok := in.(*os.File); !ok || !ui.IsTerminal(f) {
		return &Ended{codeUsage, "nobody is here to be asked", "add --yes, or --dry-run"}
	}
	fmt.Fprint(errOut, "A drill changes the side that serves, twice. Type drill to go on: ")
	if line, err := ui.Answer(ctx, in); err != nil || line != "drill" {
		return &Ended{codeFailed, "nothing was changed", ""}
	}
	return nil
}

// places are the flags that say where the repository is and how to be let in.
func places() []string {
	return []string{"repo", "base", "path", "deployment", "coordination", "ssh-key", "known-hosts", "token-file", "ca-file", "config"}
}

// given are those of them that were given, as they were.
func given(c *cobra.Command) []string {
	var all []string
	for _, name := range places() {
		if f := c.Flags().Lookup(name); f != nil && f.Changed {
			all = append(all, "--"+name+"="+f.Value.String())
		}
	}
	return all
}

// runner runs this very program, and the person's commands.
func runner(errOut io.Writer, place []string) Runner {
	return Runner{
		Self: func(ctx context.Context, args ...string) ([]byte, int, error) {
			self, err := os.Executable()
			if err != nil {
				return nil, 0, err
			}
			c := exec.CommandContext(ctx, self, append(slices.Clone(args), place...)...)
			c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
			c.WaitDelay = 10 * time.Second
			printed := &run.Head{Most: mostPrinted}
			c.Stdout, c.Stderr = printed, errOut
			err = c.Run()
			if exit := new(exec.ExitError); errors.As(err, &exit) {
				return printed.Bytes(), max(exit.ExitCode(), codeFailed), nil
			}
			return printed.Bytes(), 0, err
		},
		Command: func(ctx context.Context, line string) (string, error) {
			dir, err := os.Getwd()
			if err != nil {
				return "", err
			}
			res, err := run.Call{Argv: []string{"/bin/sh", "-c", line}, Dir: dir}.Run(ctx)
			if err == nil && (res.Code != 0 || res.Signal != "") {
				err = errors.New(res.Reason())
			}
			return res.Output, err
		},
		Rest: func(ctx context.Context, d time.Duration) {
			select {
			case <-time.After(d):
			case <-ctx.Done():
			}
		},
		Now: time.Now, Say: errOut,
	}
}

// keep writes the record to a file, if there is to be one.
func keep(file string, rec *Record) error {
	if file == "" {
		return nil
	}
	b, err := json.MarshalIndent(rec, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(b, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("keep the record: %w", err)
	}
	return nil
}

// show prints the record.
func show(out io.Writer, format string, rec *Record) error {
	if format == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(rec)
	}
	s := ui.ScreenOf(out)
	s.Say(ui.Bold, "%s of %s", rec.Drill, rec.Deployment)
	for i, l := range []*Leg{rec.Over, rec.Back} {
		if l == nil {
			continue
		}
		how := fmt.Sprintf("%.1fs", l.Seconds)
		if !l.Converged {
			how = "not seen to be over"
		}
		s.Say(ui.Plain, "%s → %s: %s", l.From, l.To, how)
		for _, w := range l.Switches {
			text := fmt.Sprintf("%s: %s, by %s, took %s", w.Role, w.Guarantee, w.Node, w.Took().Round(time.Millisecond))
			if w.Objective != nil {
				text += fmt.Sprintf(", objective %s %s", w.Objective.Bound, w.Objective.Verdict)
			}
			s.Item(ui.Plain, "  ", text)
		}
		if i == 0 {
			showAsserted(s, rec.Asserted)
		}
	}
	if rec.Verdict == "" {
		s.Say(ui.Good, "%s", rec.Why)
		return nil
	}
	style := ui.Bad
	if rec.Verdict == Passed {
		style = ui.Good
	}
	s.Say(style, "%s: %s", rec.Verdict, rec.Why)
	return nil
}

func showAsserted(s ui.Screen, all []Asserted) {
	for _, a := range all {
		word := "ok"
		if !a.OK {
			word = "FAILED: " + a.Said
		}
		s.Item(ui.Plain, "  ", a.Command+": "+word)
	}
}
