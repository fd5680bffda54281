// Package plugin says what deployments are as Icinga, Nagios and their like read it: one
// line, with figures behind a bar, and one of four exit codes.
//
// It must not know where a view came from.
package plugin

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"mainstay/reconcile/console/terms"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plain"
)

// The exit codes of a plugin.
const (
	OK       = 0
	Warning  = 1
	Critical = 2
	Unknown  = 3
)

// longest is how many characters of a line are read by every program that runs plugins.
const longest = 400

// Check is the line and the exit code of a look. A look that failed is Unknown: what was
// not seen is neither well nor ill.
func Check(v *fleet.View, failed error) (line string, code int) {
	if failed == nil && (v == nil || len(v.Deployments) == 0) {
		failed = errors.New("there is no deployment")
	}
	if failed != nil {
		return "MAINSTAY UNKNOWN - " + clean(failed.Error()) + "\n", Unknown
	}
	var said []string
	f := figures{}
	for i := range v.Deployments {
		text, c := judge(&v.Deployments[i])
		said = append(said, text)
		code = max(code, c)
		f.add(&v.Deployments[i])
	}
	word := []string{"OK", "WARNING", "CRITICAL"}[code]
	return fmt.Sprintf("MAINSTAY %s - %s | %s\n", word, clean(strings.Join(worst(said, code, v), "; ")), f), code
}

// judge says of a deployment what matters most.
func judge(d *fleet.Deployment) (text string, code int) {
	switch level := terms.LevelOf(d); level {
	case terms.Dual:
		return fmt.Sprintf("%s: both sides serve %s", d.Name, strings.Join(terms.DualRoles(d), ", ")), Critical
	case terms.Down:
		return d.Name + ": " + strings.Join(d.Outages, ", "), Critical
	case terms.Fine:
		return fmt.Sprintf("%s: %s serves", d.Name, d.Active), OK
	case terms.Moving:
		return d.Name + ": a switch is under way", Warning
	}
	return d.Name + ": " + strings.Join(wrongs(d), ", "), Warning
}

// wrongs are what is not as it should be.
func wrongs(d *fleet.Deployment) []string {
	var out []string
	for _, p := range d.Problems {
		out = append(out, p.String())
	}
	out = append(out, d.Findings...)
	for _, n := range d.Nodes {
		for _, f := range n.Findings {
			out = append(out, n.Name+": "+f)
		}
	}
	if len(out) == 0 {
		out = append(out, "it is not as its document says")
	}
	return out
}

// worst leaves out those that are well where something is not.
func worst(said []string, code int, v *fleet.View) []string {
	if code == OK {
		if len(said) > 3 {
			return []string{fmt.Sprintf("%d deployments are well", len(said))}
		}
		return said
	}
	var out []string
	for i := range v.Deployments {
		if _, c := judge(&v.Deployments[i]); c == code {
			out = append(out, said[i])
		}
	}
	return out
}

// figures are counted over all deployments.
type figures struct{ nodes, unwell, silent, conditions, dual, down int }

func (f *figures) add(d *fleet.Deployment) {
	f.dual += len(terms.DualRoles(d))
	f.down += len(d.Outages)
	for _, n := range d.Nodes {
		f.nodes++
		if !n.OK {
			f.unwell++
		}
		if n.Stale {
			f.silent++
		}
		if n.Report != nil {
			f.conditions += len(n.Report.Conditions)
		}
	}
}

// String is the figures as plugins write them: the value, and from when it warns and is
// critical.
func (f figures) String() string {
	return fmt.Sprintf("nodes=%d;;;0 unwell=%d;0;;0;%d silent=%d;0;;0;%d conditions=%d;0;;0 roles_unserved=%d;;0;0 roles_served_twice=%d;;0;0",
		f.nodes, f.unwell, f.nodes, f.silent, f.nodes, f.conditions, f.down, f.dual)
}

// clean is a text on one line that no such program takes apart.
func clean(text string) string {
	text = strings.ReplaceAll(plain.Line(text), "|", "¦")
	if utf8.RuneCountInString(text) > longest {
		text = string([]rune(text)[:longest]) + "…"
	}
	return text
}
