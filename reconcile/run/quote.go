package run

import "strings"

// Quote writes argv as a person would type it into a shell.
func Quote(argv ...string) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = word
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,") != "" {
			words[i] = Word(word)
		}
	}
	return strings.Join(words, " ")
}

// Word quotes one word for a shell, always and in git's own way, which the
// restricted shells of git hosts expect.
func Word(word string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(word) + "'"
}
