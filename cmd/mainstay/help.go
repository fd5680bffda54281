package main

import (
	"strings"

	"mainstay/cmd/mainstay/ui"
)

// helpWidth is how wide help is: it is read where trouble is, on small terminals.
const helpWidth = 79

// wrapped breaks the paragraphs of a text; what is indented, and its heading,
// stays as it is.
func wrapped(text string) string {
	var out []string
	for part := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n\n") {
		if strings.Contains("\n"+strings.TrimLeft(part, "\n"), "\n ") {
			out = append(out, strings.Trim(part, "\n"))
			continue
		}
		out = append(out, strings.Join(ui.Wrap(part, helpWidth), "\n"))
	}
	return strings.Join(out, "\n\n") + "\n"
}

// narrow makes a template of usage break the descriptions of flags.
func narrow(template string) string {
	for _, flags := range []string{".LocalFlags", ".InheritedFlags"} {
		template = strings.ReplaceAll(template, flags+".FlagUsages", flags+".FlagUsagesWrapped 79")
	}
	return template
}
