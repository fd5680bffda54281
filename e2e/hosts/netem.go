//go:build e2e

package hosts

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"
)

// queueNumber is the netfilter queue used inside every host whose link is
// slow. Hosts have their own network namespaces, so it may be the same.
const queueNumber = 7

// pending bounds the packets that are on their way at one time; more are
// dropped, as by a full router.
const pending = 4096

// Link says how bad a link is, in each direction.
type Link struct {
	Delay time.Duration // added to every packet; order is kept
	Loss  float64       // part of the packets that vanish, 0 to 1
	Seed  uint64        // the same seed loses the same packets
	Only  Way           // spoils one direction and leaves the other as it is
}

// Way is a direction of a host's link.
type Way int

// The directions, as the host sees them.
const (
	Both Way = iota
	In
	Out
)

// Netem makes the host's link slow or lossy until ClearNetem or until the host
// reboots. Every packet waits in this process, through a netfilter queue,
// because not every kernel has the netem queueing discipline.
func (h *Host) Netem(t testing.TB, link Link) {
	t.Helper()
	h.ClearNetem(t)
	pid, err := h.process(t.Context())
	if err != nil {
		t.Fatalf("slow the link of %s: %v", h.name, err)
	}
	queue, err := openQueue(pid, queueNumber)
	if err != nil {
		t.Fatalf("slow the link of %s: %v", h.name, err)
	}
	slow := &slowLink{queue: queue, link: link, verdicts: make(chan verdict, pending), end: make(chan struct{})}
	slow.start()
	h.mu.Lock()
	h.link = slow
	h.mu.Unlock()
	if err := h.divert(t.Context(), "--insert", link.Only); err != nil {
		t.Fatalf("slow the link of %s: %v", h.name, err)
	}
}

// ClearNetem makes the link fast again. What is on its way is dropped.
func (h *Host) ClearNetem(t testing.TB) {
	t.Helper()
	h.mu.Lock()
	slow := h.link
	h.mu.Unlock()
	if slow == nil {
		return
	}
	if err := h.divert(t.Context(), "--delete", slow.link.Only); err != nil {
		t.Fatalf("restore the link of %s: %v", h.name, err)
	}
	h.forgetSlowLink()
}

// divert puts what enters or leaves the host through the queue. Nobody listening
// there means that everything passes.
func (h *Host) divert(ctx context.Context, what string, only Way) error {
	pid, err := h.process(ctx)
	if err != nil {
		return err
	}
	ways := map[Way][2]string{In: {"INPUT", "--in-interface"}, Out: {"OUTPUT", "--out-interface"}}
	for direction, way := range ways {
		if only != Both && only != direction {
			continue
		}
		_, err := run(ctx, "nsenter", "--target", strconv.Itoa(pid), "--net",
			"iptables", what, way[0], "!", way[1], "lo",
			"--jump", "NFQUEUE", "--queue-num", strconv.Itoa(queueNumber), "--queue-bypass")
		if err != nil {
			return fmt.Errorf("divert packets: %w", err)
		}
	}
	return nil
}

func (h *Host) forgetSlowLink() {
	h.mu.Lock()
	slow := h.link
	h.link = nil
	h.mu.Unlock()
	if slow != nil {
		slow.stop()
	}
}

// verdict is what will be said about one packet, and when.
type verdict struct {
	packet uint32
	drop   bool
	due    time.Time
}

// slowLink holds the packets of one host back.
type slowLink struct {
	queue    *queue
	link     Link
	verdicts chan verdict
	end      chan struct{} // closed when the link is to be fast again
	done     sync.WaitGroup
}

func (s *slowLink) start() {
	s.done.Go(s.take)
	s.done.Go(s.give)
}

func (s *slowLink) stop() {
	close(s.end)
	s.queue.close()
	s.done.Wait()
}

// take gives every packet its due time.
func (s *slowLink) take() {
	defer close(s.verdicts)
	dice := rand.New(rand.NewPCG(s.link.Seed, 0))
	for {
		packets, err := s.queue.receive()
		if err != nil {
			return
		}
		due := time.Now().Add(s.link.Delay)
		for _, packet := range packets {
			s.verdicts <- verdict{packet, dice.Float64() < s.link.Loss, due}
		}
	}
}

// give says each verdict when it is due. After the end it only empties the
// channel, so that take can end too.
func (s *slowLink) give() {
	for v := range s.verdicts {
		due := time.NewTimer(time.Until(v.due))
		select {
		case <-due.C:
			// An error means that the queue was closed meanwhile.
			_ = s.queue.answer(v.packet, v.drop)
		case <-s.end:
			due.Stop()
		}
	}
}
