package process

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"mainstay/reconcile/run"
	"mainstay/reconcile/service"
)

// Stop asks all processes of the service to end (SIGTERM) and, when the grace is
// over, ends them (SIGKILL). It returns nil once none is left.
func (d *Driver) Stop(ctx context.Context) error {
	done, err := d.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	r, err := d.current()
	if err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	if r == nil || r.Boot != d.boot {
		r = &record{}
	}
	r.Stopping, r.At = true, time.Now()
	d.saveRecord(*r)
	d.changed()
	d.at("recorded that it stops")
	if err := d.end(ctx, r); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	d.awaitReaped(ctx)
	d.mu.Lock()
	d.removeRecord()
	d.mu.Unlock()
	d.changed()
	return nil
}

// StopByHand returns the command that ends, without the agent, every process
// that carries the marker and belongs to no other agent.
func (d *Driver) StopByHand() string {
	return "for f in $(grep -lzxF " + run.Word(d.marker) + " /proc/[0-9]*/environ 2>/dev/null); do " +
		"if grep -qzxF " + run.Word(d.home) + " $f || ! grep -qz '^" + FolderVariable + "=' $f; then echo $f; fi; done | cut -d/ -f3 | xargs -r kill -9"
}

// end looks, signals and waits until a look finds nobody.
func (d *Driver) end(ctx context.Context, r *record) error {
	ctx, cancel := service.Bound(ctx, service.DefaultStop)
	defer cancel()
	polite, cancel := context.WithTimeout(ctx, service.StopGrace(ctx))
	defer cancel()
	asked := map[int]uint64{}
	var found []proc
	for {
		now, err := d.members(ctx, r)
		if err == nil && len(now) == 0 {
			return nil
		}
		if err == nil {
			found = now
		}
		wait := polite
		if err == nil && polite.Err() == nil {
			err = ask(found, asked)
			d.at("asked to end")
		} else if err == nil {
			wait, err = ctx, kill(found)
		}
		if err == nil {
			err = waitAll(wait, found)
		}
		if ended := service.Ended(ctx); ended != nil {
			return fmt.Errorf("%w, still there: %s", ended, pids(found))
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
}

// ask sends SIGTERM, and SIGCONT so that it arrives, to everyone not yet asked.
func ask(found []proc, asked map[int]uint64) error {
	var fresh []proc
	for _, p := range found {
		if start, ok := asked[p.pid]; !ok || start != p.start {
			asked[p.pid] = p.start
			fresh = append(fresh, p)
		}
	}
	if err := signalAll(fresh, unix.SIGTERM); err != nil {
		return err
	}
	return signalAll(fresh, unix.SIGCONT)
}

func kill(found []proc) error { return signalAll(found, unix.SIGKILL) }

// signalAll signals whole process groups where their leader belongs to the
// service, so that none can fork its way out, and the rest one by one.
func signalAll(found []proc, sig unix.Signal) error {
	leaders := map[int]bool{}
	for _, p := range found {
		leaders[p.pid] = leaders[p.pid] || p.group == p.pid
	}
	for _, p := range found {
		var err error
		switch {
		case leaders[p.group] && p.pid != p.group:
			continue
		case leaders[p.group]:
			err = unix.Kill(-p.group, sig)
		default:
			err = signalOne(p, sig)
		}
		if err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("%w: signal process %d: %w", service.ErrRefused, p.pid, err)
		}
	}
	return nil
}

func signalOne(p proc, sig unix.Signal) error {
	handle, err := openPidfd(p)
	if err != nil {
		return err
	}
	defer handle.close()
	return handle.signal(sig)
}

func pids(all []proc) string {
	text := make([]string, len(all))
	for i, p := range all {
		text[i] = strconv.Itoa(p.pid)
	}
	return strings.Join(text, " ")
}
