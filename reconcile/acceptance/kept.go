package acceptance

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"mainstay/reconcile"
)

const (
	keptFile = "acceptances"
	// mostKept bounds how many notes are remembered. One that is not over is never
	// forgotten.
	mostKept = 256
)

// taken is a note that a node took up. It is on disk before anything is done.
type taken struct {
	ID    string    `json:"id"`
	What  string    `json:"what"`
	At    time.Time `json:"at"`
	Until time.Time `json:"until"`
	// Ordered says that the order was given: it is never given again. Done says that it was
	// seen to be carried out, or that nobody can tell any more.
	Ordered bool `json:"ordered,omitempty"`
	Done    bool `json:"done"`
}

// pending reports whether the order was given, and may show to be carried out yet.
func (t taken) pending(now time.Time) bool {
	return t.Ordered && !t.Done && now.Sub(t.At).Abs() <= underway
}

// again refuses a note that was taken up before.
func (t taken) again() error {
	at := t.At.Format(time.RFC3339)
	if t.What == "" || !t.Done {
		return refuse("it was taken up here at %s, and what came of it is not known: a note is good once, so write a new one", at)
	}
	return refuse("it was obeyed here at %s, and a note is good once: write a new one", at)
}

// kept are the notes that this node took up, oldest first.
type kept struct {
	disk reconcile.Disk
	all  []taken
	// lost says why the disk does not tell which they are, until that is on the disk itself.
	lost error
}

// recall reads what earlier runs of the agent took up. That it cannot be read is kept too: the
// next run finds a disk that looks as if nothing had ever been taken up.
func recall(disk reconcile.Disk, now time.Time) *kept {
	k := &kept{disk: disk}
	err := disk.Load(keptFile, &k.all)
	if errors.Is(err, fs.ErrNotExist) {
		err = forgot(disk)
	}
	if err != nil {
		k.all, k.lost = nil, err
		_ = k.mark(now) // it is tried again before a note is obeyed
	}
	return k
}

// errForgot is of a disk whose list was damaged in a run that ended before it kept that.
var errForgot = errors.New("the list was damaged, and nothing was kept since")

// forgot tells a disk on which nothing was ever taken up from one that lost it: the file that
// was set aside is there until the list is written again.
func forgot(disk reconcile.Disk) error {
	d, can := disk.(interface {
		Forgot(name string) (bool, error)
	})
	if !can {
		return nil
	}
	if lost, err := d.Forgot(keptFile); err != nil || !lost {
		return err
	}
	return errForgot
}

// mark keeps that nothing is known of the notes up to now. Its entry has no ID.
func (k *kept) mark(now time.Time) error {
	now = now.UTC().Truncate(time.Second).Add(time.Second)
	return k.put(taken{What: k.lost.Error(), At: now, Until: now.Add(2 * Longest)}, now)
}

// knows returns a Refused for a note that may have been obeyed here before that was forgotten.
func (k *kept) knows(signed time.Time, skew time.Duration, now time.Time) error {
	if k.lost != nil {
		if err := k.mark(now); err != nil {
			return refuse("which notes were obeyed here is not known, and that cannot be kept on disk: %v", err)
		}
	}
	mark, ok := k.of("")
	if from := mark.At.Add(skew); ok && !signed.After(from) {
		return refuse("which notes were obeyed here is not known (%s), so it must be signed after %s: write a new one then, or run mainstay accept on this node",
			mark.What, from.Format(time.RFC3339))
	}
	return nil
}

func (k *kept) of(id string) (taken, bool) {
	i := slices.IndexFunc(k.all, func(t taken) bool { return t.ID == id })
	if i < 0 {
		return taken{}, false
	}
	return k.all[i], true
}

// put replaces what is kept of a note. Nothing counts that is not on disk.
func (k *kept) put(t taken, now time.Time) error {
	next := slices.DeleteFunc(slices.Clone(k.all), func(o taken) bool { return o.ID == t.ID })
	for len(next) >= mostKept {
		i := slices.IndexFunc(next, func(o taken) bool { return now.After(o.Until) })
		if i < 0 {
			return fmt.Errorf("%d notes that are not over were obeyed here", len(next))
		}
		next = slices.Delete(next, i, i+1)
	}
	return k.save(append(next, t))
}

// drop forgets a note that came to nothing.
func (k *kept) drop(id string) error {
	return k.save(slices.DeleteFunc(slices.Clone(k.all), func(o taken) bool { return o.ID == id }))
}

func (k *kept) save(next []taken) error {
	if err := k.disk.Save(keptFile, next); err != nil {
		return err
	}
	k.all, k.lost = next, nil
	return nil
}
