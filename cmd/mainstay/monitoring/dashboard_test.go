package monitoring

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/metrics"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/conditions"
)

// shown is what the tests read of a dashboard.
type shown struct {
	Panels []struct {
		ID                       int
		Type, Title, Description string
		Repeat                   string
		GridPos                  struct{ X, Y, W, H int }
		Targets                  []struct{ Expr, LegendFormat, RefID string }
		FieldConfig              struct {
			Defaults struct {
				Unit, NoValue string
				Decimals      *int
				Color         struct{ Mode string }
				Custom        struct{ LineInterpolation string }
				Mappings      []mapped
			}
			Overrides []struct {
				Matcher    struct{ Options string }
				Properties []struct {
					ID    string
					Value json.RawMessage
				}
			}
		}
		Transformations []struct {
			ID      string
			Options struct{ RenameByName map[string]string }
		}
	}
}

// mapped are the words of values.
type mapped struct {
	Options map[string]struct{ Text, Color string }
}

func read(t *testing.T) shown {
	t.Helper()
	var d shown
	if err := json.Unmarshal([]byte(Dashboard()), &d); err != nil || len(d.Panels) < 10 {
		t.Fatalf("%d panels: %v", len(d.Panels), err)
	}
	return d
}

func TestNoPanelLiesOnAnother(t *testing.T) {
	taken := map[string]string{}
	ids := map[int]bool{}
	repeated := false
	for _, p := range read(t).Panels {
		// what follows and is narrower would slip beside what is repeated
		if p.GridPos.W < 24 && repeated || p.Repeat != "" && p.GridPos.W != 24 {
			t.Errorf("%q lies beside what is repeated", p.Title)
		}
		repeated = p.Repeat != ""
		if ids[p.ID] {
			t.Errorf("%q has the number of another one, %d", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.GridPos.W < 1 || p.GridPos.H < 1 || p.GridPos.X < 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%q lies at %+v", p.Title, p.GridPos)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				at := fmt.Sprint(x, " ", y)
				if taken[at] != "" {
					t.Fatalf("%q lies on %q", p.Title, taken[at])
				}
				taken[at] = p.Title
			}
		}
	}
}

// A panel says what it is about, what it means when it is empty, and in what it counts.
// "No data" would leave the reader to guess whether all is well.
func TestEveryPanelSaysWhatItShows(t *testing.T) {
	for _, p := range read(t).Panels {
		if p.Type == "row" {
			continue
		}
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.NoValue == "" {
			t.Errorf("%d %q: about %q, empty %q", p.ID, p.Title, p.Description, p.FieldConfig.Defaults.NoValue)
		}
		if p.Type == "timeseries" && p.FieldConfig.Defaults.Unit == "" {
			t.Errorf("%q has no unit", p.Title)
		}
		for _, q := range p.Targets {
			if strings.Contains(q.Expr, "mainstay_node_info") && strings.Count(q.Expr, "mainstay_node_info{") != strings.Count(q.Expr, chosen+"}") {
				t.Errorf("%q shows other deployments than the chosen ones: %s", p.Title, q.Expr)
			}
		}
	}
}

// What Grafana 9 makes of settings that look harmless was seen in it: the words of an empty
// panel stood in every empty cell, and beside the axis where decimals were cut; an empty text
// for a missing value was drawn as 0; a stepped line went on to the right of where it ended; a
// tile that had nothing to show was green; and words of values were not shown where thresholds
// gave the colour.
func TestNoPanelShowsWhatIsNotSo(t *testing.T) {
	for _, p := range read(t).Panels {
		d := p.FieldConfig.Defaults
		none := ""
		for _, o := range p.FieldConfig.Overrides {
			for _, property := range o.Properties {
				if property.ID == "noValue" && o.Matcher.Options == "/.*/" {
					none = string(property.Value)
				}
			}
		}
		if want := map[string]string{"table": `"-"`}[p.Type]; none != want {
			t.Errorf("%q: a missing value is %s, not %s", p.Title, none, want)
		}
		switch {
		case p.Type == "timeseries" && (d.Decimals != nil || d.Custom.LineInterpolation != ""):
			t.Errorf("%q: %v decimals, %q", p.Title, d.Decimals, d.Custom.LineInterpolation)
		case p.Type == "stat" && (len(d.Mappings) == 0 || d.Mappings[0].Options["-1"].Text != notObserved || !regexp.MustCompile(`vector\(-1\)$|- 1$`).MatchString(p.Targets[0].Expr)):
			t.Errorf("%q is green when nothing is observed", p.Title)
		case p.Type == "state-timeline" && (d.Color.Mode != "fixed" || len(d.Mappings) == 0):
			t.Errorf("%q: %v, %v", p.Title, d.Color, d.Mappings)
		}
	}
}

