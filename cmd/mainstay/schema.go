package main

import (
	"github.com/spf13/cobra"

	"mainstay/schema"
)

func (a *app) schemaCommand() *cobra.Command {
	var kinds []string
	for _, k := range schema.Kinds() {
		kinds = append(kinds, string(k))
	}
	return &cobra.Command{
		Use:   "schema deployment|agent|claim|report",
		Short: "Print the JSON schema of a file",
		Long: "schema prints the JSON schema of a file: of the document, of the agent's own file, or of the\n" +
			"claims and reports that agents publish on git. Editors check and complete YAML with the first\n" +
			"two.\n" + endsWith(),
		Example:   "  mainstay schema deployment >deployment.schema.json",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: kinds,
		RunE: func(_ *cobra.Command, args []string) error {
			b, err := schema.JSON(schema.Kind(args[0]))
			if err != nil {
				return err
			}
			_, err = a.out.Write(b)
			return err
		},
	}
}
