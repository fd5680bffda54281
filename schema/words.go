package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// wording says violations the way a person would.
type wording struct {
	doc      *Document
	def      *definition
	problems []Problem
	// meant holds, by path of an object, the keys that its unknown keys were
	// probably meant to be.
	meant map[string][]string
	// before holds what was found bad before the schema was asked.
	before []Path
	// said holds the values that were complained about.
	said map[string]bool
}

// full tells that the file is given up.
func (w *wording) full() bool { return len(w.problems) >= maxDetail }

// known tells whether something at the value was found bad already.
func (w *wording) known(v violation) bool {
	for _, bad := range w.before {
		if len(bad) > 0 && (v.path.Within(bad) || ruleOf(v.keyword) == RuleLength && bad.Within(v.path)) {
			return true
		}
	}
	return false
}

func (w *wording) say(v violation) {
	switch v.keyword {
	case "additionalProperties":
		w.unknownKeys(v)
	case "required":
		w.missingKeys(v)
	case "oneOf":
		w.choice(v)
	case "dependentRequired":
		w.companion(v)
	default:
		w.value(v)
	}
}

func (w *wording) unknownKeys(v violation) {
	known := w.properties(v.schema)
	object, _ := v.value.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if slices.Contains(known, key) || w.full() {
			continue
		}
		hint := "known keys: " + strings.Join(known, ", ")
		if near := nearest(key, known); near != "" {
			hint = "did you mean " + near + "?"
			w.meant[v.path.String()] = append(w.meant[v.path.String()], near)
			w.doc.bad = append(w.doc.bad, v.path.Key(near))
		}
		p := w.doc.reject(RuleUnknownKey, v.path.Key(key), "is not a known key", hint)
		p.Line, p.Column = w.doc.KeyPosition(v.path.Key(key))
		w.problems = append(w.problems, p)
	}
}

func (w *wording) missingKeys(v violation) {
	object, _ := v.value.(map[string]any)
	for _, key := range texts(v.schema["required"]) {
		at := v.path.Key(key)
		if _, ok := object[key]; ok || slices.Contains(w.meant[v.path.String()], key) || w.known(violation{path: at}) {
			continue
		}
		properties, _ := v.schema["properties"].(map[string]any)
		property, _ := properties[key].(map[string]any)
		w.problems = append(w.problems, w.doc.reject(RuleMissing, at, "is missing", w.example(property, "such as ")))
	}
}

// choice words a oneOf whose branches each require one key.
func (w *wording) choice(v violation) {
	object, _ := v.value.(map[string]any)
	var all, given []string
	branches, _ := v.schema["oneOf"].([]any)
	for _, b := range branches {
		branch, _ := b.(map[string]any)
		for _, key := range texts(branch["required"]) {
			all = append(all, key)
			if _, ok := object[key]; ok {
				given = append(given, key)
			}
		}
	}
	for _, key := range w.meant[v.path.String()] {
		if slices.Contains(all, key) {
			return
		}
	}
	known := w.properties(v.schema)
	strange := func(key string) bool { return !slices.Contains(known, key) }
	if len(given) == 0 && slices.ContainsFunc(slices.Collect(maps.Keys(object)), strange) {
		return // an unknown key stands for it
	}
	hint := "give exactly one of " + strings.Join(all, ", ")
	message := "has none of " + strings.Join(all, ", ")
	if len(given) > 0 {
		message = "has " + strings.Join(given, " and ") + " at once"
	}
	w.problems = append(w.problems, w.doc.Problem(RuleOneOf, v.path, message, hint))
}

func (w *wording) companion(v violation) {
	if len(v.rest) == 0 {
		return
	}
	key := v.rest[0]
	needs, _ := v.schema["dependentRequired"].(map[string]any)
	message := "is of use only beside " + strings.Join(texts(needs[key]), " and ")
	p := w.doc.Problem(RuleCompanion, v.path.Key(key), message, "remove it, or add that")
	p.Line, p.Column = w.doc.KeyPosition(v.path.Key(key))
	w.problems = append(w.problems, p)
}

// value words what is wrong with one value, once.
func (w *wording) value(v violation) {
	key := v.path.String()
	if w.said[key] {
		return
	}
	w.said[key] = true
	message, hint := w.valueMessage(v)
	p := w.doc.reject(ruleOf(v.keyword), v.path, message, hint)
	if v.name {
		p.Line, p.Column = w.doc.KeyPosition(v.path)
	}
	w.problems = append(w.problems, p)
}

func ruleOf(keyword string) Rule {
	switch keyword {
	case "enum", "const":
		return RuleEnum
	case "type":
		return RuleType
	case "pattern":
		return RulePattern
	case "minimum", "maximum":
		return RuleRange
	case "uniqueItems":
		return RuleTwice
	}
	return RuleLength
}

