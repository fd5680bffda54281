package schema

import "strings"

// nearest returns the candidate that the word was probably meant to be: the
// same but for case, or a few letters away. It is empty when none is near.
func nearest(word string, candidates []string) string {
	if word == "" || len(word) > 64 {
		return ""
	}
	best, bestDistance := "", 0
	for _, c := range candidates {
		if strings.EqualFold(word, c) {
			return c
		}
		d := distance(strings.ToLower(word), strings.ToLower(c))
		if d <= tolerance(c) && (best == "" || d < bestDistance) {
			best, bestDistance = c, d
		}
	}
	return best
}

// tolerance is how many letters may be wrong in a word.
func tolerance(word string) int {
	switch {
	case len(word) <= 3:
		return 1
	case len(word) <= 7:
		return 2
	}
	return 3
}

// distance counts the letters to insert, remove, replace or swap with their
// neighbour to get from a to b.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, last := make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row := make([]int, len(t)+1)
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(t)]
}
