package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/initial"
	"mainstay/cmd/mainstay/ui"
)

// question is one that init asks on a terminal when no flag says it.
type question struct {
	flag, text string
	value      *string
	// wrong says what is wrong with the present value, nil when nothing is.
	wrong func() *fault
}

// askInit asks, on a terminal, for what no flag says, unless --template says that
// the person knows what to write. A wrong answer is asked for again, with the
// reason.
func (a *app) askInit(c *cobra.Command, o *initial.Options, folder string) error {
	if !ui.IsTerminal(a.in) || c.Flags().Changed("template") {
		return nil
	}
	for _, q := range questions(o) {
		if c.Flags().Changed(q.flag) {
			if wrong := q.wrong(); wrong != nil {
				return wrong
			}
			continue
		}
		switch {
		case q.flag == "name":
			o.Name = strings.ToLower(filepath.Base(folder))
		case q.flag == "origin" && o.Template == initial.Local:
			o.Origin = o.Name + ".git"
		}
		if err := a.ask(c, q); err != nil {
			return err
		}
	}
	return nil
}

func questions(o *initial.Options) []question {
	return []question{
		{"name", "What is the deployment called?", &o.Name, func() *fault { return wrongName(o.Name) }},
		{"template", "Which template (" + strings.Join(initial.Templates(), ", ") + ")?", &o.Template, func() *fault { return wrongTemplate(o.Template) }},
		{"origin", "Where will the repository be (empty: not known yet)?", &o.Origin, func() *fault { return wrongOrigin(*o) }},
		{"ci", "Whose workflow (" + strings.Join(initial.Hosts(), ", ") + ")?", &o.CI, func() *fault { return wrongHost(o.CI) }},
	}
}

// ask asks until the answer will do. An empty one is the value that stands in
// brackets.
func (a *app) ask(c *cobra.Command, q question) error {
	otherwise := *q.value
	if q.wrong() != nil {
		otherwise = ""
	}
	for {
		fmt.Fprintf(a.err, "%s [%s] ", q.text, otherwise)
		line, err := ui.Answer(c.Context(), a.in)
		if err != nil {
			fmt.Fprintln(a.err)
			return failf(exitFailed, "nothing was written")
		}
		if *q.value = line; line == "" {
			*q.value = otherwise
		}
		wrong := q.wrong()
		if wrong == nil {
			return nil
		}
		fmt.Fprintf(a.err, "  %s: %s\n", wrong, wrong.hint)
	}
}

var deploymentName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func wrongName(name string) *fault {
	if deploymentName.MatchString(name) {
		return nil
	}
	return failf(exitUsage, "%q is no name for a deployment", name).hintf("--name takes small letters, digits and dashes")
}

func wrongTemplate(template string) *fault {
	if slices.Contains(initial.Templates(), template) {
		return nil
	}
	return failf(exitUsage, "there is no template %q", template).hintf("use %s", strings.Join(initial.Templates(), ", "))
}

func wrongHost(host string) *fault {
	if slices.Contains(initial.Hosts(), host) {
		return nil
	}
	return failf(exitUsage, "no workflow for %q is known", host).hintf("use %s", strings.Join(initial.Hosts(), ", "))
}

// wrongOrigin wants an address where agents will read from: at once those of the
// template local.
func wrongOrigin(o initial.Options) *fault {
	switch {
	case o.Template == initial.Local && o.Origin == "":
		return failf(exitUsage, "the template local needs a repository that its agents can read").hintf("add --origin %s.git", o.Name)
	case strings.ContainsAny(o.Origin, " \t\"'"):
		return failf(exitUsage, "%q is no address of a repository", o.Origin).hintf("give what git clone takes")
	}
	return nil
}