func (w *wording) valueMessage(v violation) (message, hint string) {
	limit := v.schema[v.keyword]
	hint = w.example(v.field, "such as ")
	switch v.keyword {
	case "enum", "const":
		return w.closed(v)
	case "type":
		return w.typed(v)
	case "pattern":
		return w.pattern(v), w.durationHint(v)
	case "minLength", "minItems", "minProperties":
		switch {
		case size(v.value) == 0:
			return "must not be empty", hint
		case v.isDuration():
			return w.pattern(v), w.durationHint(v)
		}
		return fmt.Sprintf("must be longer: at least %v", limit), hint
	case "maxLength":
		return fmt.Sprintf("must have at most %v characters, has %d", limit, size(v.value)), ""
	case "maxItems", "maxProperties":
		return fmt.Sprintf("must have at most %v entries, has %d", limit, size(v.value)), ""
	case "minimum":
		return fmt.Sprintf("must be at least %v, not %v", limit, v.value), ""
	case "maximum":
		return fmt.Sprintf("must be at most %v, not %v", limit, v.value), ""
	case "uniqueItems":
		return "holds the same item twice", "remove one of the two"
	}
	return "breaks the rule " + v.keyword, hint
}

func (w *wording) closed(v violation) (message, hint string) {
	allowed := texts(v.schema["enum"])
	if c, ok := v.schema["const"].(string); ok {
		allowed = []string{c}
	}
	message = "must be one of " + strings.Join(allowed, ", ")
	if len(allowed) == 1 {
		message = "must be " + allowed[0]
	}
	message += ", not " + show(v.value)
	text, isText := v.value.(string)
	if near := nearest(text, allowed); isText && near != "" {
		return message, "did you mean " + near + "?"
	}
	if _, isBool := v.value.(bool); isBool || isText && isSwitch(text) {
		return message, "this is no switch: write one of the words"
	}
	return message, ""
}

func (w *wording) typed(v violation) (message, hint string) {
	want := texts(v.schema["type"])
	if one, ok := v.schema["type"].(string); ok {
		want = []string{one}
	}
	names := make([]string, len(want))
	for i, t := range want {
		names[i] = schemaType(t)
	}
	message = "must be " + strings.Join(names, " or ") + ", not " + typeName(v.value)
	return message, w.typeHint(v, want)
}

func (w *wording) typeHint(v violation, want []string) string {
	switch text, isText := v.value.(string); {
	case v.value == nil:
		return w.example(v.field, "give a value, such as ")
	case slices.Contains(want, "boolean") && isText && isSwitch(text):
		return "write true or false"
	case slices.Contains(want, "array") && isText:
		b, _ := json.Marshal(strings.Fields(text))
		return "a list is written " + string(b)
	case v.isDuration() && isScalar(v.value):
		return w.durationHint(v)
	case slices.Contains(want, "string") && isScalar(v.value):
		return "put text in quotes" + w.example(v.field, ", such as ")
	}
	return w.example(v.field, "such as ")
}

func (w *wording) pattern(v violation) string {
	message, ok := v.schema["patternErrorMessage"].(string)
	if !ok {
		message = fmt.Sprintf("must match %v", v.schema["pattern"])
	}
	return message + ", not " + show(v.value)
}

// isDuration reports whether a violation is of what a duration has to be.
func (v violation) isDuration() bool {
	message, _ := v.schema["patternErrorMessage"].(string)
	return strings.HasPrefix(message, "must be a duration")
}

// durationHint says how to write the duration that was meant.
func (w *wording) durationHint(v violation) string {
	meant := ""
	if v.isDuration() {
		meant = MeantDuration(fmt.Sprint(v.value))
	}
	if meant == "" {
		return w.example(v.field, "such as ")
	}
	return "write " + meant
}

// example returns the first example of a schema, or of what it refers to.
func (w *wording) example(schema map[string]any, before string) string {
	for range 4 {
		if examples, ok := schema["examples"].([]any); ok && len(examples) > 0 {
			return before + show(examples[0])
		}
		ref, ok := schema["$ref"].(string)
		if !ok {
			break
		}
		schema = w.def.lookup(ref)
	}
	return ""
}

func (w *wording) properties(schema map[string]any) []string {
	properties, _ := schema["properties"].(map[string]any)
	return slices.Sorted(maps.Keys(properties))
}

func texts(v any) []string {
	items, _ := v.([]any)
	var out []string
	for _, item := range items {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func size(v any) int {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v)
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return 0
}

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any, nil:
		return false
	}
	return true
}

// isSwitch tells whether some YAML reader takes the word for true or false.
func isSwitch(text string) bool {
	switch strings.ToLower(text) {
	case "on", "off", "yes", "no", "y", "n", "true", "false":
		return true
	}
	return false
}

// show writes a value on one line, and not all of a long one.
func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return typeName(v)
	}
	const most = 120
	text := string(b)
	if s, ok := v.(string); ok {
		text = fmt.Sprintf("%q", s)
	}
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "true or false"
	case string:
		return "text"
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return "a number"
}

func schemaType(t string) string {
	switch t {
	case "object":
		return "a mapping"
	case "array":
		return "a list"
	case "string":
		return "text"
	case "boolean":
		return "true or false"
	case "integer":
		return "a whole number"
	}
	return "a " + t
}
