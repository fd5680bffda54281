package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"mainstay/reconcile/console/kept"
	"mainstay/reconcile/fleet"
)

// described compiles a part of the description that is served.
func described(t *testing.T, description []byte, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openapi.json", bytes.NewReader(description)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("openapi.json#/components/schemas/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The description names every address, and each answers as it says.
func TestTheDescriptionIsTrue(t *testing.T) {
	place := &repository{view: viewOf(calm("paris")), history: &fleet.History{Deployment: "paris", Switches: []fleet.Switch{oneSwitch()}}}
	s := newSite(t, Options{}, place)
	_, description := s.get("/api/v1/openapi.json", "en")
	var d struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(description), &d); err != nil {
		t.Fatal(err)
	}
	var answered []string
	for _, r := range s.console.routes() {
		if path, ok := strings.CutPrefix(r.pattern, "GET /api/"); ok {
			answered = append(answered, "/api/"+path)
		}
	}
	slices.Sort(answered)
	if diff := cmp.Diff(answered, slices.Sorted(maps.Keys(d.Paths))); diff != "" {
		t.Error(diff)
	}
	check := func(path, name string) {
		t.Helper()
		_, body := s.get(path, "en")
		var v any
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatal(path, err)
		}
		if err := described(t, []byte(description), name).Validate(v); err != nil {
			t.Errorf("%s: %#v", path, err)
		}
	}
	check("/api/v1/deployments", "List")
	check("/api/v1/deployments/paris", "Deployment")
	check("/api/v1/deployments/paris/history", "History")
	check("/api/v1/deployments/paris/review", "Review")
	place.branches = []Branch{{Name: "over", Commit: commit, Author: "Ada", Subject: "word", Reason: "why", When: noon(), Broken: "no node accepts it"}}
	check("/api/v1/deployments/paris/review", "Review")
	if _, body := s.get("/api/v1/deployments/paris/review", "en"); !strings.Contains(body, `"name":"over"`) {
		t.Error(body)
	}
	check("/api/v1/deployments/nobody", "Error")
	check("/api/v1/nothing", "Error")
	place.set(nil, errors.New("git is gone"))
	s.look()
	check("/api/v1/deployments", "List")
	check("/api/v1/deployments/paris", "Deployment")
	check("/api/v1/deployments/paris/history", "Error")
	check("/api/v1/deployments/paris/review", "Error")
}

// A deployment and its history are in the very form of the command line.
func TestAnswersAreThoseOfTheCommandLine(t *testing.T) {
	s := newSite(t, Options{}, &repository{view: viewOf(calm("paris")), history: &fleet.History{Deployment: "paris", Switches: []fleet.Switch{oneSwitch()}}})
	for path, file := range map[string]string{
		"/api/v1/deployments/paris":         "status",
		"/api/v1/deployments/paris/history": "history",
	} {
		schema, err := os.ReadFile("../../cmd/mainstay/schemas/" + file + ".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		compiled, err := jsonschema.CompileString(file, string(schema))
		if err != nil {
			t.Fatal(err)
		}
		_, body := s.get(path, "en")
		var v any
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(v); err != nil {
			t.Errorf("%s: %#v", path, err)
		}
	}
}

// What people said and asked for is told as JSON, in the form that is described.
func TestWordsAndOrdersAreTold(t *testing.T) {
	orders, err := kept.OpenOrders(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	one := kept.Order{Commit: strings.Repeat("a", 40), Repository: "git0.example.org/voice", Base: "main", Path: "paris.yaml", To: "standby", At: noon().Add(time.Hour),
		Name: "Ada", Reason: "new disk", State: kept.Waits}
	if err := orders.Put(one); err != nil {
		t.Fatal(err)
	}
	d := calm("paris")
	d.OK, d.Findings = false, []string{"a disk is full"}
	s := newSite(t, Options{Orders: orders}, &repository{view: viewOf(d)})
	e, _ := s.console.state().entry("paris")
	if err := s.console.options.Seen.Say(e.key(), kept.Word{Who: "ada", Name: "Ada", At: noon(), Text: "on my way", Mark: markOf(e.D)}); err != nil {
		t.Fatal(err)
	}
	_, body := s.get("/api/v1/deployments/paris", "en")
	for _, want := range []string{`"seen":{"who":"Ada","at":"2030-01-01T12:00:00Z","text":"on my way"}`, `"timed":[{"to":"standby","at":"2030-01-01T13:00:00Z","who":"Ada","reason":"new disk","state":"waits"}]`} {
		if !strings.Contains(body, want) {
			t.Errorf("it lacks %s:\n%s", want, body)
		}
	}
	if _, page := s.get("/?q=", "en"); strings.Contains(page, "does not list its repository") {
		t.Error("a switch of a listed repository counts as one of another")
	}
	one.Commit, one.Repository, one.Deployment = strings.Repeat("b", 40), "git9.example.org/gone", "lyon"
	if err := orders.Put(one); err != nil {
		t.Fatal(err)
	}
	s.wants("/", "en", "A switch of lyon to", "asked for by Ada", "does not list its repository git9.example.org/gone any more")
	s.wants("/", "fr", "ne liste plus son dépôt git9.example.org/gone")
	_, description := s.get("/api/v1/openapi.json", "en")
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	if err := described(t, []byte(description), "Deployment").Validate(v); err != nil {
		t.Errorf("%#v", err)
	}
}
