package kept

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// State is what became of an order.
type State string

// The states of an order. All but Waits are its end.
const (
	// Waits is of an order whose time has not come.
	Waits State = "waits"
	// Begun is of one that a page took in hand: it is carried out now, or the page ended
	// in the middle of it. It is never taken in hand again.
	Begun State = "begun"
	// Done is of one that was committed.
	Done State = "done"
	// Refused is of one that something spoke against at its time.
	Refused State = "refused"
	// Missed is of one whose time passed while no page could carry it out.
	Missed State = "missed"
	// Cancelled is of one that a person took back.
	Cancelled State = "cancelled"
	// Unsure is of one of which it is not known whether it was committed.
	Unsure State = "unsure"
)

// Order is a switch that a person asked for at a time. Its commit is on a branch, for
// everybody to see; what makes it an order is this record, which only a page writes for
// a person who may switch. A branch that somebody pushed has none, nor has one that was
// cancelled or carried out and is pushed again.
type Order struct {
	Commit string `json:"commit"`
	Branch string `json:"branch"`
	// Repository, Base and Path say of which document on which branch, Deployment how it is
	// called.
	Repository string `json:"repository"`
	Base       string `json:"base"`
	Path       string `json:"path"`
	Deployment string `json:"deployment"`
	// From is the side that was active when it was asked for, To the one to switch to.
	From string    `json:"from"`
	To   string    `json:"to"`
	At   time.Time `json:"at"`
	Made time.Time `json:"made"`
	// Who is the user's name; Name and Email are how commits name the person.
	Who    string `json:"who"`
	Name   string `json:"name"`
	Email  string `json:"email,omitempty"`
	Reason string `json:"reason"`
	State  State  `json:"state"`
	// Said is why it ended so, Result the commit that carried it out.
	Said   string    `json:"said,omitempty"`
	Result string    `json:"result,omitempty"`
	Ended  time.Time `json:"ended,omitzero"`
}

// The bounds of orders.
const (
	// MostOrders is how many are kept, also of those that ended of late.
	MostOrders = 200
	// keptFor is how long one that ended is told.
	keptFor   = 3 * 24 * time.Hour
	mostOrder = 16 << 10
)

// Orders are files of a folder, one for each order, so that several pages may share it.
// Its methods may be called by several at a time, in several processes.
type Orders struct{ dir string }

// OpenOrders makes the folder, which nobody else may read or write.
func OpenOrders(dir string) (*Orders, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of orders: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("look at the folder of orders: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return nil, fmt.Errorf("others can write to %s, and whoever writes there orders switches: chmod 700 it", dir)
	}
	return &Orders{dir}, nil
}

var commitName = regexp.MustCompile(`^[0-9a-f]{40,64}$`)

func (o *Orders) file(commit, kind string) string { return filepath.Join(o.dir, commit+kind) }

// All reads every order, the one that comes first first. What cannot be read is no
// order; the error names it, and the others are there all the same.
func (o *Orders) All() ([]Order, error) {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return nil, fmt.Errorf("read the orders: %w", err)
	}
	var out []Order
	var wrong error
	for _, e := range entries {
		commit, is := strings.CutSuffix(e.Name(), ".json")
		if !is || !commitName.MatchString(commit) || len(out) > MostOrders {
			continue
		}
		one, err := o.Of(commit)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another page has just removed it
		}
		if err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("read the order %.12s: %w", commit, err))
			continue
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Order) int { return a.At.Compare(b.At) })
	return out, wrong
}

// Of reads the order of a commit.
func (o *Orders) Of(commit string) (Order, error) {
	var one Order
	info, err := os.Lstat(o.file(commit, ".json"))
	if err != nil {
		return one, err
	}
	if !info.Mode().IsRegular() || info.Size() > mostOrder {
		return one, errors.New("it is no order")
	}
	data, err := os.ReadFile(o.file(commit, ".json"))
	if err != nil {
		return one, err
	}
	if err := json.Unmarshal(data, &one); err != nil {
		return one, err
	}
	if one.Commit != commit {
		return one, errors.New("it is about another commit")
	}
	return one, nil
}

// Put keeps an order as it is now.
func (o *Orders) Put(one Order) error {
	if !commitName.MatchString(one.Commit) {
		return fmt.Errorf("%q is no commit", one.Commit)
	}
	data, err := json.Marshal(one)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(o.file(one.Commit, ".json"), append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("keep the order: %w", err)
	}
	return nil
}

// Take takes an order in hand: of any number of pages, now or later, exactly one is told
// true. It holds for ever, also when that page ends at once.
func (o *Orders) Take(commit string) (bool, error) {
	if !commitName.MatchString(commit) {
		return false, fmt.Errorf("%q is no commit", commit)
	}
	f, err := os.OpenFile(o.file(commit, ".taken"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("take the order: %w", err)
	}
	err = errors.Join(f.Sync(), f.Close())
	if dir, open := os.Open(o.dir); open == nil {
		err = errors.Join(err, dir.Sync(), dir.Close())
	}
	if err != nil {
		return false, fmt.Errorf("take the order: %w", err)
	}
	return true, nil
}

// Taken reports whether a page has taken an order in hand.
func (o *Orders) Taken(commit string) bool {
	_, err := os.Lstat(o.file(commit, ".taken"))
	return !errors.Is(err, fs.ErrNotExist)
}

// Clear removes orders that ended long ago.
func (o *Orders) Clear(all []Order, now time.Time) error {
	var err error
	for _, one := range all {
		if one.State == Waits || one.Ended.IsZero() || now.Sub(one.Ended) < keptFor {
			continue
		}
		// The record goes first: what is left of one that was taken is no order.
		gone := os.Remove(o.file(one.Commit, ".json"))
		if gone == nil || errors.Is(gone, fs.ErrNotExist) {
			gone = os.Remove(o.file(one.Commit, ".taken"))
		}
		if !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}
