// Package file keeps one rendered configuration file as it should be: checked
// before it is believed, replaced in one step, reloaded, and put back if that
// fails.
//
// What it is given is bytes; it knows nothing of templates and of what is in
// them.
//
// A check whose arguments contain {{ .candidate }} sees the new content as a file
// beside the target, before anything is replaced. One without sees the whole
// configuration: the target is replaced, checked and, on refusal, put back before
// any reload. Beside the target are, while they are needed and with names
// that no include pattern matches, the candidate (.mainstay-new.NAME) and the
// old file (.NAME.mainstay-old, or .NAME.mainstay-none when there was none). An
// old file that is there at the beginning is what an interrupted run left: the
// new content was never confirmed, so the file counts as not the same, and what
// is put back on failure is that old file and not the unconfirmed one.
//
// A target that is a symbolic link stays one: the file it leads to is replaced.
// One that leads nowhere is refused. Owner and mode of the replaced file are
// kept, unless the document gives a mode; extended attributes and further hard
// links are not.
//
// What a link leads to has to be allowed too. Everything is read and written
// beneath the allowed folder, as it is behind links of root: whoever else may write
// there cannot make the agent write elsewhere.
package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"mainstay/reconcile/run"
	"mainstay/reconcile/service"
	"mainstay/spec"
)

// defaultTimeout bounds an action whose document says nothing.
const defaultTimeout = 30 * time.Second

// defaultMode is that of a file that was not there.
const defaultMode fs.FileMode = 0o644

// Reloader makes a systemd unit read its configuration again. It returns once
// the result of the reload is known.
type Reloader interface {
	// Reload is given the unit's name.
	Reload(ctx context.Context, unit string) error
}

// File keeps one file. Use New. Calls must not overlap.
type File struct {
	path    string
	mode    *fs.FileMode
	check   *spec.Action
	inPlace bool // the check sees the target, not a candidate
	reload  *spec.Action
	units   Reloader
	allowed []string
	change  writes
	// at is called at the named steps, so that tests can end the agent there.
	at func(step string)
}

// New makes a File; nothing is touched. units may be nil when the document
// reloads no unit. allowed are the entries of allow.paths: where the path may
// lead.
func New(f spec.File, units Reloader, allowed []string) (*File, error) {
	file := &File{path: f.Path, check: f.Check, reload: f.Reload, units: units, allowed: allowed, change: straight, at: func(string) {}}
	if f.Mode != "" {
		bits, err := strconv.ParseUint(f.Mode, 8, 9)
		if err != nil {
			return nil, fmt.Errorf("file %s: mode %q is not octal text such as 0640", f.Path, f.Mode)
		}
		mode := fs.FileMode(bits)
		file.mode = &mode
	}
	switch {
	case !filepath.IsAbs(f.Path):
		return nil, fmt.Errorf("file %s: the path is not absolute", f.Path)
	case f.Check != nil && len(f.Check.Command) == 0:
		return nil, fmt.Errorf("file %s: the check has no command", f.Path)
	case f.Reload != nil && f.Reload.Systemd != "" && units == nil:
		return nil, fmt.Errorf("file %s: no systemd to reload %s", f.Path, f.Reload.Systemd)
	}
	if f.Check != nil {
		file.inPlace = !strings.Contains(strings.Join(f.Check.Command, "\x00"), spec.CandidateArg)
	}
	return file, nil
}

// Observe reports whether the file has the wanted content, and the wanted mode
// if there is one, and was taken over by whoever reads it.
func (f *File) Observe(want []byte) (same bool, err error) {
	t, err := f.target()
	if err != nil {
		return false, err
	}
	defer t.close()
	return f.confirmed(t, want)
}

func (f *File) confirmed(t target, want []byte) (bool, error) {
	if t.unconfirmed() {
		return false, nil
	}
	return f.matches(t, want)
}

func (f *File) matches(t target, want []byte) (bool, error) {
	if t.info == nil || t.info.Size() != int64(len(want)) {
		return false, nil
	}
	if f.mode != nil && t.info.Mode().Perm() != *f.mode {
		return false, nil
	}
	have, err := t.root.ReadFile(t.rel)
	return bytes.Equal(have, want), err
}

// Apply makes the file have the wanted content: check, replace, reload, verify.
// Applying what is already there is nil and reloads nothing. On error the old
// file is in place again, and was reloaded if the new one may have been; the
// error carries the check's or the reload's own message. An Apply whose context
// ends during the reload leaves the new content unconfirmed: Observe says not
// the same, and the next Apply finishes or undoes it.
func (f *File) Apply(ctx context.Context, want []byte) error {
	if err := f.apply(ctx, want); err != nil {
		return fmt.Errorf("file %s: %w", f.path, err)
	}
	return nil
}

