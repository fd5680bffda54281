package process

import (
	"io"
	"log/slog"
	"path/filepath"
	"syscall"
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/spec"
)

// benchDriver drives a sleep.
func benchDriver(b *testing.B) *Driver {
	b.Helper()
	d, err := New(Config{
		Marker: "bench/" + filepath.Base(b.TempDir()) + "/" + b.Name(), Folder: b.TempDir(),
		Process: spec.ProcessService{Command: []string{"/bin/sleep", "600"}},
		Log:     slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// BenchmarkHeal is the time from the kill of a process to the order that starts
// it again, by way of the Manager's wake, and from there to the observation
// that it runs.
func BenchmarkHeal(b *testing.B) {
	woken := make(chan struct{}, 1)
	wake := func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
	m := service.NewManager(b.Context(), service.SystemClock{}, wake, slog.New(slog.NewTextHandler(io.Discard, nil)))
	d := benchDriver(b)
	m.Set(map[string]service.Managed{"x": {Driver: d}})
	await := func(is func(service.Observed) bool) service.Observed {
		for {
			if o, _ := m.Get("x"); is(o) {
				return o
			}
			<-woken
		}
	}
	up := func(o service.Observed) bool { return o.Run == plan.Running && o.Op == plan.OpNone }
	m.Start("x")
	now := await(up)
	for b.Loop() {
		if err := syscall.Kill(now.PID, syscall.SIGKILL); err != nil {
			b.Fatal(err)
		}
		await(func(o service.Observed) bool { return o.Run.Down() })
		m.Start("x")
		now = await(up)
	}
	if err := d.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkObserve is the price of one look, which an idle agent pays every few
// seconds.
func BenchmarkObserve(b *testing.B) {
	for _, running := range []bool{false, true} {
		name := "stopped"
		if running {
			name = "running"
		}
		b.Run(name, func(b *testing.B) {
			d := benchDriver(b)
			if running {
				if err := d.Start(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, err := d.Observe(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			if err := d.Stop(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
