package initial

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Service is one that a running machine has: a unit of systemd, or a service of a
// Compose project.
type Service struct {
	Name, Unit       string
	Project, Service string
}

var (
	oneService = regexp.MustCompile(`(?m)^( +)- \{ name: nginx, systemd: nginx\.service \}$`)
	oneAllowed = regexp.MustCompile(`(?m)^  systemd: \[nginx\.service\]$`)
)

// proposed writes services in place of the example's one, and allows them.
func (o Options) proposed(text string) string {
	if len(o.Services) == 0 {
		return text
	}
	var units, projects, lines []string
	for _, name := range o.LeftOut {
		lines = append(lines, "# left out, by its name: "+name)
	}
	for _, s := range o.Services {
		if s.Unit != "" {
			units = append(units, fmt.Sprintf("%q", s.Unit))
			lines = append(lines, fmt.Sprintf("- { name: %q, systemd: %q }", s.Name, s.Unit))
			continue
		}
		if !slices.Contains(projects, s.Project) {
			projects = append(projects, s.Project)
		}
		lines = append(lines, fmt.Sprintf("- { name: %q, compose: { project: %q, service: %q } }", s.Name, s.Project, s.Service))
	}
	text = oneService.ReplaceAllStringFunc(text, func(was string) string {
		indent := was[:strings.Index(was, "-")]
		return indent + "# found running; bring them into the order in which they start\n" + indent + strings.Join(lines, "\n"+indent)
	})
	var allow []string
	if len(units) > 0 {
		allow = append(allow, "  systemd: ["+strings.Join(units, ", ")+"]")
	}
	if len(projects) > 0 {
		allow = append(allow, `  compose: ["`+strings.Join(projects, `", "`)+`"]`)
	}
	return oneAllowed.ReplaceAllLiteralString(text, strings.Join(allow, "\n"))
}
