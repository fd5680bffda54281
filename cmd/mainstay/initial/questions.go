package initial

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Question is one that is asked when no flag says the answer.
type Question struct {
	// Flag is the one that says it, Text what to ask.
	Flag, Text string
	Value      *string
	// Wrong says what is wrong with the present value, nil when nothing is.
	Wrong func() *Wrong
	// Said is set when a flag said this answer among others.
	Said bool
}

// Wrong is an answer that will not do.
type Wrong struct{ Reason, Advice string }

// Error returns the reason.
func (w *Wrong) Error() string { return w.Reason }

func wrong(advice, format string, args ...any) *Wrong {
	return &Wrong{fmt.Sprintf(format, args...), advice}
}

// Questions are what has to be known, in the order to ask it. Those about addresses
// follow from the template.
func Questions(o *Options) []Question {
	return []Question{
		{"name", "What is the deployment called?", &o.Name, func() *Wrong { return wrongName(o.Name) }, false},
		{"template", strings.Join(Templates(), ", ") + "\nWhich template?", &o.Template, func() *Wrong { return wrongTemplate(o.Template) }, false},
		{"origin", "Where will the repository be (empty: not known yet)?", &o.Origin, func() *Wrong { return wrongOrigin(*o) }, false},
		{"ci", "Whose workflow (" + strings.Join(Hosts(), ", ") + ")?", &o.CI, func() *Wrong { return wrongHost(o.CI) }, false},
	}
}

var deploymentName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func wrongName(name string) *Wrong {
	if deploymentName.MatchString(name) {
		return nil
	}
	return wrong("--name takes small letters, digits and dashes", "%q is no name for a deployment", name)
}

func wrongTemplate(template string) *Wrong {
	if slices.Contains(Templates(), template) {
		return nil
	}
	return wrong("use "+strings.Join(Templates(), ", "), "no template %q", template)
}

func wrongHost(host string) *Wrong {
	if slices.Contains(Hosts(), host) {
		return nil
	}
	return wrong("use "+strings.Join(Hosts(), ", "), "no workflow for %q is known", host)
}

// wrongOrigin wants an address where agents will read from: at once those of the
// template local.
func wrongOrigin(o Options) *Wrong {
	switch {
	case o.Template == Local && o.Origin == "":
		return wrong("add --origin "+o.Name+".git", "the template local needs a repository that its agents can read")
	case strings.ContainsAny(o.Origin, " \t\"'"):
		return wrong("give what git clone takes", "%q is no address of a repository", o.Origin)
	}
	return nil
}