// What an instant query finds comes in any order, and tiles that change places are misread.
func TestTilesKeepTheirPlaces(t *testing.T) {
	found := false
	for _, p := range read(t).Panels {
		if p.Type != "stat" || !strings.Contains(p.Targets[0].LegendFormat, "{{") {
			continue
		}
		found = true
		if len(p.Transformations) < 2 || p.Transformations[1].ID != "sortBy" {
			t.Errorf("%q: %v", p.Title, p.Transformations)
		}
	}
	if !found {
		t.Error("no panel has a tile for each of several")
	}
}

// reported is an agent of one status.
type reported struct{ plan.Report }

func (r reported) Status() (plan.Report, bool) { return r.Report, true }
func (reported) Passed() time.Duration         { return 0 }

// exportedStatuses are those that an agent exports.
func exportedStatuses(t *testing.T) []string {
	t.Helper()
	families, err := metrics.New(reported{}, func() time.Duration { return time.Hour }, nil).Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range families {
		if f.GetName() == "mainstay_status" {
			for _, m := range f.GetMetric() {
				out = append(out, m.GetLabel()[0].GetValue())
			}
		}
	}
	return out
}

var numbered = regexp.MustCompile(`(\d+) \* mainstay_status\{status="(\w+)"\}`)

// A number without a word, or with another one's, would tell a person of a status in which
// no node is.
func TestEveryStatusHasItsWordAndColour(t *testing.T) {
	statuses := exportedStatuses(t)
	if len(statuses) < 8 {
		t.Fatalf("only %v are exported", statuses)
	}
	panels := 0
	for _, p := range read(t).Panels {
		for _, q := range p.Targets {
			found := numbered.FindAllStringSubmatch(q.Expr, -1)
			if found == nil {
				continue
			}
			panels++
			words := p.FieldConfig.Defaults.Mappings
			for _, o := range p.FieldConfig.Overrides {
				for _, property := range o.Properties {
					if o.Matcher.Options == "Status" && property.ID == "mappings" {
						if err := json.Unmarshal(property.Value, &words); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			if len(words) == 0 {
				t.Fatalf("%q has no words", p.Title)
			}
			var seen []string
			colours := map[string]string{}
			for _, m := range found {
				word := words[0].Options[m[1]]
				if word.Text != m[2] || word.Color == "" || colours[word.Color] != "" {
					t.Errorf("%q shows %s as %q in %q, as %q", p.Title, m[2], word.Text, word.Color, colours[word.Color])
				}
				colours[word.Color] = m[2]
				seen = append(seen, m[2])
			}
			slices.Sort(seen)
			slices.Sort(statuses)
			if !slices.Equal(seen, statuses) {
				t.Errorf("%q counts %v, and agents export %v", p.Title, seen, statuses)
			}
			if words[0].Options["-1"].Text != notObserved {
				t.Errorf("%q shows a silent node as %+v", p.Title, words[0].Options["-1"])
			}
		}
	}
	if panels != 2 {
		t.Errorf("%d panels show the status", panels)
	}
}

// One and two of the sides, changing or not: every sum has a word, and both sides at once
// never the colour of one.
func TestEveryWayToServeHasAWord(t *testing.T) {
	words := servingWords()[0].(object)["options"].(object)
	for i := -1; i < 8; i++ {
		w, ok := words[fmt.Sprint(i)].(object)
		if !ok {
			t.Errorf("%d has no word", i)
			continue
		}
		if both, red := i > 0 && i&3 == 3, w["color"] == "red"; red != (both || i == 0) {
			t.Errorf("%d is shown as %v", i, w)
		}
	}
}

// What the rules and the registry say is beside what they are about.
func TestEveryAlertAndConditionIsExplained(t *testing.T) {
	means, do := meaning()
	act := actions()
	look := func(in []any, key, want string) {
		t.Helper()
		if got, _ := in[0].(object)["options"].(object)[key].(object); got["text"] != want {
			t.Errorf("%s is shown as %v, not %q", key, got["text"], want)
		}
	}
	for _, c := range conditions.All() {
		look(means, c.Type, c.Meaning)
		look(do, c.Type, c.Do)
	}
	for _, r := range rules() {
		look(act, r.name, r.action)
	}
}
