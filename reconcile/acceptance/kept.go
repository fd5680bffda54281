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
	// Done says that it was obeyed: it is never obeyed again.
	Done bool `json:"done"`
}

// kept are the notes that this node took up, oldest first.
type kept struct {
	disk reconcile.Disk
	all  []taken
	// lost says why the disk does not tell which they are.
	lost error
}

// recall reads what earlier runs of the agent took up.
func recall(disk reconcile.Disk) *kept {
	k := &kept{disk: disk}
	if err := disk.Load(keptFile, &k.all); err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.all, k.lost = nil, err
	}
	return k
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
