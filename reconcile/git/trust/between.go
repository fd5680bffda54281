package trust

import "slices"

// Commit is a commit as a repository holds it.
type Commit struct {
	ID      string
	Parents []string
	// Raw is the commit as git stores it.
	Raw []byte
}

// History is what is at hand of a repository.
type History interface {
	// Commit returns nil for a commit that is not at hand.
	Commit(id string) (*Commit, error)
	// Find returns a word for what a commit has at a path: the same word is the same
	// content. It is empty where there is no file.
	Find(commit, path string) (string, error)
	// Read returns a file of a commit.
	Read(commit, path string) ([]byte, error)
}

// Since is what a tip has that an accepted commit has not.
type Since struct {
	// Commits begin with the tip.
	Commits []*Commit
	// Merged says that they are no single line, Open that what is at hand does not
	// show where they end.
	Merged, Open bool
	// Depth is how many generations they and their parents are, counted from the tip.
	Depth    int
	accepted string
	byID     map[string]*Commit
	descends map[string]bool
}

// Between finds the commits that a tip has and an accepted one has not.
func Between(h History, tip, accepted string) (*Since, error) {
	s := &Since{accepted: accepted, byID: map[string]*Commit{}, descends: map[string]bool{accepted: true}}
	if _, err := s.collect(h, tip, map[string]bool{accepted: true}); err != nil || !s.Merged {
		return s, err
	}
	old, cut, err := ancestors(h, accepted)
	if err != nil {
		return s, err
	}
	s.Commits, s.byID = nil, map[string]*Commit{}
	lacks, err := s.collect(h, tip, old)
	if err != nil {
		return s, err
	}
	// Where a line ends without meeting what the accepted commit has, that may only
	// not be at hand.
	rooted := slices.ContainsFunc(s.Commits, func(c *Commit) bool { return len(c.Parents) == 0 })
	s.Open = lacks || rooted && cut
	return s, nil
}

// collect walks from the tip to what is old, and reports whether a commit on the way
// is not at hand.
func (s *Since) collect(h History, tip string, old map[string]bool) (lacks bool, err error) {
	next := []string{tip}
	for s.Depth = 1; len(next) > 0; s.Depth++ {
		var later []string
		for _, id := range next {
			if old[id] || s.byID[id] != nil {
				continue
			}
			c, err := h.Commit(id)
			if err != nil {
				return false, err
			}
			if c == nil {
				lacks = true
				continue
			}
			s.byID[id] = c
			s.Commits = append(s.Commits, c)
			s.Merged = s.Merged || len(c.Parents) != 1
			later = append(later, c.Parents...)
		}
		next = later
	}
	s.Depth--
	s.Open = lacks
	return lacks, nil
}

// ancestors are those of a commit that are at hand, with itself, and whether there may
// be more.
func ancestors(h History, id string) (found map[string]bool, cut bool, err error) {
	found = map[string]bool{}
	for next := []string{id}; len(next) > 0; {
		id, next = next[0], next[1:]
		if found[id] {
			continue
		}
		found[id] = true
		c, err := h.Commit(id)
		if err != nil {
			return nil, false, err
		}
		if c == nil {
			cut = true
			continue
		}
		next = append(next, c.Parents...)
	}
	return found, cut, nil
}

// follows reports whether a commit is the accepted one or comes after it.
func (s *Since) follows(id string) bool {
	if known, ok := s.descends[id]; ok {
		return known
	}
	c := s.byID[id]
	s.descends[id] = false
	s.descends[id] = c != nil && slices.ContainsFunc(c.Parents, s.follows)
	return s.descends[id]
}

// before are the commits that a change of c is counted from. A merge may bring in what
// its first parent has not, and leave that as it is: it changes nothing then. That
// parent has to come after the accepted commit; if not, a merge changes what it has
// otherwise than any of its parents.
func (s *Since) before(c *Commit) []string {
	if len(c.Parents) > 0 && s.follows(c.Parents[0]) {
		return c.Parents[:1]
	}
	return c.Parents
}
