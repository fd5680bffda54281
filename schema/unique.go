package schema

import (
	"fmt"
	"maps"
	"slices"
)

// without copies a schema and leaves out a keyword. The validator compares every
// item of a list with every other, which a stranger's list makes slow:
// uniqueItems is checked here.
func without(schema any, keyword string) any {
	switch s := schema.(type) {
	case map[string]any:
		out := make(map[string]any, len(s))
		for key, value := range s {
			if _, isField := value.(map[string]any); key == keyword && !isField {
				continue
			}
			out[key] = without(value, keyword)
		}
		return out
	case []any:
		out := make([]any, len(s))
		for i, item := range s {
			out[i] = without(item, keyword)
		}
		return out
	}
	return schema
}

// repeated lists the lists that hold an item twice and must not.
func (def *definition) repeated(schema map[string]any, value any, p Path, found []violation) []violation {
	if ref, ok := schema["$ref"].(string); ok {
		found = def.repeated(def.lookup(ref), value, p, found)
	}
	switch value := value.(type) {
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		more, _ := schema["additionalProperties"].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(value)) {
			part, known := properties[key].(map[string]any)
			if !known {
				part = more
			}
			found = def.repeated(part, value[key], p.Key(key), found)
		}
	case []any:
		if unique, _ := schema["uniqueItems"].(bool); unique && holdsTwice(value) {
			found = append(found, violation{path: p, value: value, keyword: "uniqueItems", schema: schema, field: schema})
		}
		items, _ := schema["items"].(map[string]any)
		for i, item := range value {
			found = def.repeated(items, item, p.Index(i), found)
		}
	}
	return found
}

func holdsTwice(list []any) bool {
	seen := make(map[string]bool, len(list))
	for _, item := range list {
		key := fmt.Sprintf("%T %v", item, item)
		if seen[key] {
			return true
		}
		seen[key] = true
	}
	return false
}
