package kept

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func noon() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }

// A word stands for as long as the same is wrong, across a restart too, and does not
// come back when the same is wrong again.
func TestAWordEndsWhenWhatIsWrongChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seen.json")
	b, err := OpenWords(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Say("paris", Word{Who: "ada", Name: "Ada", At: noon(), Text: "on it", Mark: "down"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if b, err = OpenWords(path); err != nil {
			t.Fatal(err)
		}
		if w, ok := b.Of("paris", "down"); !ok || w.Text != "on it" || !w.At.Equal(noon()) {
			t.Fatalf("%+v %t", w, ok)
		}
		if err := b.Ended("paris", "down"); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := b.Of("paris", "dual"); ok {
		t.Error("it stands for something else")
	}
	if _, ok := b.Of("lyon", "down"); ok {
		t.Error("it stands for another deployment")
	}
	if err := b.Ended("paris", "fine"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, ok := b.Of("paris", "down"); ok {
			t.Error("it came back")
		}
		if b, err = OpenWords(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestADamagedFileIsSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seen.json")
	if err := os.WriteFile(path, []byte(`{"paris": [`), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := OpenWords(path)
	if err == nil {
		t.Error("nothing is said of it")
	}
	if err := b.Say("paris", Word{Text: "x", Mark: "m"}); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Of("paris", "m"); !ok {
		t.Error("the word is not kept")
	}
	if data, err := os.ReadFile(path + ".damaged"); err != nil || string(data) != `{"paris": [` {
		t.Errorf("%q %v", data, err)
	}
}

// A disk that takes nothing costs the file, not the word.
func TestAWordIsKeptWhereTheFileCannotBeWritten(t *testing.T) {
	b, err := OpenWords(filepath.Join(t.TempDir(), "no", "folder", "seen.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Say("paris", Word{Text: "x", Mark: "m"}); err == nil {
		t.Error("nothing is said of it")
	}
	if _, ok := b.Of("paris", "m"); !ok {
		t.Error("the word is lost")
	}
}

func TestTheOldestWordMakesRoom(t *testing.T) {
	b, err := OpenWords("")
	if err != nil {
		t.Fatal(err)
	}
	for i := range most + 1 {
		if err := b.Say(strconv.Itoa(i), Word{At: noon().Add(time.Duration(i) * time.Second), Mark: "m"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := b.Of("0", "m"); ok || len(b.words) != most {
		t.Errorf("%d words", len(b.words))
	}
	if _, ok := b.Of("1", "m"); !ok {
		t.Error("another one made room")
	}
}

// A mark is a set of what is wrong: it covers itself and less of it, never nothing, and
// never anything else. However much is wrong, it stays small.
func TestAMarkCoversWhatItNames(t *testing.T) {
	ab := MarkOf([]string{"a", "b"})
	for _, c := range []struct {
		now  []string
		want bool
	}{{[]string{"b", "a"}, true}, {[]string{"a"}, true}, {[]string{"a", "a"}, true}, {nil, false}, {[]string{"a", "c"}, false}, {[]string{"ab"}, false}, {[]string{"a\nb"}, false}} {
		if got := Covers(ab, MarkOf(c.now)); got != c.want {
			t.Errorf("a and b cover %q: %t", c.now, got)
		}
	}
	if Covers("", ab) || Covers("", "") {
		t.Error("nothing covers something")
	}
	var many []string
	for i := range 5000 {
		many = append(many, strconv.Itoa(i))
	}
	all := MarkOf(many)
	if len(all) > LongestWord*10 || !Covers(all, MarkOf(many)) || Covers(all, MarkOf(many[1:])) {
		t.Errorf("5,000 things are the mark %s", all)
	}
}
