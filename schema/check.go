package schema

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// violation is one keyword of the schema that one value does not satisfy.
type violation struct {
	path    Path
	value   any
	keyword string
	// schema is the part of the schema that holds the keyword.
	schema map[string]any
	// field is the part of the schema that refers to that one, with examples of
	// its own, or the same.
	field map[string]any
	// rest is what follows the keyword in its location.
	rest []string
	// name tells that the value is itself a key.
	name bool
}

// check holds the document against its schema.
func (d *Document) check(def *definition) []Problem {
	found := def.repeated(def.raw, d.Value, nil, nil)
	if err := def.compiled.Validate(d.Value); err != nil {
		var invalid *jsonschema.ValidationError
		if !errors.As(err, &invalid) {
			return []Problem{d.Problem(RuleInternal, nil, err.Error(), "")}
		}
		found = d.flatten(def, invalid, found)
	}
	if len(found) == 0 {
		return nil
	}
	w := &wording{
		doc: d, def: def,
		before: slices.Clone(d.bad), meant: make(map[string][]string), said: make(map[string]bool),
	}
	slices.SortStableFunc(found, func(a, b violation) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), slices.Compare(a.path, b.path))
	})
	for _, v := range found {
		if !w.full() && !w.known(v) {
			w.say(v)
		}
	}
	return w.problems
}

// rank brings unknown keys first, because what they were meant to be silences
// the complaint that this is missing; and the more telling of two problems of
// one value before the other.
func rank(v violation) int {
	switch v.keyword {
	case "additionalProperties":
		return 0
	case "enum", "const":
		return 1
	case "pattern":
		return 3
	}
	return 2
}

// flatten lists the keywords that failed. Keywords that only lead to others
// are left out.
func (d *Document) flatten(def *definition, e *jsonschema.ValidationError, found []violation) []violation {
	v, ok := d.locate(def, e)
	if ok && v.keyword != "then" && v.keyword != "allOf" {
		return append(found, v)
	}
	for _, cause := range e.Causes {
		found = d.flatten(def, cause, found)
	}
	return found
}

var keywords = []string{
	"type", "const", "enum", "required", "additionalProperties", "dependentRequired", "oneOf",
	"minProperties", "maxProperties", "minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern", "minimum", "maximum",
}

// locate finds the keyword and the value that an error speaks of. It returns
// false for errors that only wrap others.
func (d *Document) locate(def *definition, e *jsonschema.ValidationError) (violation, bool) {
	_, pointer, _ := strings.Cut(e.AbsoluteKeywordLocation, "#")
	segs := segments(pointer)
	for back := 1; back <= 3 && back <= len(segs); back++ {
		at := len(segs) - back
		if !isKeyword(segs, at, back) || e.Message == "" {
			continue
		}
		v := violation{keyword: segs[at], rest: segs[at+1:]}
		v.schema, _ = def.part("#" + strings.Join(escapeAll(segs[:at]), "/")).(map[string]any)
		v.field = def.field(segments(e.KeywordLocation), v.schema)
		v.name = strings.Contains(e.KeywordLocation, "/propertyNames/")
		v.path, v.value = d.resolve(segments(e.InstanceLocation), v.name)
		return v, v.schema != nil
	}
	return violation{}, false
}

// field follows a keyword location through the schema and returns the part that
// refers straight to the one with the keyword, or the fallback when none does.
func (def *definition) field(segs []string, fallback map[string]any) map[string]any {
	field := fallback
	var at any = def.raw
	for i, seg := range segs {
		if i < len(segs)-1 {
			field = fallback
		}
		switch node := at.(type) {
		case map[string]any:
			at = node[seg]
			if ref, ok := at.(string); ok && seg == "$ref" {
				field = node
				at = def.part(ref)
			}
		case []any:
			at = item(node, seg)
		}
	}
	return field
}

// isKeyword tells whether a segment is the keyword, and not a field of the same
// name.
func isKeyword(segs []string, at, back int) bool {
	if at > 0 && segs[at-1] == "properties" {
		return false
	}
	if back > 1 {
		return segs[at] == "dependentRequired"
	}
	return slices.Contains(keywords, segs[at])
}

// resolve turns a JSON pointer into a path and the value there. The value of a
// name is the name.
func (d *Document) resolve(segs []string, name bool) (Path, any) {
	var at any = d.Value
	var p Path
	for i, seg := range segs {
		switch node := at.(type) {
		case map[string]any:
			p = p.Key(seg)
			at = node[seg]
		case []any:
			p = append(p[:len(p):len(p)], "["+seg+"]")
			index, ok := indexOf("[" + seg + "]")
			if !ok || index >= len(node) {
				return p, nil
			}
			at = node[index]
		}
		if name && i == len(segs)-1 {
			return p, seg
		}
	}
	return p, at
}

// segments splits a JSON pointer.
func segments(pointer string) []string {
	pointer = strings.TrimPrefix(pointer, "/")
	if pointer == "" {
		return nil
	}
	segs := strings.Split(pointer, "/")
	for i, s := range segs {
		segs[i] = unescape(s)
	}
	return segs
}

func unescape(seg string) string {
	if s, err := url.PathUnescape(seg); err == nil {
		seg = s
	}
	return strings.ReplaceAll(strings.ReplaceAll(seg, "~1", "/"), "~0", "~")
}

func escapeAll(segs []string) []string {
	out := make([]string, 0, len(segs)+1)
	out = append(out, "")
	for _, s := range segs {
		out = append(out, url.PathEscape(strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")))
	}
	return out
}
