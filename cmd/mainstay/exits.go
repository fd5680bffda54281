package main

import (
	"fmt"
	"slices"
	"strings"
)

// exitWords say what each exit code means.
func exitWords() map[int]string {
	return map[int]string{
		exitDone:         "done",
		exitFailed:       "failed",
		exitUsage:        "usage",
		exitProblems:     "the document has problems",
		exitPending:      "changes are pending (plan --exit-code)",
		exitNotConverged: "not converged in time",
		exitRefused:      "refused by a safety rule",
	}
}

// endsWith is the part of a command's help that lists the codes it can end with:
// done, failed and usage, and those that are named.
func endsWith(more ...int) string {
	words := exitWords()
	var b strings.Builder
	b.WriteString("\nEXIT STATUS\n")
	codes := append([]int{exitDone, exitFailed, exitUsage}, more...)
	slices.Sort(codes)
	for _, c := range codes {
		fmt.Fprintf(&b, "  %d  %s\n", c, words[c])
	}
	return b.String()
}
