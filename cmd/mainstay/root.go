package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/drill"
	"mainstay/reconcile/carry"
	"mainstay/reconcile/plain"
	"mainstay/schema"
)

// The exit codes, which are a contract.
const (
	exitDone         = 0
	exitFailed       = 1
	exitUsage        = 2
	exitProblems     = 3 // the document has problems
	exitPending      = 4 // plan --exit-code: changes are pending
	exitNotConverged = 5 // not converged in time
	exitRefused      = 6 // refused by a safety rule
)

// fault is an error with an exit code and, where there is something to do, a
// hint.
type fault struct {
	code int
	err  error
	hint string
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// Hint returns what the person should do, or the empty string.
func (f *fault) Hint() string { return f.hint }

// failf returns an error with an exit code.
func failf(code int, format string, args ...any) *fault {
	return &fault{code: code, err: fmt.Errorf(format, args...)}
}

// hintf adds what the person should do.
func (f *fault) hintf(format string, args ...any) *fault {
	f.hint = fmt.Sprintf(format, args...)
	return f
}

// app is what the commands share. There is one for each run.
type app struct {
	in     io.Reader
	out    io.Writer
	err    io.Writer
	format string
}

// run is the whole command line: it returns the exit code.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	a := &app{in: in, out: out, err: errOut}
	root := a.command()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	return a.report(root.ExecuteContext(ctx))
}

// report prints an error once and returns its exit code.
func (a *app) report(err error) int {
	if err == nil {
		return exitDone
	}
	code := exitFailed
	var f *fault
	var d *drill.Ended
	switch {
	case errors.As(err, &f):
		code = f.code
	case errors.As(err, &d):
		code = d.Code
	case errors.As(err, new(*carry.Refused)):
		code = exitRefused
	}
	if text := err.Error(); text != "" {
		// No line of what somebody else said begins like one of this program.
		fmt.Fprintf(a.err, "error: %s\n", strings.ReplaceAll(strings.TrimRight(plain.Text(text), "\n"), "\n", "\n  "))
	}
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(a.err, "hint: %s\n", plain.Line(hint))
	}
	return code
}

// alsoPrints annotates a command that has one more output format.
const alsoPrints = "also-prints"

// command returns the command tree. Each command is in the file of its name.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "mainstay",
		Short: "Run a main/standby deployment from a git repository",
		Long: "mainstay runs a main/standby deployment from a git repository. One word in one document,\n" +
			"active: main or active: standby, says which side serves; failing over is a commit.\n" + endsWith(exitProblems, exitPending, exitNotConverged, exitRefused),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noSuchCommand,
		Version:       versions()["mainstay"],
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if also := c.Annotations[alsoPrints]; a.format != "text" && a.format != "json" && (also == "" || a.format != also) {
				return failf(exitUsage, "--output is %q", a.format).hintf("use text or json")
			}
			return nil
		},
	}
	root.PersistentFlags().StringVarP(&a.format, "output", "o", "text", "how to print results: text or json")
	_ = root.RegisterFlagCompletionFunc("output", func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		list := []string{"text", "json"}
		if also := c.Annotations[alsoPrints]; also != "" {
			list = append(list, also)
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	})
	root.CompletionOptions.HiddenDefaultCmd = false
	root.SetFlagErrorFunc(wrongFlag)
	root.SetHelpCommand(helpCommand())
	root.SetUsageTemplate(narrow(root.UsageTemplate()))
	root.Long = wrapped(root.Long)
	for _, make := range a.commands() {
		c := make()
		c.Args = usageArgs(c.Args)
		c.Long = wrapped(c.Long)
		root.AddCommand(c)
	}
	return root
}

// wrongFlag words a flag that cannot be read: most of all a time without its unit.
func wrongFlag(c *cobra.Command, err error) error {
	var value, flag string
	if _, e := fmt.Sscanf(err.Error(), "invalid argument %q for %q flag: time:", &value, &flag); e != nil {
		return failf(exitUsage, "%w", err).hintf("run %s --help", c.CommandPath())
	}
	f := failf(exitUsage, "%s takes a time with its unit, not %q", flag, value).hintf("such as 30s, 5m or 2h")
	if meant := schema.MeantDuration(value); meant != "" && strings.Trim(value, "0123456789") != "" {
		f.hint = "write " + meant
	}
	return f
}

// helpCommand shows the help of a command that there is, and names the one that was
// probably meant otherwise.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		ValidArgsFunction: func(c *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
			return namesOf(c.Root(), given), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return noSuchCommand(c.Root(), args)
			}
			return about.Help()
		},
	}
}

// namesOf lists the commands, to complete the first argument.
func namesOf(root *cobra.Command, given []string) []string {
	var names []string
	for _, c := range root.Commands() {
		if len(given) == 0 && !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return names
}

// noSuchCommand names the command that was probably meant.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	f := failf(exitUsage, "there is no command %q", args[0]).hintf("run %s --help", c.CommandPath())
	c.SuggestionsMinimumDistance = 2
	if names := c.SuggestionsFor(args[0]); len(names) > 0 {
		f.hint = "did you mean mainstay " + strings.Join(names, ", mainstay ") + "?"
	}
	return f
}

// commands lists what makes the commands, in the order of the help.
func (a *app) commands() []func() *cobra.Command {
	return append(a.machineCommands(), []func() *cobra.Command{
		a.initCommand,
		a.validateCommand,
		a.syncCommand,
		a.pauseCommand,
		a.resumeCommand,
		a.drainCommand,
		a.acceptCommand,
		a.takeoverCommand,
		a.explainCommand,
		a.statusCommand,
		a.planCommand,
		a.failoverCommand,
		a.setCommand,
		a.historyCommand,
		a.drillCommand,
		a.coordinationCommand,
		a.consoleCommand,
		a.doctorCommand,
		a.notifyCommand,
		a.manCommand,
		a.schemaCommand,
		a.versionCommand,
	}...)
}

// usageArgs makes a wrong number of arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	if check == nil {
		check = cobra.NoArgs
	}
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return failf(exitUsage, "%w", err).hintf("run %s --help", c.CommandPath())
		}
		return nil
	}
}
