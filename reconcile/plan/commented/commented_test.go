package commented

import "testing"

const source = `package x

// not of it

// one, in
// two lines
const One = "1"

const Bare = "2"
`

func TestAConstantsCommentIsTheOneRightAboveIt(t *testing.T) {
	for ending, want := range map[string]string{` = "1"`: "one, in\ntwo lines\n", ` = "2"`: "\n", ` = "3"`: ""} {
		if got := Of(source, ending); got != want {
			t.Errorf("the comment above %q is %q, want %q", ending, got, want)
		}
	}
}
