package monitoring

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// object is one of JSON.
type object = map[string]any

// source is where every panel asks.
func source() object { return object{"type": "prometheus", "uid": "${source}"} }

// panel is one of the dashboard: what it asks, and how wide it is of the 24 columns.
type panel struct {
	kind, title, about string
	width              int
	// empty is said when nothing is found, and must not say more than that.
	empty    string
	unit     string
	asks     []ask
	mappings []any
	steps    []any
	defaults object // more of fieldConfig.defaults
	custom   object
	columns  []column // of a table
	options  object
	// overridden are more overrides.
	overridden []any
	// each is how many panels lie beside one another, one for each deployment; 0 is one for
	// all.
	each int
	// tiles is the label by which tiles are called and sorted.
	tiles string
}

// ask is a query, and how its lines are called.
type ask struct{ expr, legend string }

// column is one of a table: the field that it shows, under which name, and how.
type column struct {
	field, name, unit string
	width, least      int
	mappings          []any
	coloured          string // how, empty for not
	steps             []any
}

// words map a value to what it means, in a colour.
func words(list ...word) []any {
	options := object{}
	for i, w := range list {
		it := object{"text": w.text, "index": i}
		if w.colour != "" {
			it["color"] = w.colour
		}
		options[w.value] = it
	}
	return []any{object{"type": "value", "options": options}}
}

type word struct{ value, text, colour string }

// above are colours by value: the first from below everything.
func above(first string, more ...any) []any {
	steps := []any{object{"color": first, "value": nil}}
	for i := 0; i+1 < len(more); i += 2 {
		steps = append(steps, object{"value": more[i], "color": more[i+1]})
	}
	return steps
}

// json is the panel as Grafana takes it.
func (p panel) json(id int, at object) object {
	defaults := object{}
	for k, v := range p.defaults {
		defaults[k] = v
	}
	if p.empty != "" {
		defaults["noValue"] = p.empty
	}
	if p.unit != "" {
		defaults["unit"] = p.unit
	}
	if p.mappings != nil {
		defaults["mappings"] = p.mappings
	}
	if p.steps != nil {
		defaults["thresholds"] = object{"mode": "absolute", "steps": p.steps}
	}
	if p.custom != nil {
		defaults["custom"] = p.custom
	}
	out := object{"id": id, "type": p.kind, "title": p.title, "description": p.about, "datasource": source(), "gridPos": at,
		"fieldConfig": object{"defaults": defaults, "overrides": p.overrides()}, "options": p.options, "targets": p.targets()}
	if p.columns != nil {
		out["transformations"] = p.shape()
	}
	if p.tiles != "" {
		out["transformations"] = p.inOrder()
	}
	if p.each > 0 {
		out["repeat"], out["repeatDirection"], out["maxPerRow"] = "deployment", "h", p.each
	}
	return out
}

func (p panel) targets() []any {
	var out []any
	for i, a := range p.asks {
		t := object{"refId": string(rune('A' + i)), "expr": a.expr, "legendFormat": a.legend, "datasource": source()}
		if p.kind == "table" || p.kind == "stat" {
			t["instant"], t["range"] = true, false
		}
		if p.kind == "table" || p.tiles != "" {
			t["format"] = "table"
		}
		out = append(out, t)
	}
	return out
}

// overrides are how the columns of a table look.
func (p panel) overrides() []any {
	out := []any{}
	if p.columns != nil { // what is said of an empty table must not be said of an empty cell
		out = append(out, object{"matcher": object{"id": "byRegexp", "options": "/.*/"}, "properties": []any{object{"id": "noValue", "value": "-"}}})
	}
	for _, c := range p.columns {
		properties := []any{}
		set := func(id string, value any) { properties = append(properties, object{"id": id, "value": value}) }
		if c.unit != "" {
			set("unit", c.unit)
		}
		if c.width > 0 {
			set("custom.width", c.width)
		}
		if c.least > 0 {
			set("custom.minWidth", c.least)
		}
		if c.mappings != nil {
			set("mappings", c.mappings)
		}
		if c.steps != nil {
			set("thresholds", object{"mode": "absolute", "steps": c.steps})
		}
		if c.coloured != "" {
			set("custom.displayMode", c.coloured)
		}
		if len(properties) > 0 {
			out = append(out, object{"matcher": object{"id": "byName", "options": c.name}, "properties": properties})
		}
	}
	return append(out, p.overridden...)
}

// shape puts the columns of a table in order, and leaves out what is none.
func (p panel) shape() []any {
	order, names := object{}, object{}
	var fields []any
	for i, c := range p.columns {
		order[c.field], names[c.field] = i, c.name
		fields = append(fields, c.field)
		if c.field == "Value #A" { // so it is called when nothing else is found
			order["Value"], names["Value"] = i, c.name
			fields = append(fields, "Value")
		}
	}
	out := []any{}
	if len(p.asks) > 1 {
		out = append(out, object{"id": "merge", "options": object{}})
	}
	return append(out, object{"id": "filterFieldsByName", "options": object{"include": object{"names": fields}}},
		object{"id": "organize", "options": object{"indexByName": order, "renameByName": names, "excludeByName": object{}}})
}

// inOrder makes tiles of the lines of a query, which come in any order.
func (p panel) inOrder() []any {
	return []any{
		object{"id": "filterFieldsByName", "options": object{"include": object{"names": []any{p.tiles, "Value"}}}},
		object{"id": "sortBy", "options": object{"fields": object{}, "sort": []any{object{"field": p.tiles, "desc": false}}}},
		object{"id": "rowsToFields", "options": object{"mappings": []any{
			object{"fieldName": p.tiles, "handlerKey": "field.name"}, object{"fieldName": "Value", "handlerKey": "field.value"}}}},
	}
}

// group is a row of the dashboard with what is below it.
type group struct {
	title  string
	height int
	panels []panel
}

// lay puts groups below one another, and in them panels beside one another.
func lay(groups []group) []any {
	const columns = 24
	var out []any
	id, y := 1, 0
	for _, g := range groups {
		if g.title != "" {
			out = append(out, object{"id": id, "type": "row", "title": g.title, "collapsed": false, "panels": []any{},
				"gridPos": object{"x": 0, "y": y, "w": columns, "h": 1}})
			id++
			y++
		}
		x := 0
		for _, p := range g.panels {
			if x+p.width > columns {
				x, y = 0, y+g.height
			}
			out = append(out, p.json(id, object{"x": x, "y": y, "w": p.width, "h": g.height}))
			id++
			x += p.width
		}
		y += g.height
	}
	return out
}

// text is a value as JSON that a person may read.
func text(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("JSON of constants: %v", err)) // values of this package alone
	}
	return b.String()
}
