package spec

import (
	"fmt"
	"regexp"
	"strings"

	"mainstay/schema"
)

// compose refuses names that one of the two Compose programs would change, refuse
// or read as an option: what would be started is then not what is looked for.
func (v *values) compose(p schema.Path, c *ComposeService) {
	if c == nil {
		return
	}
	v.absolute(p.Key("directory"), c.Directory)
	if !hasTemplate(c.Project) && !composeProject().MatchString(c.Project) {
		v.say(RuleComposeName, p.Key("project"),
			fmt.Sprintf("%q is not the name of a Compose project: Compose would change it, refuse it or read it as an option", c.Project),
			projectHint(c.Project))
	}
	if !hasTemplate(c.Service) && !composeService().MatchString(c.Service) {
		v.say(RuleComposeName, p.Key("service"), fmt.Sprintf("%q is not the name of a Compose service", c.Service),
			"letters, digits, . _ and -, not beginning with -, as in the compose file")
	}
}

func composeProject() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`) }

func composeService() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9._][a-zA-Z0-9._-]*$`) }

// projectHint says the name that Compose makes of it, if that is one.
func projectHint(project string) string {
	made := regexp.MustCompile(`[^a-z0-9_-]`).ReplaceAllString(strings.ToLower(project), "")
	if made = strings.TrimLeft(made, "_-"); made == "" {
		return "lower-case letters, digits, - and _, beginning with a letter or a digit"
	}
	return "Compose makes " + made + " of it: name it so"
}
