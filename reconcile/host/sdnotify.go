package host

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// firstPassEvery is how often a watchdog looks for the first pass, so that
// systemd hears of it at once.
const firstPassEvery = 100 * time.Millisecond

// watchdog tells systemd how the agent is: ready after the first completed pass,
// and alive only while passes go on completing. An agent that hangs is silent,
// and systemd starts another within spec.WatchdogBound (R7).
type watchdog struct {
	passed func() time.Duration // when the newest pass ended, 0 before the first
	wake   func()               // asks for a pass
	every  time.Duration        // how often a pass is asked for; a third of systemd's patience
	say    func(state string)
}

// newWatchdog returns nil where nobody listens.
func newWatchdog(passed func() time.Duration, wake func(), log *slog.Logger) (*watchdog, error) {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return nil, nil
	}
	patience, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, fmt.Errorf("read the watchdog's time: %w", err)
	}
	if patience == 0 {
		patience = time.Minute
	}
	say := func(state string) {
		if _, err := daemon.SdNotify(false, state); err != nil {
			log.Warn("tell systemd", "state", state, "error", err)
		}
	}
	return &watchdog{passed: passed, wake: wake, every: patience / 3, say: say}, nil
}

// run keeps systemd informed until ctx ends.
func (k *watchdog) run(ctx context.Context) {
	tick := time.NewTicker(min(k.every, firstPassEvery))
	defer tick.Stop()
	var last time.Duration
	for {
		select {
		case <-ctx.Done():
			k.say(daemon.SdNotifyStopping)
			return
		case <-tick.C:
		}
		now := k.passed()
		switch {
		case now == last:
		case last == 0:
			k.say(daemon.SdNotifyReady)
			tick.Reset(k.every)
		default:
			k.say(daemon.SdNotifyWatchdog)
		}
		if last = now; last != 0 {
			k.wake()
		}
	}
}
