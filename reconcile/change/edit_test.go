package change

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/schema"
	"mainstay/spec"
)

// layout is one way to write a document down.
type layout struct {
	eol, quote, keyQuote, anchor, space, comment, indent string
	flow, json, bom, noEnd, marker                       bool
	order                                                []int
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// random is the layout of a seed.
func random(seed uint64) layout {
	r := rand.New(rand.NewPCG(seed, 1))
	l := layout{
		eol:     pick(r, "\n", "\r\n"),
		quote:   pick(r, "", "", "'", `"`),
		anchor:  pick(r, "", "", "&side ", "!!str ", "!!str &side ", "&side !!str "),
		space:   pick(r, " ", "   ", "\t"),
		comment: pick(r, "", "  # main | standby", " # active: main, été", "\t# \"main\""),
		indent:  pick(r, "", "", "  "),
		flow:    pick(r, false, false, true), bom: pick(r, false, false, false, true),
		noEnd: pick(r, false, false, true), marker: pick(r, false, true), order: r.Perm(5),
	}
	if l.flow {
		l.indent, l.json = "", pick(r, false, true)
	}
	if l.json {
		l.quote, l.keyQuote, l.anchor, l.comment = `"`, `"`, "", ""
	}
	return l
}

// write writes the document in a layout, with the lines of the entries in its
// order. fenced is left out when empty.
func (l layout) write(active, fenced string) string {
	key := func(k string) string { return l.keyQuote + k + l.keyQuote + ":" + l.space }
	entries := []string{
		key("apiVersion") + l.keyQuote + "mainstay/v1" + l.keyQuote,
		key("kind") + l.keyQuote + "Deployment" + l.keyQuote,
		key("name") + `"main"`,
		key("active") + l.anchor + l.quote + active + l.quote,
		l.body(),
	}
	var lines []string
	for _, i := range l.order {
		lines = append(lines, entries[i])
		if i == 3 && fenced != "" {
			lines = append(lines, key("fenced")+l.quote+fenced+l.quote)
		}
	}
	return l.join(lines)
}

func (l layout) body() string {
	return l.keyQuote + "nodes" + l.keyQuote + `: { "a": { "role": "r", "side": "main" }, "b": { "role": "r", "side": "standby" } }, ` +
		l.keyQuote + "roles" + l.keyQuote + `: { "r": { "exclusive": true, "services": [ { "name": "main", "systemd": "main.service" } ] } }`
}

func (l layout) join(lines []string) string {
	var b strings.Builder
	if l.bom {
		b.WriteString("\ufeff")
	}
	if l.marker && !l.json && !l.bom {
		b.WriteString("# active: main is the switch" + l.eol + "---" + l.eol)
	}
	if l.flow {
		b.WriteString("{" + l.eol)
	}
	for i, line := range lines {
		switch {
		case l.flow && i < len(lines)-1:
			line += ","
		case !l.flow:
			// A block mapping holds the two entries of the body on two lines.
			line = strings.Replace(line, " }, roles:", " }"+l.eol+l.indent+"roles:", 1)
		}
		b.WriteString(l.indent + line + l.comment)
		if l.flow || i < len(lines)-1 || !l.noEnd {
			b.WriteString(l.eol)
		}
	}
	if l.flow {
		b.WriteString("}" + l.eol)
	}
	return b.String()
}

// versions are two versions of many files, for git to compare in one go.
type versions struct{ before, after map[string]string }

func newVersions() versions { return versions{map[string]string{}, map[string]string{}} }

func (v versions) add(name, before, after string) { v.before[name], v.after[name] = before, after }

// numstat is what git counts as changed in each file: lines added, lines removed.
func (v versions) numstat(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	for side, files := range map[string]map[string]string{"a": v.before, "b": v.after} {
		if err := os.Mkdir(filepath.Join(dir, side), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, side, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := exec.Command("git", "-c", "core.autocrlf=false", "diff", "--no-index", "--no-renames", "--numstat", "a", "b")
	c.Dir = dir
	out, err := c.Output()
	var e *exec.ExitError
	if err != nil && (!errors.As(err, &e) || e.ExitCode() != 1) {
		t.Fatal(err)
	}
	stats := map[string]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		stats[strings.TrimSuffix(f[len(f)-1][strings.LastIndex(f[len(f)-1], "/")+1:], "}")] = f[0] + " " + f[1]
	}
	return stats
}

// However a document is written, a failover is one line of its history, and two
// with a fence; the document stays valid and means what was asked for.
func TestOnlyTheWordChanges(t *testing.T) {
	overs, fences := newVersions(), newVersions()
	const documents = 200
	for seed := range uint64(documents) {
		l, name := random(seed), fmt.Sprint(seed)
		before := l.write("main", "")
		over := apply(t, before, Word{Active: spec.Standby})
		if diff := cmp.Diff(l.write("standby", ""), over); diff != "" {
			t.Errorf("%s: %s\n%s", name, before, diff)
		}
		if back := apply(t, over, Word{Active: spec.Main}); back != before {
			t.Errorf("%s: not the same after the way back:\n%s", name, cmp.Diff(before, back))
		}
		fenced := apply(t, before, Word{Active: spec.Standby, Fenced: spec.Main})
		if back := apply(t, fenced, Word{Active: spec.Main, Unfence: true}); back != before {
			t.Errorf("%s: not the same after the way back:\n%s", name, cmp.Diff(before, back))
		}
		overs.add(name, before, over)
		fences.add(name, before, fenced)
	}
	over, fenced := overs.numstat(t), fences.numstat(t)
	if len(over) != documents || len(fenced) != documents {
		t.Fatalf("git compared %d and %d documents", len(over), len(fenced))
	}
	for name, got := range over {
		if got != "1 1" {
			t.Errorf("%s: a failover changes %s lines:\n%s", name, got, overs.after[name])
		}
	}
	for name, got := range fenced {
		if flow := strings.Contains(fences.before[name], "{\n") || strings.Contains(fences.before[name], "{\r\n"); got != "2 1" && (!flow || got != "1 1") {
			t.Errorf("%s: a failover with a fence changes %s lines:\n%s", name, got, fences.after[name])
		}
	}
}

// apply makes a change, and holds the result to being valid and meaning it.
func apply(t *testing.T, before string, c Word) string {
	t.Helper()
	out, err := Edit([]byte(before), c)
	if err != nil {
		t.Fatalf("%v\n%s", err, before)
	}
	d, problems := spec.Load("d.yaml", out, nil)
	problems = notOfTags(problems)
	if len(problems) > 0 {
		t.Fatalf("%v\n%s", problems, out)
	}
	if d != nil && (d.Active != c.Active || c.Fenced != "" && d.Fenced != c.Fenced || c.Unfence && d.Fenced != "") {
		t.Fatalf("it declares %s, fenced %q:\n%s", d.Active, d.Fenced, out)
	}
	return string(out)
}

func notOfTags(ps []schema.Problem) []schema.Problem {
	var rest []schema.Problem
	for _, p := range ps {
		if p.Rule != schema.RuleTag {
			rest = append(rest, p)
		}
	}
	return rest
}

func TestOddWaysToWriteTheWord(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"on the next line", "active:\n  main\nx: 1\n", "active:\n  standby\nx: 1\n"},
		{"with an explicit key", "? active\n: main\nx: 1\n", "? active\n: standby\nx: 1\n"},
		{"as an alias", "x: &m main\nactive: *m # now\n", "x: &m main\nactive: standby # now\n"},
		{"escaped", `active: "m\u0061in"` + "\n", `active: "standby"` + "\n"},
		{"as a block", "active: |-\n  main\nx: 1\n", "active: |-\n  standby\nx: 1\n"},
		{"behind other letters", "{ né: ü, active: main }\n", "{ né: ü, active: standby }\n"},
		{"declared already", "active: standby # as ever", "active: standby # as ever"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := Edit([]byte(c.before), Word{Active: spec.Standby})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.after, string(out)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFencesAreOneLine(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"below the switch", "active: main # s\nx: 1\n", "active: standby # s\nfenced: main\nx: 1\n"},
		{"above a switch that ends the file", "x: 1\nactive: main", "x: 1\nfenced: main\nactive: standby"},
		{"in a flow", "{active: main}", "{active: standby, fenced: main}"},
		{"in place of another", "active: main\nfenced: standby\n", "active: standby\nfenced: main\n"},
		{"there already", "active: main\nfenced: main\n", "active: standby\nfenced: main\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := Edit([]byte(c.before), Word{Active: spec.Standby, Fenced: spec.Main})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.after, string(out)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnfencingTakesOneLineOut(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"in a block", "active: standby\nfenced: main # gone\nx: 1\n", "active: main\nx: 1\n"},
		{"in a flow", "{active: standby, fenced: main, x: 1}", "{active: main, x: 1}"},
		{"last in a flow", "{active: standby, fenced: main}", "{active: main}"},
		{"on its own line in a flow", "{\n  active: standby,\n  fenced: main,\n  x: 1\n}\n", "{\n  active: main,\n  x: 1\n}\n"},
		{"not there", "active: standby\n", "active: main\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := Edit([]byte(c.before), Word{Active: spec.Main, Unfence: true})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.after, string(out)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatCannotBeChangedAloneIsLeftToThePerson(t *testing.T) {
	for name, before := range map[string]string{
		"an anchor that is used elsewhere": "active: &m main\nx: *m\n",
		"no switch":                        "x: main\n",
		"a list":                           "active: [main]\n",
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := Edit([]byte(before), Word{Active: spec.Standby}); !errors.Is(err, ErrByHand) {
				t.Errorf("got %v\n%s", err, out)
			}
		})
	}
}
