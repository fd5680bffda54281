package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/notice"
)

func (a *app) notifyCommand() *cobra.Command {
	var secretFile string
	c := &cobra.Command{
		Use:   "notify URL…",
		Short: "Tell agents to look at git now",
		Long: "notify tells agents that something was pushed, so that they look now and not at their next\n" +
			"poll. It is made for a post-receive hook. A notification that is lost costs one poll.\n" + endsWith(),
		Example: "  mainstay notify --secret-file notify.secret http://10.20.0.11:9477/v1/notify",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, urls []string) error {
			secret, err := readSecret(secretFile)
			if err != nil {
				return err
			}
			return notice.Send(c.Context(), urls, secret)
		},
	}
	c.Flags().StringVar(&secretFile, "secret-file", "", "the file with the secret that the agents share")
	return c
}

func readSecret(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the secret: %w", err)
	}
	return []byte(strings.TrimSpace(string(b))), nil
}
