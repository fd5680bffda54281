package words

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed en.json fr.json sentences-fr.json
var texts embed.FS

// Languages are all that the page can be read in.
type Languages struct {
	list    []*Language
	matcher language.Matcher
}

// Language writes in one language. It never changes.
type Language struct {
	// Tag is its name in HTML, Name is what it calls itself.
	Tag, Name string
	plain     map[string]string
	// Sentences are those that other packages word, by their English form; nil for
	// English.
	Sentences map[string]string
	localizer *i18n.Localizer
	// retold are the sentences that are known by their form; nil for English.
	retold []form
}

// form is an English sentence with gaps, by the key of its words.
type form struct {
	key  string
	said *regexp.Regexp
}

// retoldKeys are what the keys of such sentences begin with.
const retoldKeys = "fleet-says."

// forms are the English sentences with gaps.
func forms(english *Language) []form {
	var out []form
	for key, text := range english.plain {
		if !strings.HasPrefix(key, retoldKeys) {
			continue
		}
		said := gap.ReplaceAllString(regexp.QuoteMeta(text), "(?P<$1>.+?)")
		out = append(out, form{key, regexp.MustCompile("^" + said + "$")})
	}
	// The longer one first: it is the other one with more behind.
	slices.SortFunc(out, func(a, b form) int { return len(b.said.String()) - len(a.said.String()) })
	return out
}

// gap is one in a sentence whose signs were quoted.
var gap = regexp.MustCompile(`\\{\\{\\.(\w+)\\}\\}`)

// tags are the languages by their tags; the first is the one of browsers that want
// none of them.
func tags() []string { return []string{"en", "fr"} }

// Load reads the words of every language.
func Load() (*Languages, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	out := &Languages{}
	var known []language.Tag
	for _, tag := range tags() {
		file, err := bundle.LoadMessageFileFS(texts, tag+".json")
		if err != nil {
			return nil, fmt.Errorf("read the words of %s: %w", tag, err)
		}
		known = append(known, language.Make(tag))
		l := &Language{Tag: tag, plain: map[string]string{}, localizer: i18n.NewLocalizer(bundle, tag)}
		for _, m := range file.Messages {
			l.plain[m.ID] = m.Other
		}
		l.Name = l.Word("language.name")
		if l.Sentences, err = sentences(tag); err != nil {
			return nil, err
		}
		out.list = append(out.list, l)
	}
	for _, l := range out.list[1:] {
		l.retold = forms(out.list[0])
	}
	out.matcher = language.NewMatcher(known)
	return out, nil
}

// sentences reads what other packages word, in another language than theirs.
func sentences(tag string) (map[string]string, error) {
	if tag == tags()[0] {
		return nil, nil
	}
	data, err := texts.ReadFile("sentences-" + tag + ".json")
	if err != nil {
		return nil, fmt.Errorf("read the sentences of %s: %w", tag, err)
	}
	var out map[string]string
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("read the sentences of %s: %w", tag, err)
	}
	return out, nil
}

// Sentence tells one that another package words; foreign says that it stays in English
// on a page of another language.
func (l *Language) Sentence(english string) (text string, foreign bool) {
	if l.Sentences == nil {
		return english, false
	}
	if text, ok := l.Sentences[english]; ok {
		return text, false
	}
	for _, f := range l.retold {
		if found := f.said.FindStringSubmatch(english); found != nil {
			var pairs []any
			for i, name := range f.said.SubexpNames()[1:] {
				value := found[i+1]
				if name == "Side" { // what is part of a command stays as it is
					value = cmp.Or(l.Sentences["side:"+value], value)
				}
				pairs = append(pairs, name, value)
			}
			return l.Say(f.key, pairs...), false
		}
	}
	return english, true
}

// All lists the languages.
func (l *Languages) All() []*Language { return l.list }

// Named is the language of a tag, nil for a tag that is none of them.
func (l *Languages) Named(tag string) *Language {
	if i := slices.IndexFunc(l.list, func(one *Language) bool { return one.Tag == tag }); i >= 0 {
		return l.list[i]
	}
	return nil
}

// Accepted is the language that a browser's Accept-Language wants most.
func (l *Languages) Accepted(header string) *Language {
	const longest = 200 // of a header; nobody reads so many languages
	wanted, _, err := language.ParseAcceptLanguage(header[:min(len(header), longest)])
	if err != nil {
		return l.list[0]
	}
	_, i, _ := l.matcher.Match(wanted...)
	return l.list[i]
}

// Has reports whether there is a word of that key.
func (l *Language) Has(key string) bool { return l.plain[key] != "" }

// Word is a word that needs nothing else. A key that is not there is shown as it is.
func (l *Language) Word(key string) string {
	if text, ok := l.plain[key]; ok {
		return text
	}
	return key
}

// Say fills a sentence: pairs are names and values.
func (l *Language) Say(key string, pairs ...any) string {
	return l.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data(pairs)})
}

// Count fills a sentence about a number of things, which it calls N.
func (l *Language) Count(key string, n int, pairs ...any) string {
	d := data(pairs)
	d["N"] = n
	return l.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: d, PluralCount: n})
}

func (l *Language) localize(c *i18n.LocalizeConfig) string {
	text, err := l.localizer.Localize(c)
	if err != nil && text == "" {
		return c.MessageID
	}
	return text
}

func data(pairs []any) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return out
}
