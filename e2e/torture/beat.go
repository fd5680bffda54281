package main

import (
	"cmp"
	"encoding/binary"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// beatEvery is the pace of a service's heartbeat, fresh how old the newest beat of
// one that serves may be.
const (
	beatEvery = 20 * time.Millisecond
	fresh     = 300 * time.Millisecond
)

// beat is a service: it writes the time of its first and newest heartbeat into a
// file of its own until it is told to end. Args are the node's folder and a name.
func beat(args []string) int {
	if len(args) < 2 {
		return 2
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	f, err := os.CreateTemp(filepath.Join(args[0], "beats"), args[1]+"-")
	if err != nil {
		return 1
	}
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], uint64(time.Now().UnixNano()))
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		binary.LittleEndian.PutUint64(b[8:], uint64(time.Now().UnixNano()))
		if _, err := f.WriteAt(b[:], 0); err != nil {
			return 1
		}
		select {
		case <-ended:
			return 0
		case <-tick.C:
		}
	}
}

// span is one service process, from its first heartbeat to its newest.
type span struct {
	side, service string
	from, to      time.Time
}

// spans lists what ran on a node, by its beginning.
func spans(folder, side string) []span {
	files, _ := filepath.Glob(filepath.Join(folder, "beats", "*"))
	var out []span
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil || len(b) != 16 {
			continue
		}
		name, _, _ := strings.Cut(filepath.Base(file), "-")
		out = append(out, span{side, name,
			time.Unix(0, int64(binary.LittleEndian.Uint64(b[:8]))), time.Unix(0, int64(binary.LittleEndian.Uint64(b[8:])))})
	}
	slices.SortFunc(out, func(a, b span) int { return cmp.Compare(a.from.UnixNano(), b.from.UnixNano()) })
	return out
}
