package schema

import (
	"maps"
	"slices"
	"strings"
)

// fill puts the schema's defaults where the document is silent.
func (def *definition) fill(value any) { def.fillFrom(def.raw, value) }

func (def *definition) fillFrom(schema map[string]any, value any) {
	if ref, ok := schema["$ref"].(string); ok {
		def.fillFrom(def.lookup(ref), value)
	}
	switch value := value.(type) {
	case map[string]any:
		def.fillObject(schema, value)
	case []any:
		items, _ := schema["items"].(map[string]any)
		for _, item := range value {
			def.fillFrom(items, item)
		}
	}
}

func (def *definition) fillObject(schema, object map[string]any) {
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		property, _ := property.(map[string]any)
		if _, ok := object[name]; !ok {
			fallback, ok := property["default"]
			if !ok {
				continue
			}
			object[name] = clone(fallback)
		}
		def.fillFrom(property, object[name])
	}
	more, _ := schema["additionalProperties"].(map[string]any)
	for name, value := range object {
		if _, known := properties[name]; !known && more != nil {
			def.fillFrom(more, value)
		}
	}
}

// lookup returns the part of the schema at a pointer such as #/$defs/node, or
// nil.
func (def *definition) lookup(pointer string) map[string]any {
	part, _ := def.part(pointer).(map[string]any)
	return part
}

func (def *definition) part(pointer string) any {
	_, pointer, _ = strings.Cut(pointer, "#")
	var at any = def.raw
	for _, seg := range segments(pointer) {
		switch node := at.(type) {
		case map[string]any:
			at = node[seg]
		case []any:
			at = item(node, seg)
		default:
			return nil
		}
	}
	return at
}

// item returns the item of a list at an index written as text, or nil.
func item(list []any, index string) any {
	i, ok := indexOf("[" + index + "]")
	if !ok || i >= len(list) {
		return nil
	}
	return list[i]
}

// clone copies a default, so that filling it in further leaves the schema
// alone.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return maps.Clone(v)
	case []any:
		return slices.Clone(v)
	}
	return v
}

// prune removes what a problem was found in, so that the rest can still be decoded
// and looked at. An item of a list becomes null, to keep the
// others' places.
func (d *Document) prune(bad ...Path) {
	for _, p := range bad {
		if len(p) == 0 {
			continue
		}
		switch parent := d.Get(p[:len(p)-1]).(type) {
		case map[string]any:
			delete(parent, p[len(p)-1])
		case []any:
			if i, ok := indexOf(p[len(p)-1]); ok && i < len(parent) {
				parent[i] = nil
			}
		}
	}
}

// Get returns the value at the path, or nil.
func (d *Document) Get(p Path) any {
	var at any = d.Value
	for _, seg := range p {
		switch node := at.(type) {
		case map[string]any:
			at = node[seg]
		case []any:
			i, ok := indexOf(seg)
			if !ok || i >= len(node) {
				return nil
			}
			at = node[i]
		default:
			return nil
		}
	}
	return at
}
