package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"mainstay/reconcile/managed"
	"mainstay/reconcile/run"
	"mainstay/reconcile/service"
	"mainstay/reconcile/state"
)

// left is a service of an earlier document. What this node started it may observe
// and stop, whatever its own file allows by now; it is not started again (R2).
func (s *Services) left(l managed.Left) service.Managed {
	if l.Lost != "" {
		return service.Managed{Key: string(l.Lost), Driver: s.lost(l.Lost)}
	}
	want := l.Service
	want.Ready, want.Drain = nil, nil
	m, err := s.managed(want, l.As)
	if err != nil {
		return service.Managed{Key: err.Error(), Driver: service.Unseen{Why: func() error { return err }}}
	}
	m.Key = "left " + m.Key
	m.Driver = service.StopOnly{Driver: m.Driver}
	return m
}

// lost stands for services that nobody knows: it is down once a person has removed
// the mark.
func (s *Services) lost(why managed.LostWhy) service.Driver {
	if why == managed.LostUnread {
		return service.Unseen{Why: func() error { return errors.New("the state folder cannot be read") }}
	}
	mark := state.File(s.parts.file.State, managed.LostFile)
	hand := "see that nothing of an earlier document runs, then: rm " + run.Word(mark)
	return service.Unseen{ByHand: hand, Why: func() error {
		_, err := os.Stat(mark)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("the record of what was started was damaged (%s)", mark)
	}}
}
