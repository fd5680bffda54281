package run

import (
	"bytes"
	"strings"
)

// Head keeps the first Most bytes of what a program writes, and whether there were more.
// It embeds no buffer: os/exec hands the pipe to whatever can read from one by itself, past
// every bound of Write.
type Head struct {
	Most int
	kept bytes.Buffer
	over bool
}

// Write takes everything, so that the program on the other end goes on.
func (h *Head) Write(p []byte) (int, error) {
	room := min(len(p), h.Most-h.kept.Len())
	h.over = h.over || room < len(p)
	h.kept.Write(p[:room])
	return len(p), nil
}

// Bytes is what was kept, as it came.
func (h *Head) Bytes() []byte { return h.kept.Bytes() }

// String is what was kept as text, trimmed.
func (h *Head) String() string { return strings.TrimSpace(h.kept.String()) }

// Over reports whether there was more.
func (h *Head) Over() bool { return h.over }
