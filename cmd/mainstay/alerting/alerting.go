// Package alerting puts alerts together for one process: what looks on beside an agent,
// the hidden command that sends one alert, and the flag by which a person tries them all.
//
// It must not know what is told, nor how a message is worded.
package alerting

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"mainstay/reconcile/alert"
	"mainstay/reconcile/alert/courier"
	"mainstay/reconcile/alert/deliver"
	"mainstay/reconcile/plain"
	"mainstay/spec"
	"mainstay/spec/alerts"
)

// mostMemory bounds what sending one alert may take, in bytes: whatever a server answers.
const mostMemory = 512 << 20

// Command sends the one alert that it is given on its input. It is not for people.
func Command() *cobra.Command {
	return &cobra.Command{
		Use:    deliver.Command,
		Hidden: true,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: mostMemory, Max: mostMemory}); err != nil {
				return fmt.Errorf("bound the memory: %w", err)
			}
			return courier.Run(c.Context(), c.InOrStdin())
		},
	}
}

// testBound is how long one receiver may take.
const testBound = 30 * time.Second

// AddTest adds to doctor the flag that tries every receiver of an agent's file.
func AddTest(c *cobra.Command, config *string, load func(string) (*spec.AgentFile, error)) {
	only := c.Flags().Bool("test-alerts", false, "send a test to every receiver of alerts, and nothing else")
	otherwise := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if !*only {
			return otherwise(c, args)
		}
		f, err := load(*config)
		if err != nil {
			return err
		}
		return Try(c.Context(), c.OutOrStdout(), f.Node, f.Alerts)
	}
}

// Try sends a test to each receiver, and says of each whether it took it.
func Try(ctx context.Context, out io.Writer, teller string, list []alerts.Alert) error {
	if len(list) == 0 {
		return fmt.Errorf("%s names nobody who is told of alerts", teller)
	}
	failed := 0
	for _, a := range list {
		bound, cancel := context.WithTimeout(ctx, testBound)
		err := deliver.Deliver(bound, a, alert.TestOf(teller, teller, a.Language, time.Now()))
		cancel()
		word, why := "ok", ""
		if err != nil {
			failed++
			word, why = "fail", ": "+plain.Line(err.Error())
		}
		if _, err := fmt.Fprintf(out, "%-6s%s%s\n", word, plain.Line(a.String()), why); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d receivers took no test", failed, len(list))
	}
	return nil
}
