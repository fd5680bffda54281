package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is this release's number. The package's build puts the commit behind it.
//
//go:embed VERSION
var version string

// versions names this program's own version and those it was built with.
func versions() map[string]string {
	v := strings.TrimSpace(version)
	b, ok := debug.ReadBuildInfo()
	if stamped := strings.Contains(v, "+"); ok && !stamped {
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				v += "+" + s.Value[:12]
			}
		}
	}
	return map[string]string{"mainstay": v, "go": runtime.Version(), "document": "mainstay/v1"}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: "version prints the version of this program, of the Go that built it, and of the document that it\n" +
			"reads.\n" + endsWith(),
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
