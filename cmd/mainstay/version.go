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

// version is this release's number.
//
//go:embed VERSION
var version string

// commit is what the package was built from, stamped by the linker; a build by hand
// has it from go itself.
var commit = ""

// versions names this program's own version and those it was built with.
func versions() map[string]string {
	v, from := strings.TrimSpace(version), commit
	if b, ok := debug.ReadBuildInfo(); ok && from == "" {
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" {
				from = s.Value
			}
		}
	}
	if len(from) >= 12 {
		v += "+" + from[:12]
	}
	return map[string]string{"mainstay": v, "go": runtime.Version(), "document": "mainstay/v1"}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: "version prints the version of this program, of the Go that built it, and of the document that it\n" +
			"reads.\n" + exitStatusHelp,
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
