// Package deliver hands an alert to the program that sends it: the command of the file,
// or a short-lived child of this very program.
//
// A child bounds what sending may cost: its time, its memory, and whatever a library
// does with an answer. Secrets are read by the child alone. Everything is given on its
// input: nothing that others said is ever part of a command line.
package deliver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"mainstay/reconcile/alert"
	"mainstay/reconcile/run"
	"mainstay/spec/alerts"
)

// Command is the name of the hidden command by which this program sends one alert.
const Command = "send-alert"

// Order is what that command reads from its input.
type Order struct {
	To      alerts.Alert  `json:"to"`
	Message alert.Message `json:"message"`
}

// mostOutput is how much of what a program prints is kept, in bytes.
const mostOutput = 2 << 10

// Deliver hands a message on. It is an alert.Deliver.
func Deliver(ctx context.Context, to alerts.Alert, m alert.Message) error {
	if len(to.Command) > 0 {
		return feed(ctx, to.Command, m)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	return feed(ctx, []string{self, Command}, Order{to, m})
}

// feed runs a program with a value as JSON on its input, and ends all of it with the
// context.
func feed(ctx context.Context, argv []string, v any) error {
	input, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write the alert as JSON: %w", err)
	}
	out := &run.Tail{}
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.Dir, c.Env = "/", append(run.Environment(), "GOMEMLIMIT=64MiB", "GOGC=50")
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(append(input, '\n')), out, out
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error {
		err := syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
	c.WaitDelay = time.Second
	switch err = c.Run(); {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return nil
	case ctx.Err() != nil:
		return errors.New("it was not sent in time")
	case said(out) != "":
		return errors.New(said(out))
	}
	return fmt.Errorf("run %s: %w", argv[0], err)
}

// said is the end of what a program printed, without the word that this one puts before an
// error.
func said(t *run.Tail) string {
	text := t.String()
	text = strings.ToValidUTF8(text[max(0, len(text)-mostOutput):], "")
	return strings.TrimPrefix(text, "error: ")
}
