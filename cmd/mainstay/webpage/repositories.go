package webpage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"mainstay/reconcile/fleet"
)

// The bounds of a file of repositories.
const (
	mostList         = 1 << 20
	mostRepositories = 1000
	// atATime is how many servers are asked at a time, in askedFor altogether.
	atATime  = 16
	askedFor = time.Minute
)

// Asked is a repository that somebody wants to see.
type Asked struct {
	// URL is as git takes it, Branch the one that the nodes read, empty for the
	// remote's own.
	URL, Branch string
}

// Asked is what --repo names, and after it what the file of --repos lists. Without
// either it is one repository without an address: that of the current checkout.
func (o *Options) Asked() ([]Asked, error) {
	var all []Asked
	for _, url := range o.repositories {
		all = append(all, Asked{URL: url})
	}
	if o.list == "" {
		if len(all) == 0 {
			all = append(all, Asked{})
		}
		return all, nil
	}
	listed, err := readList(o.list)
	if err != nil {
		return nil, wrong{err, "write one address on each line, and after it the branch, if it is not the remote's own; # begins a comment"}
	}
	return append(all, listed...), nil
}

// Find asks about several repositories at a time, each by find, and returns the places
// in the order in which they were asked for, each once. A server that is out of reach is not waited
// for longer than it takes to open the page.
func Find(ctx context.Context, all []Asked, find func(context.Context, Asked) (fleet.Location, error)) ([]fleet.Location, error) {
	ctx, cancel := context.WithTimeout(ctx, askedFor)
	defer cancel()
	places, errs := make([]fleet.Location, len(all)), make([]error, len(all))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(atATime, len(all)) {
		workers.Go(func() {
			for i := range next {
				places[i], errs[i] = find(ctx, all[i])
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return once(places), nil
}

// once leaves out what was named before: the page would show every deployment of it
// twice.
func once(places []fleet.Location) []fleet.Location {
	var out []fleet.Location
	for _, p := range places {
		same := func(q fleet.Location) bool {
			return q.Branch == p.Branch && q.Path == p.Path && fleet.SameRepository(q.URL, p.URL)
		}
		if !slices.ContainsFunc(out, same) {
			out = append(out, p)
		}
	}
	return out
}

// named gives every place a name of its own, which people read and orders go by. The first
// with an address is called by it, a further one by its branch too: a switch asked for on
// one branch is never made on another.
func named(places []fleet.Location) []string {
	var out []string
	for _, p := range places {
		name := fleet.Shown(p.URL)
		for i := 1; slices.Contains(out, name); i++ {
			name = fleet.Shown(p.URL) + " " + p.Branch
			if i > 1 {
				name += fmt.Sprintf(" (%d)", i)
			}
		}
		out = append(out, name)
	}
	return out
}

// readList reads a file of repositories, an address and perhaps a branch on each line.
func readList(path string) ([]Asked, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the list of repositories: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostList+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the list of repositories: %w", err)
	case len(text) > mostList:
		return nil, fmt.Errorf("%s: it has more than %d bytes", path, mostList)
	}
	var all []Asked
	lines := map[Asked]int{}
	for i, line := range strings.Split(string(text), "\n") {
		one, err := asked(line)
		if err == nil && one.URL == "" {
			continue
		}
		if before := lines[one]; err == nil && before > 0 {
			err = fmt.Errorf("%s stands on line %d already", one.URL, before)
		}
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, i+1, err)
		}
		lines[one] = i + 1
		all = append(all, one)
	}
	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("%s names no repository", path)
	case len(all) > mostRepositories:
		return nil, fmt.Errorf("%s names %d repositories, and the most is %d", path, len(all), mostRepositories)
	}
	return all, nil
}

// asked reads one line, nothing from one that is empty or a comment.
func asked(line string) (Asked, error) {
	words := strings.Fields(line)
	for i, word := range words {
		if strings.HasPrefix(word, "#") {
			words = words[:i]
			break
		}
		if strings.HasPrefix(word, "-") || strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return Asked{}, fmt.Errorf("%q is neither an address nor a branch", word)
		}
	}
	switch len(words) {
	case 0:
		return Asked{}, nil
	case 1:
		return Asked{URL: words[0]}, nil
	case 2:
		return Asked{URL: words[0], Branch: words[1]}, nil
	}
	return Asked{}, errors.New("there are more words than an address and a branch")
}
