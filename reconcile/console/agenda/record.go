package agenda

import "mainstay/reconcile/console/kept"

// complain writes into the log what goes wrong with the records, each thing now and then:
// a full disk is not filled further.
func (a *Agenda) complain(what string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := a.Now(); a.wrong[what].IsZero() || now.Sub(a.wrong[what]) >= complainEvery {
		a.wrong[what] = now
		a.Log.Error(what, "error", err)
	}
}

// owes reports whether an order ended whose end is not in its record, and tries to put
// it there. Nothing else is done for such an order again.
func (a *Agenda) owes(one kept.Order) bool {
	a.mu.Lock()
	o, ok := a.owed[one.Commit]
	a.mu.Unlock()
	if ok && a.Now().Sub(o.at) >= tryEvery {
		a.record(o.order)
	}
	return ok
}

// record keeps what became of an order, now or as soon as that can be done.
func (a *Agenda) record(one kept.Order) {
	err := a.Orders.Put(one)
	if err != nil {
		a.complain("what became of an order is not kept", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if delete(a.owed, one.Commit); err != nil {
		a.owed[one.Commit] = owed{one, a.Now()}
	}
}
