//go:build e2e

package etcd_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"mainstay/e2e/etcdserver"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/control"
	"mainstay/reconcile/service"
)

// BenchmarkSwitch measures a planned switch of one process between two agents of this
// machine, from when both are told of the commit, and the requests to git that it makes. The
// claims are on three members of etcd and, for comparison, in the repository of the document,
// which git serves over HTTP.
func BenchmarkSwitch(b *testing.B) {
	for _, place := range []string{"etcd", "git"} {
		b.Run(place, func(b *testing.B) {
			c := etcdserver.New(b, 3)
			s := newSite(b, c, "10s")
			var git gitserver.Faults
			s.repository = gitserver.HTTP(b, s.bare, git.Option())
			if place == "git" {
				s.url = s.repository
			}
			s.begin()
			s.handsOver("standby")
			var took, gap []float64
			side, before := "main", len(git.Requests())
			for b.Loop() {
				one, nobody := s.measured(b, side)
				took, gap = append(took, one), append(gap, nobody)
				side = map[string]string{"main": "standby", "standby": "main"}[side]
			}
			slices.Sort(took)
			slices.Sort(gap)
			b.ReportMetric(float64(len(git.Requests())-before)/float64(b.N), "git-requests")
			b.ReportMetric(took[len(took)/2], "ms-median")
			b.ReportMetric(took[len(took)-1], "ms-most")
			b.ReportMetric(gap[len(gap)/2], "nobody-ms-median")
		})
	}
}

// measured is how long a switch took, and for how long nobody served, in ms.
func (s *site) measured(b *testing.B, side string) (took, nobody float64) {
	select { // a switch comes after a quiet time
	case <-time.After(2 * time.Second):
	case <-b.Context().Done():
	}
	from, to := s.main, s.standby
	if side == "main" {
		from, to = to, from
	}
	s.declare(side)
	began := time.Now()
	for _, a := range []*agent{s.main, s.standby} {
		go func() {
			_, _ = control.NewClient(filepath.Join(a.folder, "s"), service.SystemClock{}.Boot).Sync(b.Context(), 0)
		}()
	}
	stopped, again := began, time.NewTicker(time.Millisecond)
	defer again.Stop()
	for end := began.Add(time.Minute); to.serves() == 0; <-again.C {
		if from.serves() > 0 {
			stopped = time.Now()
		}
		if time.Now().After(end) {
			b.Fatal("never")
		}
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return ms(time.Since(began)), ms(time.Since(stopped))
}
