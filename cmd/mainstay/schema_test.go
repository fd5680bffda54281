package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/schema"
	"mainstay/spec"
)

// TestSchemasKnowEveryFieldThatAgentsPublish holds the published schemas of
// claims and reports to what agents write.
func TestSchemasKnowEveryFieldThatAgentsPublish(t *testing.T) {
	for kind, value := range map[schema.Kind]any{schema.Claim: plan.Claim{}, schema.Report: plan.Report{}} {
		b, err := schema.JSON(kind)
		if err != nil {
			t.Fatal(err)
		}
		var s struct {
			Properties map[string]json.RawMessage `json:"properties"`
		}
		if err := json.Unmarshal(b, &s); err != nil {
			t.Fatal(err)
		}
		fields := reflect.TypeOf(value)
		for i := range fields.NumField() {
			name, _, _ := strings.Cut(fields.Field(i).Tag.Get("json"), ",")
			if s.Properties[name] == nil {
				t.Errorf("the schema of a %s does not know %q", kind, name)
			}
			delete(s.Properties, name)
		}
		for name := range s.Properties {
			t.Errorf("the schema of a %s knows %q, which no agent writes", kind, name)
		}
	}
}

// The lists of what a node allows are the same in its own file and in its report.
func TestTheSchemasKnowEveryListOfWhatANodeAllows(t *testing.T) {
	for _, kind := range []schema.Kind{schema.Agent, schema.Report} {
		b, err := schema.JSON(kind)
		if err != nil {
			t.Fatal(err)
		}
		var s struct {
			Properties struct {
				Allow struct {
					Properties map[string]json.RawMessage `json:"properties"`
				} `json:"allow"`
			} `json:"properties"`
		}
		if err := json.Unmarshal(b, &s); err != nil {
			t.Fatal(err)
		}
		lists := reflect.TypeFor[spec.Allow]()
		for i := range lists.NumField() {
			name, _, _ := strings.Cut(lists.Field(i).Tag.Get("json"), ",")
			if s.Properties.Allow.Properties[name] == nil {
				t.Errorf("allow.%s is in no schema of a %s", name, kind)
			}
		}
		if want := lists.NumField(); len(s.Properties.Allow.Properties) != want {
			t.Errorf("allow of a %s has %d lists, and a node %d", kind, len(s.Properties.Allow.Properties), want)
		}
	}
}
