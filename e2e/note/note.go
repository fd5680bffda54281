// Package note reads what mainstay keeps on etcd as anybody could who reads the keys.
//
// It must not use mainstay's own code for that.
package note

import (
	"strconv"
	"strings"
)

// File is the file, such as that of a claim, in a note that mainstay keeps on etcd:
// "mainstay note 1 LENGTH", the commit of that length, and the file.
func File(value string) (file string, is bool) {
	first, rest, _ := strings.Cut(value, "\n")
	length, is := strings.CutPrefix(first, "mainstay note 1 ")
	n, err := strconv.Atoi(length)
	if !is || err != nil || n < 0 || n > len(rest) {
		return "", false
	}
	return rest[n:], true
}
