package plain

import "testing"

// What a service wrote is read in one line, at night.
func TestOutputIsQuotedInOneLine(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"bind: address in use\nbind: address in use\nbind: address in use\n", 0, "bind: address in use (3 times)"},
		{"first\n\nsecond\nsecond\n", 0, "first | second (2 times)"},
		{"one two three four", 9, "… four"},
		{"begins here\nlisten tcp", 13, "… listen tcp"},
		{"endlesslylongword", 4, "… word"},
		{"", 10, ""},
	} {
		if got := Quote(c.text, c.most); got != c.want {
			t.Errorf("Quote(%q, %d) is %q, want %q", c.text, c.most, got, c.want)
		}
	}
}
