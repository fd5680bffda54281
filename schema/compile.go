package schema

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// Kind is a kind of file that has a schema.
type Kind string

// The kinds.
const (
	Deployment Kind = "deployment"
	Agent      Kind = "agent"
	Claim      Kind = "claim"
	Report     Kind = "report"
)

// Kinds lists every kind.
func Kinds() []Kind { return []Kind{Deployment, Agent, Claim, Report} }

//go:embed *.schema.json
var files embed.FS

// JSON returns the schema itself, for editors and for publishing.
func JSON(kind Kind) ([]byte, error) {
	b, err := files.ReadFile(fileName(kind))
	if err != nil {
		return nil, fmt.Errorf("schema of %q: %w", kind, err)
	}
	return b, nil
}

func fileName(kind Kind) string { return string(kind) + ".schema.json" }

// definition is one schema, ready for use: compiled, and as plain data for its
// defaults and for the wording of problems.
type definition struct {
	compiled *jsonschema.Schema
	raw      map[string]any
}

var definitions = sync.OnceValues(func() (map[Kind]*definition, error) {
	defs := make(map[Kind]*definition)
	for _, kind := range Kinds() {
		def, err := compile(kind)
		if err != nil {
			return nil, fmt.Errorf("compile the schema of %q: %w", kind, err)
		}
		defs[kind] = def
	}
	return defs, nil
})

func define(kind Kind) (*definition, error) {
	defs, err := definitions()
	if err != nil {
		return nil, err
	}
	def, ok := defs[kind]
	if !ok {
		return nil, fmt.Errorf("no schema for %q", kind)
	}
	return def, nil
}

func compile(kind Kind) (*definition, error) {
	b, err := JSON(kind)
	if err != nil {
		return nil, err
	}
	def := &definition{}
	if err := json.Unmarshal(b, &def.raw); err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.Draft = jsonschema.Draft2020
	c.LoadURL = func(url string) (io.ReadCloser, error) {
		return nil, fmt.Errorf("%s: schemas are never loaded from outside", url)
	}
	url := "mainstay:///" + fileName(kind)
	quick, err := json.Marshal(without(def.raw, "uniqueItems"))
	if err != nil {
		return nil, err
	}
	if err := c.AddResource(url, bytes.NewReader(quick)); err != nil {
		return nil, err
	}
	def.compiled, err = c.Compile(url)
	return def, err
}