func (f *File) apply(ctx context.Context, want []byte) error {
	if err := service.Ended(ctx); err != nil {
		return err
	}
	t, err := f.target()
	if err != nil {
		return err
	}
	defer t.close()
	if same, err := f.confirmed(t, want); same || err != nil {
		return err
	}
	if err := t.writeCandidate(want, f.mode); err != nil {
		return fmt.Errorf("write the candidate: %w", err)
	}
	defer t.removeCandidate()
	f.at("candidate written")
	if f.check != nil && !f.inPlace {
		if err := f.runCheck(ctx, t.candidatePath()); err != nil {
			return err
		}
	}
	if err := f.replace(ctx, t); err != nil {
		return err
	}
	return f.verify(want)
}

// verify looks again, since others may write to the file too.
func (f *File) verify(want []byte) error {
	t, err := f.target()
	if err != nil {
		return err
	}
	defer t.close()
	same, err := f.matches(t, want)
	if err == nil && !same {
		err = errors.New("something else changed the file while the agent replaced it: the agent tries again; only one program may write it")
	}
	return err
}

// replace puts the candidate in place, and the old file back if that is
// refused.
func (f *File) replace(ctx context.Context, t target) error {
	if !f.inPlace && f.reload == nil {
		return errors.Join(t.install(), t.confirm())
	}
	// Whatever an interrupted run left may have been loaded.
	loaded := t.unconfirmed()
	if err := t.keepOld(); err != nil {
		return fmt.Errorf("keep the old file: %w", err)
	}
	f.at("old kept")
	if err := t.install(); err != nil {
		return errors.Join(err, t.confirm())
	}
	f.at("replaced")
	if f.inPlace {
		if err := f.runCheck(ctx, ""); err != nil && loaded {
			return f.undo(ctx, t, err)
		} else if err != nil {
			return joined(err, "put the old file back", t.putBack())
		}
		f.at("checked")
	}
	if err := f.runReload(ctx); err != nil {
		return f.undo(ctx, t, err)
	}
	f.at("reloaded")
	return t.confirm()
}

// undo puts the old file back and reloads it, when the new one may have been
// loaded. Without the time for that it stays unconfirmed.
func (f *File) undo(ctx context.Context, t target, cause error) error {
	if ctx.Err() != nil {
		return cause
	}
	if err := t.putBack(); err != nil {
		return joined(cause, "put the old file back", err)
	}
	return joined(cause, "reload the old file", f.runReload(ctx))
}

func joined(cause error, step string, err error) error {
	if err == nil {
		return cause
	}
	return fmt.Errorf("%w; and then %s: %w", cause, step, err)
}

func (f *File) runCheck(ctx context.Context, candidate string) error {
	argv := make([]string, len(f.check.Command))
	for i, word := range f.check.Command {
		argv[i] = strings.ReplaceAll(word, spec.CandidateArg, candidate)
	}
	if err := command(ctx, f.check.Timeout.D(), argv, service.ErrRefused); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	return nil
}

func (f *File) runReload(ctx context.Context) error {
	if f.reload == nil {
		return nil
	}
	err := f.reloadOnce(ctx)
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	return nil
}

func (f *File) reloadOnce(ctx context.Context) error {
	if f.reload.Systemd == "" {
		return command(ctx, f.reload.Timeout.D(), f.reload.Command, service.ErrFailed)
	}
	ctx, cancel := context.WithTimeout(ctx, bound(f.reload.Timeout.D()))
	defer cancel()
	return f.units.Reload(ctx, f.reload.Systemd)
}

func bound(timeout time.Duration) time.Duration {
	if timeout <= 0 {
		return defaultTimeout
	}
	return timeout
}

// command runs argv; any exit code but 0 is the given error with the command's
// own words.
func command(ctx context.Context, timeout time.Duration, argv []string, bad error) error {
	ctx, cancel := context.WithTimeout(ctx, bound(timeout))
	defer cancel()
	result, err := run.Command(ctx, argv)
	switch {
	case err != nil && result.Output != "":
		return fmt.Errorf("%w: %s", err, result.Output)
	case err != nil:
		return err
	case result.Code != 0:
		return fmt.Errorf("%w: %s", bad, result.Reason())
	}
	return nil
}
