package run

import (
	"io"
	"os/exec"
	"strings"
	"testing"
)

// However a program's output comes, the first bytes are kept and no more.
func TestHeadKeepsTheBeginningOnly(t *testing.T) {
	h := &Head{Most: 4}
	for _, part := range []string{"ab", "cdef", "g"} {
		if n, err := h.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("%d %v", n, err)
		}
	}
	if h.String() != "abcd" || !h.Over() {
		t.Errorf("it kept %q, over %t", h, h.Over())
	}
	program := &Head{Most: 100}
	c := exec.Command("/bin/sh", "-c", "head -c 1000000 /dev/zero")
	c.Stdout = program
	if err := c.Run(); err != nil || len(program.Bytes()) != 100 || !program.Over() {
		t.Errorf("of a program it kept %d bytes, over %t: %v", len(program.Bytes()), program.Over(), err)
	}
	copied := &Head{Most: 100}
	if _, err := io.Copy(copied, strings.NewReader(strings.Repeat("x", 1000))); err != nil || len(copied.Bytes()) != 100 {
		t.Errorf("of a copy it kept %d bytes: %v", len(copied.Bytes()), err)
	}
	exact := &Head{Most: 3}
	if _, err := exact.Write([]byte("abc")); err != nil || exact.Over() {
		t.Errorf("just enough is over: %v", err)
	}
}
