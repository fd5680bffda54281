package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker in a release build.
var version = "" //nolint // -X main.version=…

// versions names this program's own version and those it was built with.
func versions() map[string]string {
	v := version
	if v == "" {
		v = "devel"
		if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
			v = b.Main.Version
		}
	}
	return map[string]string{"mainstay": v, "go": runtime.Version(), "document": "mainstay/v1"}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		RunE: func(*cobra.Command, []string) error {
			v := versions()
			if a.format == "json" {
				return a.printJSON(v)
			}
			_, err := fmt.Fprintf(a.out, "mainstay %s (%s, document %s)\n", v["mainstay"], v["go"], v["document"])
			return err
		},
	}
}

// printJSON prints a result as indented JSON.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
