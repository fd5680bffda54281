package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
)

const small = "apiVersion: mainstay/v1\nkind: Deployment\nname: paris\nactive: main\nnodes: { a: { role: r } }\nroles: { r: {} }\n"

func TestProblemsReadLikeACompilers(t *testing.T) {
	text := strings.Replace(small, "active", "Active", 1)
	got := Lines(validate(Deployment, "d.yaml", []byte(text)), strings.ToUpper)
	if diff := cmp.Diff([]string{"D.YAML:4:1: ACTIVE: IS NOT A KNOWN KEY", "  hint: DID YOU MEAN ACTIVE?"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSizeIsBounded(t *testing.T) {
	attack.Row(t, "hostile document", "a document above 1 MiB", "refused unread")
	text := small + "#" + strings.Repeat("x", MaxSize-len(small)-1)
	if problems := validate(Deployment, "d", []byte(text)); len(problems) > 0 {
		t.Errorf("a file of exactly the largest size: %v", problems)
	}
	problems := validate(Deployment, "d", []byte(text+"x"))
	if len(problems) != 1 || problems[0].Rule != RuleSize {
		t.Errorf("one byte more: %v", problems)
	}
}

func TestTheListOfProblemsIsBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString(small)
	for i := range 900 {
		fmt.Fprintf(&text, "x%d: 1\n", i)
	}
	problems := validate(Deployment, "d", []byte(text.String()))
	if len(problems) != MaxProblems+1 {
		t.Fatalf("%d problems", len(problems))
	}
	if got := problems[MaxProblems].Message; got != "more problems follow" {
		t.Error(got)
	}
}

func TestDeepNestingIsRefused(t *testing.T) {
	attack.Row(t, "hostile document", "a document nested very deep", "refused")
	text := small + "x: " + strings.Repeat("[", 500) + strings.Repeat("]", 500) + "\n"
	for _, p := range validate(Deployment, "d", []byte(text)) {
		if p.Rule == RuleExpansion {
			return
		}
	}
	t.Error("500 levels were accepted")
}

func TestAnAliasOfItselfIsRefused(t *testing.T) {
	attack.Row(t, "hostile document", "an alias of itself", "refused")
	problems := validate(Deployment, "d", []byte(small+"x: &a [*a]\n"))
	if len(problems) == 0 {
		t.Error("a value that holds itself was accepted")
	}
}

func TestAnUnknownAnchorHasItsPlace(t *testing.T) {
	problems := validate(Deployment, "d", []byte(strings.Replace(small, "role: r", "role: *r", 1)))
	if len(problems) != 1 || problems[0].Line != 5 || problems[0].Column != 21 {
		t.Error(problems)
	}
}

func TestAProblemBehindAnAliasHasItsPlace(t *testing.T) {
	text := strings.Replace(small, "nodes: { a: { role: r } }", "nodes:\n  a: &n { role: r, sid: main }\n  b: *n", 1)
	var got []string
	for _, p := range validate(Deployment, "d", []byte(text)) {
		got = append(got, p.String())
	}
	if diff := cmp.Diff([]string{"d:6:20: nodes.a.sid: is not a known key", "d:6:20: nodes.b.sid: is not a known key"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestNearestWord(t *testing.T) {
	known := []string{"active", "agent", "apiVersion", "fenced", "handover", "kind", "name", "nodes", "roles"}
	for word, want := range map[string]string{
		"ACTIVE": "active", "actvie": "active", "role": "roles", "node": "nodes", "hand_over": "handover",
		"apiversion": "apiVersion", "services": "", "x": "", "": "", "kidn": "kind",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestPathsReadLikePeopleWriteThem(t *testing.T) {
	p := Path{"roles", "xivo", "services"}.Index(3).Key("a.b")
	if got := p.String(); got != `roles.xivo.services[3]["a.b"]` {
		t.Error(got)
	}
	if !p.Within(Path{"roles"}) || p.Within(Path{"role"}) || (Path{"roles"}).Within(p) {
		t.Error("Within")
	}
}

// TestEveryFieldExplainsItself holds the schemas to what editors need: a title
// or what it refers to has one, a description and an example.
func TestEveryFieldExplainsItself(t *testing.T) {
	for _, kind := range Kinds() {
		def, err := define(kind)
		if err != nil {
			t.Fatal(err)
		}
		walk(def.raw, string(kind), func(at string, property map[string]any) {
			for _, key := range []string{"title", "description", "examples"} {
				if property[key] != nil {
					continue
				}
				ref, _ := property["$ref"].(string)
				if def.lookup(ref)[key] == nil || ref == "" {
					t.Errorf("%s has no %s", at, key)
				}
			}
		})
	}
}

func walk(schema map[string]any, at string, visit func(string, map[string]any)) {
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property, _ := properties[name].(map[string]any)
		visit(at+"."+name, property)
		walk(property, at+"."+name, visit)
	}
	defs, _ := schema["$defs"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(defs)) {
		def, _ := defs[name].(map[string]any)
		walk(def, at+"."+name, visit)
	}
}

// TestExamplesInTheSchemasAreValid holds every example to the schema it stands
// in.
func TestExamplesInTheSchemasAreValid(t *testing.T) {
	for _, kind := range Kinds() {
		def, err := define(kind)
		if err != nil {
			t.Fatal(err)
		}
		examples, _ := def.raw["examples"].([]any)
		if len(examples) == 0 {
			t.Errorf("%s has no example", kind)
		}
		for _, example := range examples {
			if err := def.compiled.Validate(example); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
}

func TestMachineMadeFilesMayGrowButNotLie(t *testing.T) {
	const claim = `{"seq":1,"holder":"main","node":"a","instance":"i","action":"take","commit":"c","lease":"1m0s","stopBound":"80s",` +
		`"debt":"0s","at":"2026-01-02T03:04:05.123456789+01:00"`
	for text, want := range map[string][]string{
		claim + `}`:                               nil,
		claim + `,"new":{"x":[1]}}`:               nil,
		claim + `,"reason":"\u0000\ud83d\ude00"}`: nil,
		claim + `,"holder":"left"}`:               {`c:1:1: holder: must be one of main, standby, none, not "left"`},
		claim + `,"seq":0}`:                       {"c:1:1: seq: must be at least 1, not 0"},
		claim + `,"seq":1.5}`:                     {"c:1:1: seq: must be a whole number, not a number"},
		claim + `,"lease":"-1s"}`:                 {`c:1:1: lease: must be a duration, not negative, not "-1s"`},
		claim:                                     {"c:1:167: not JSON: unexpected end of JSON input"},
		claim + `} {}`:                            {"c:1:170: not JSON: invalid character '{' after top-level value"},
		`[]`:                                      {"c:1:1: must be a mapping of keys to values, not a list"},
		``:                                        {"c:1:1: not JSON: unexpected end of JSON input"},
		`{"seq":1e999999}`:                        {"c:1:1: not JSON: json: cannot unmarshal number 1e999999 into Go value of type float64"},
	} {
		var got []string
		for _, p := range validate(Claim, "c", []byte(text)) {
			got = append(got, p.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func FuzzValidate(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("a: &a [*a]\n<<: {b: !x 1}\n? [c]\n: 0x1f\n"))
	f.Add([]byte("{\"a\": .nan, 1: 2012-01-01, \"~1/%2f\": {}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		attack.Cheap(t, func() {
			for _, kind := range Kinds() {
				problems := validate(kind, "f", data)
				for _, p := range problems {
					if p.Line < 1 || p.Column < 1 || p.Message == "" || p.Rule == RuleInternal {
						t.Fatalf("%#v", p)
					}
				}
			}
		})
	})
}

func TestTheCommonestSlipsAreSaidInPlainWords(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> x\n": "2: a merge was not finished: this is a conflict marker of git",
		"a: 1\n=======\nb: 3\n":                                "2: a merge was not finished: this is a conflict marker of git",
		"a: 1\n||||||| base\nb: 3\n":                           "2: a merge was not finished: this is a conflict marker of git",
		"a: 1\nname:\u00a0rome\nb: 1\n":                        "2: this is a no-break space",
		"a: 1\nname: \"rome\nb: 1\n":                           "a quote that begins here is not closed",
		"a: 1\nname rome\nb: 1\n":                              "a key ends in a colon",
		"a: {{ x }}\n":                                         `a key must be text; if this is to be a template, put it in quotes`,
		"a:\n\tb: 1\n":                                         "2: the line is indented with a tab",
		"%YAML 1.2\n---\na: 1\n":                               "1: not YAML: found incompatible YAML document; remove the line of %YAML",
		"---\n---\na: 1\n":                                     "2: a second YAML document begins here, and the first one is empty; remove one",
		"n: { address: ::1 }\n":                                `1: a value within { } or [ ] begins with a colon; put it in quotes, as in { address: "::1" }`,
		"a: 1\nactive:main\nb: 1\n":                            "a space belongs after the colon, as in key: value",
	} {
		p := validate(Deployment, "d", []byte(text))
		if len(p) != 1 || !strings.Contains(fmt.Sprintf("%d: %s; %s", p[0].Line, p[0].Message, p[0].Hint), want) {
			t.Errorf("%q: %+v", text, p)
		}
	}
}
