package gitcmd

import (
	"bytes"
	"strings"
	"testing"

	"mainstay/e2e/attack"
)

// FuzzAnswer reads what git may answer about a repository of strangers: a content is
// what stands in the answer, a file that is none is refused, and what a server says
// stays one line.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		"aaaa blob 2\nhi\nbbbb blob 0\n\n", "aaaa missing\n", "aaaa blob 99\nhi\n", "aaaa blob -1\n\n", "aaaa blob 9223372036854775807\nx\n",
		"100644 blob aaaa 5\tx.yaml\x00120000 blob bbbb 3\ty\x00160000 commit cccc -\tz\x00", "\t\x00\x00 a b c d\tx",
		"remote: no\n ! [remote rejected] main -> main (hook declined)\n", "fatal: x\r\x1b[2J\nhint: y\n", " ! [remote rejected] )(\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		attack.Cheap(t, func() {
			k := &listed{blobs: map[string][]byte{}}
			if k.take(answer) == nil {
				for hash, content := range k.blobs {
					if !bytes.Contains(answer, content) || !bytes.Contains(answer, []byte(hash)) {
						t.Errorf("%q: %q is %q", answer, hash, content)
					}
				}
			}
			for _, line := range split(answer) {
				said, _, _ := strings.Cut(line, "\t")
				if fields := strings.Fields(said); len(fields) == 4 {
					if e := entryOf(fields); e.refused() == nil && (e.size < 0 || e.size > largestFile || !strings.HasPrefix(e.mode, "100")) {
						t.Errorf("%q is read", line)
					}
				}
			}
			e := &Error{Args: []string{"push"}, Said: strings.TrimSpace(string(answer)), Err: bytes.ErrTooLarge}
			says, _ := e.Refused()
			if strings.Contains(says, "\n") || e.Error() == "" {
				t.Errorf("%q: %q", answer, says)
			}
			_ = e.Hint()
		})
	})
}
