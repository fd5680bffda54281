// Package reference writes the tables of both files' fields from their schemas,
// so that they cannot say anything else than what is checked.
//
// The table of conditions comes from their registry. It must not know what any
// field or condition means.
package reference

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/conditions"
	"mainstay/schema"
)

// Markdown is the reference of the document and of the agent's own file.
func Markdown() (string, error) {
	var b strings.Builder
	b.WriteString("# Reference\n\nGenerated from the schemas, which are also what the files are checked against, from the registry of conditions, and from the rules. A default in the table is what\n" +
		"a field means that is left out.\n")
	for _, k := range []struct {
		kind        schema.Kind
		title, file string
	}{
		{schema.Deployment, "The document", "deployment.yaml"}, {schema.Agent, "The agent's own file", "/etc/mainstay/agent.yaml"},
	} {
		text, err := schema.JSON(k.kind)
		if err != nil {
			return "", err
		}
		// JSON is YAML, and its reader keeps the order of keys.
		var doc yaml.Node
		if err := yaml.Unmarshal(text, &doc); err != nil {
			return "", fmt.Errorf("read the schema of %s: %w", k.kind, err)
		}
		w := &writer{root: doc.Content[0], out: &b}
		fmt.Fprintf(&b, "\n## %s: `%s`\n\n%s\n", k.title, k.file, w.text(w.root, "description"))
		w.table(w.root, "")
		for i := 0; i < len(w.used); i++ { // tables name further ones
			name := w.used[i]
			def := w.def(name)
			fmt.Fprintf(&b, "\n### %s\n\n%s\n", name, w.text(def, "description"))
			w.table(def, "")
		}
	}
	conditionTable(&b)
	ruleList(&b)
	return b.String(), nil
}

// ruleList is every rule in full, for those who meet its number in a message.
func ruleList(b *strings.Builder) {
	b.WriteString("\n## Rules\n\nA reason, a condition and a line of `mainstay explain` name the rule that they rest on, such as R4. " +
		"S is the side of the node that decides, and O the other one.\n`mainstay explain --rule R4` tells one rule in a terminal.\n\n")
	for _, r := range plan.Rules() {
		fmt.Fprintf(b, "- %s\n", strings.Join(strings.Fields(r.Text()), " "))
	}
}

// conditionTable is the table of what a node may report.
func conditionTable(b *strings.Builder) {
	b.WriteString("\n## Conditions\n\nWhat a node may report beside its status, in `mainstay status`, in `-o json` and as " +
		"`mainstay_conditions{type=…}`.\n*At once* needs a person whatever the hour; *no takeover* means that a switch to this node is objected to.\n\n" +
		"| type | means | what to do | |\n|---|---|---|---|\n")
	for _, c := range conditions.All() {
		weight := ""
		switch {
		case c.AtOnce:
			weight = "**at once**"
		case c.Blocks:
			weight = "no takeover"
		case c.Passing:
			weight = "passes"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", c.Type, cell(c.Meaning), cell(c.Do), weight)
	}
}

// writer writes one schema.
type writer struct {
	root *yaml.Node
	out  *strings.Builder
	used []string
}

// get returns a key of a mapping, or nil.
func get(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func (w *writer) text(n *yaml.Node, key string) string {
	if v := get(n, key); v != nil {
		return v.Value
	}
	return ""
}

func (w *writer) def(name string) *yaml.Node { return get(get(w.root, "$defs"), name) }

// resolved follows a reference, and returns its name.
func (w *writer) resolved(n *yaml.Node) (*yaml.Node, string) {
	ref := w.text(n, "$ref")
	name, ok := strings.CutPrefix(ref, "#/$defs/")
	if !ok {
		return n, ""
	}
	return w.def(name), name
}

func (w *writer) table(object *yaml.Node, prefix string) {
	if prefix == "" {
		w.out.WriteString("\n| field | is | default | what |\n|---|---|---|---|\n")
	}
	var required []string
	if r := get(object, "required"); r != nil {
		for _, v := range r.Content {
			required = append(required, v.Value)
		}
	}
	properties := get(object, "properties")
	for i := 0; properties != nil && i+1 < len(properties.Content); i += 2 {
		name, p := properties.Content[i].Value, properties.Content[i+1]
		w.row(prefix+name, p, slices.Contains(required, name))
		if _, ref := w.resolved(p); ref == "" && get(p, "properties") != nil {
			w.table(p, prefix+name+".")
		}
	}
}

func (w *writer) row(name string, p *yaml.Node, required bool) {
	preset := ""
	if d := get(p, "default"); d != nil {
		preset = "`" + oneLine(d) + "`"
		if len(d.Content) == 0 && (d.Kind != yaml.ScalarNode || d.Value == "") {
			preset = ""
		}
	}
	if required {
		preset = "(required)"
	}
	source := p
	if w.text(p, "description") == "" {
		source, _ = w.resolved(p)
	}
	what := w.text(source, "description")
	if title := w.text(source, "title"); title != "" {
		what = "**" + title + ".** " + what
	}
	fmt.Fprintf(w.out, "| `%s` | %s | %s | %s |\n", name, cell(w.kind(p)), cell(preset), cell(what))
}

// kind says in words what a value may be.
func (w *writer) kind(p *yaml.Node) string {
	target, ref := w.resolved(p)
	switch {
	case ref != "" && get(target, "properties") != nil:
		return w.link(ref)
	case get(target, "enum") != nil:
		var words []string
		for _, v := range get(target, "enum").Content {
			words = append(words, "`"+v.Value+"`")
		}
		return strings.Join(words, ", ")
	case get(target, "const") != nil:
		return "`" + get(target, "const").Value + "`"
	case w.text(target, "type") == "array":
		return "list of " + w.kind(get(target, "items"))
	case get(target, "additionalProperties") != nil && get(target, "additionalProperties").Kind == yaml.MappingNode:
		return "by name: " + w.kind(get(target, "additionalProperties"))
	case ref != "" && ref != "text" && ref != "label":
		return ref
	}
	return w.plain(target)
}

func (w *writer) plain(n *yaml.Node) string {
	switch t := w.text(n, "type"); t {
	case "":
		return "see the text"
	case "string":
		return "text"
	case "boolean":
		return "`true`, `false`"
	default:
		return t
	}
}

// link names a table further down.
func (w *writer) link(name string) string {
	if !slices.Contains(w.used, name) {
		w.used = append(w.used, name)
	}
	return "[" + name + "](#" + strings.ToLower(name) + ")"
}

// oneLine writes a value as YAML does in one line.
func oneLine(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	flow := *n
	flow.Style = yaml.FlowStyle
	b, err := yaml.Marshal(&flow)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
