package words

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func load(t *testing.T) *Languages {
	t.Helper()
	l, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// keys are those of one language, with the names that each text wants filled in.
func keys(t *testing.T, tag string) map[string]string {
	t.Helper()
	data, err := texts.ReadFile(tag + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for key, text := range raw {
		named := regexp.MustCompile(`{{\.\w+}}`).FindAllString(fmt.Sprint(text), -1)
		slices.Sort(named)
		out[key] = strings.Join(slices.Compact(named), " ")
	}
	return out
}

// Every language has the same keys, and each of its texts names the same things.
func TestNoLanguageLacksAWord(t *testing.T) {
	english := keys(t, "en")
	for _, l := range load(t).All() {
		own := keys(t, l.Tag)
		for key, named := range english {
			if !l.Has(key) {
				t.Errorf("%s lacks %s", l.Tag, key)
			}
			if got := own[key]; got != named {
				t.Errorf("%s: %s names %q, in English %q", l.Tag, key, got, named)
			}
		}
		for key := range own {
			if _, ok := english[key]; !ok {
				t.Errorf("%s has %s, which English lacks", l.Tag, key)
			}
		}
	}
}

// called is where a page or a program asks for a key, in full or by its beginning.
var called = regexp.MustCompile(`(?:Word|Say|Count)\s*\(?(?:printf\s+)?"([a-z]+(?:[.-][A-Za-z-]*)+(?:%s)?|skip)"`)

// Nothing is asked for that is not there, and nothing is there that nobody asks for.
func TestNoWordIsMissingOrUnused(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../*.go", "../assets/*.html", "*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	english, used := keys(t, "en"), map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range called.FindAllStringSubmatch(string(data), -1) {
			used[m[1]] = true
			if _, ok := english[m[1]]; !ok && !strings.HasSuffix(m[1], ".") && !strings.HasSuffix(m[1], "%s") {
				t.Errorf("%s asks for %s, which is not there", file, m[1])
			}
		}
	}
	for key := range english {
		family := key[:strings.IndexByte(key+".", '.')] + "."
		if !used[key] && !used[family] && !used[family+"%s"] && family != retoldKeys {
			t.Errorf("nobody asks for %s", key)
		}
	}
}

func TestTimesAreWrittenAsEachLanguageDoes(t *testing.T) {
	l := load(t)
	en, fr := l.Named("en"), l.Named("fr")
	at := time.Date(2030, 2, 3, 4, 5, 6, 0, time.FixedZone("x", 3600))
	for _, c := range []struct{ got, want string }{
		{en.Time(at), "3 Feb 2030, 03:05:06 UTC"}, {fr.Time(at), "3 févr. 2030 à 03:05:06 UTC"}, {en.Time(time.Time{}), "–"},
		{en.Lasted(3400 * time.Millisecond), "3.4\u00a0s"}, {fr.Lasted(3400 * time.Millisecond), "3,4\u00a0s"},
		{en.Ago(65 * time.Second), "1\u00a0min 05\u00a0s ago"}, {fr.Ago(125 * time.Minute), "il y a 2 h 05"},
		{en.Age(24 * time.Hour), "24 h 00 min"}, {en.Age(72 * time.Hour), "3 days"}, {fr.Age(72 * time.Hour), "3 jours"}, {en.Age(-time.Hour), "0\u00a0s"},
	} {
		if strings.ReplaceAll(c.got, "\u00a0", " ") != strings.ReplaceAll(c.want, "\u00a0", " ") {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestABrowserIsAnsweredInItsLanguage(t *testing.T) {
	l := load(t)
	for header, want := range map[string]string{
		"": "en", "fr": "fr", "fr-CA,fr;q=0.9,en;q=0.8": "fr", "de,en;q=0.5": "en", "de": "en", "*": "en",
		"en;q=0.1, fr;q=0.9": "fr", "\x00;;q=": "en", strings.Repeat("fr,", 5000): "fr",
	} {
		if got := l.Accepted(header).Tag; got != want {
			t.Errorf("%.40q: got %s, want %s", header, got, want)
		}
	}
	if l.Named("de") != nil || l.Named("fr").Name != "Français" {
		t.Error("a language that is not there, or one without its name")
	}
}

func TestAKeyThatIsNotThereIsShown(t *testing.T) {
	l := load(t).Named("en")
	if got := l.Word("no.such") + " " + l.Say("no.such") + " " + l.Count("no.such", 2); got != "no.such no.such no.such" {
		t.Errorf("got %q", got)
	}
}

// The sentences that are known by their form are those that package fleet words, and are
// retold with what stands in their gaps.
func TestSentencesWithGapsAreRetold(t *testing.T) {
	source, err := os.ReadFile("../../fleet/outage.go")
	if err != nil {
		t.Fatal(err)
	}
	all := load(t).All()
	gaps := regexp.MustCompile(`{{\.\w+}}`)
	for _, f := range all[1].retold {
		text := all[0].plain[f.key]
		for part := range strings.SplitSeq(gaps.ReplaceAllString(text, "%s"), ", as far") { // which follows only sometimes
			if part = strings.TrimSuffix(part, "%s"); !strings.Contains(string(source), part) {
				t.Errorf("%s: package fleet never says %q", f.key, part)
			}
		}
		filled := gaps.ReplaceAllStringFunc(text, func(gap string) string { return "x-" + gap[3:len(gap)-2] })
		told, foreign := all[1].Sentence(filled)
		if foreign || told == filled || strings.Count(told, "x-") < len(gaps.FindAllString(text, -1)) {
			t.Errorf("%q becomes %q", filled, told)
		}
		if same, foreign := all[0].Sentence(filled); foreign || same != filled {
			t.Errorf("in English %q becomes %q", filled, same)
		}
	}
	for english, want := range map[string]string{
		"if main cannot be mended soon: `mainstay failover --to standby` shows what would happen, and asks": "si le côté principal ne peut pas être réparé bientôt : `mainstay failover --to standby` montre",
		"nobody serves xivo, since 2030-01-01 11:59:00Z, as far as b sees: a does not answer":               "d’après ce que voit b : a ne répond pas",
	} {
		if told, foreign := all[1].Sentence(english); foreign || !strings.Contains(told, want) {
			t.Errorf("%q becomes %q", english, told)
		}
	}
	if told, foreign := all[1].Sentence("nobody knows"); !foreign || told != "nobody knows" {
		t.Errorf("what is not known becomes %q", told)
	}
}
