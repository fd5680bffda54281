// Package state is the folder in which a node keeps what must outlive it: small
// JSON values, each whole or not there, each with a checksum.
//
// It knows nothing of what it keeps.
package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
)

// The classes of errors that are not the disk's own.
var (
	// ErrDamaged: a state file is not what Save wrote. It was set aside; the error
	// answers Hint() string with where.
	ErrDamaged = errors.New("damaged")
	// ErrTooLarge: a value takes more bytes than a state file may have.
	ErrTooLarge = errors.New("too large")
)

const (
	magic  = "mainstay-state 1 "
	suffix = ".state"
	// stale is when a temporary file can be nobody's any more.
	stale = time.Hour
	// maxState bounds one state file, in bytes.
	maxState = 64 << 20
	// maxDamaged is how many damaged files of one name are kept for a person to
	// look at.
	maxDamaged = 3
)

// diskBound is how long one access to the state folder may take. A disk that
// needs longer has failed: nobody waits for it when a service is down.
const diskBound = 5 * time.Second

// Folder keeps values under names. A file there is either whole or, if it is not
// what Save wrote, set aside and never used.
//
// A disk that hangs costs one caller diskBound, and then every call is an error
// at once until it answers again. It may be used by several goroutines.
type Folder struct {
	dir   string
	bound time.Duration
	turn  chan struct{}             // held during an access: what was written last stays
	began atomic.Pointer[time.Time] // when that access began
	spare *spare                    // nil for a folder that has none
	save  sync.Mutex                // held during a Save: the spare's value is the newest
	// change makes one change of the disk: point names it and do makes it, with
	// data. A test lets the machine end before, in the middle of or after it.
	change func(point string, data []byte, do func([]byte) error) error
}

// carryOut makes a change of the disk.
func carryOut(_ string, data []byte, do func([]byte) error) error { return do(data) }

// errHangs is of an access to a disk that has not answered for diskBound.
var errHangs = errors.New("the disk does not answer")

// access makes one access to the folder. One that is given up goes on by
// itself, and the next can begin when it has ended.
func access[T any](s *Folder, do func() (T, error)) (T, error) {
	var none T
	limit := time.NewTimer(s.bound)
	defer limit.Stop()
	if began := s.began.Load(); began != nil && time.Since(*began) > s.bound {
		return none, errHangs
	}
	select {
	case s.turn <- struct{}{}:
	case <-limit.C:
		return none, errHangs
	}
	now := time.Now()
	s.began.Store(&now)
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		value, err := do()
		s.began.Store(nil)
		<-s.turn
		done <- answer{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-limit.C:
		return none, errHangs
	}
}

// Open uses a folder, which it makes when it is missing, and clears away
// what a process that was killed while saving left there.
func Open(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"+suffix+"*"))
	if err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	for _, file := range left {
		if time.Since(time.Unix(0, written(file))) > stale {
			_ = os.Remove(file) // the next start tries again
		}
	}
	return &Folder{dir: dir, bound: diskBound, turn: make(chan struct{}, 1), change: carryOut}, nil
}

// Dir returns the folder.
func (s *Folder) Dir() string { return s.dir }

// Save writes v as JSON under a name: temporary file, fsync, rename. When it
// returns nil the value survives a power cut; when it returns an error, such as
// of a full disk, what was there before still is. With a spare folder the value that
// the disk refused outlives this process all the same: Load returns it until the
// machine ends.
func (s *Folder) Save(name string, v any) error {
	file, err := s.file(name)
	if err != nil {
		return err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	whole := append([]byte(magic+digest(name, data)+"\n"), data...)
	if len(whole) > maxState {
		return fmt.Errorf("save %s: %w: more than %d MiB", file, ErrTooLarge, maxState>>20)
	}
	s.save.Lock()
	defer s.save.Unlock()
	if err := s.write(name, file, whole); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

// write puts a value on disk, and into the spare folder when the disk refuses it. A
// value in the spare folder is replaced first: were the process killed in between, an
// old one would count as the newest.
func (s *Folder) write(name, file string, whole []byte) error {
	kept := s.spare.has(name)
	if kept {
		if err := s.spare.keep(name, whole); err != nil {
			if undropped := s.spare.drop(name); undropped != nil {
				return errors.Join(err, undropped)
			}
			kept = false
		}
	}
	_, err := access(s, func() (struct{}, error) {
		return struct{}{}, s.replace(file, whole)
	})
	switch {
	case err == nil:
		return s.spare.drop(name)
	case s.spare == nil || kept:
		return err
	}
	return errors.Join(err, s.spare.keep(name, whole))
}

// replace puts a whole file in the place of another one, or of none.
func (s *Folder) replace(file string, whole []byte) error {
	fresh, err := renameio.NewPendingFile(file, renameio.WithTempDir(s.dir), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer func() { _ = s.change("clear away", nil, func([]byte) error { return fresh.Cleanup() }) }()
	err = s.change("write", whole, func(b []byte) error {
		_, err := fresh.Write(b)
		return err
	})
	if err == nil {
		err = s.change("replace", nil, func([]byte) error { return fresh.CloseAtomicallyReplace() })
	}
	if err != nil {
		return err
	}
	return s.change("sync folder", nil, func([]byte) error { return syncDir(s.dir) })
}

// Load reads what Save wrote under a name into v. A file that was never written
// is an fs.ErrNotExist. One that is damaged is set aside under another name and
// is ErrDamaged; v is then not to be used. Nothing is known of one that the disk
// does not give within the bound, also for want of open files or memory: such a file
// stays where it is. A value in the spare folder is newer than the disk's.
func (s *Folder) Load(name string, v any) error {
	file, err := s.file(name)
	if err != nil {
		return err
	}
	patience := s.bound / 2
	whole, err := patiently(patience, func() ([]byte, error) { return s.spare.read(name) })
	if err == nil {
		return s.spare.decode(name, whole, v)
	}
	if !short(err) {
		whole, err = access(s, func() ([]byte, error) {
			return patiently(patience, func() ([]byte, error) { return readBounded(file) })
		})
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errHangs) || short(err) {
		return fmt.Errorf("load %s: %w", name, err)
	}
	if err == nil {
		err = decode(name, whole, v)
	}
	if err == nil {
		return nil
	}
	_, err = access(s, func() (struct{}, error) { return struct{}{}, s.setAside(file, err) })
	return err
}

// short reports whether the machine had too little of something, such as of open files.
// That says nothing of the file.
func short(err error) bool {
	for _, want := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EAGAIN} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

// againAfter is how long a read waits that a shortage kept from the file.
const againAfter = 20 * time.Millisecond

// patiently reads again while there is a shortage, until a bound.
func patiently(bound time.Duration, read func() ([]byte, error)) ([]byte, error) {
	limit := time.NewTimer(bound)
	defer limit.Stop()
	for {
		whole, err := read()
		if !short(err) {
			return whole, err
		}
		select {
		case <-time.After(againAfter):
		case <-limit.C:
			return whole, err
		}
	}
}

// decode reads what Save wrote.
func decode(name string, whole []byte, v any) error {
	data, err := checked(name, whole)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

func (s *Folder) file(name string) (string, error) {
	if name == "" {
		return "", errors.New("a state file wants a name")
	}
	return File(s.dir, name), nil
}

// File is the file in which the folder dir keeps what was saved under a name.
func File(dir, name string) string { return filepath.Join(dir, escape(name)+suffix) }

// escape makes a name fit for a file name, so that no name leads out of the folder
// and no two share a file.
func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
		if plain || c == '.' && i > 0 && name[i-1] != '.' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

// digest covers the name as well: a file under another's name is damaged.
func digest(name string, data []byte) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\x00", name)
	_, _ = h.Write(data)
	return fmt.Sprintf("%x", h.Sum(nil))
}

func checked(name string, whole []byte) ([]byte, error) {
	head, data, ok := bytes.Cut(whole, []byte("\n"))
	sum, is := strings.CutPrefix(string(head), magic)
	if !ok || !is {
		return nil, errors.New("it is not a state file")
	}
	if sum != digest(name, data) {
		return nil, errors.New("its content does not match its checksum")
	}
	return data, nil
}

func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err == nil && len(b) > maxState {
		err = fmt.Errorf("it is larger than %d MiB", maxState>>20)
	}
	return b, err
}

// damage is the error of a file that is not what Save wrote.
type damage struct {
	file  string
	cause error
	hint  string
}

// Error says which file, and what is wrong with it.
func (d *damage) Error() string {
	return fmt.Sprintf("load %s: %v: %v", d.file, ErrDamaged, d.cause)
}

// Unwrap returns the class.
func (d *damage) Unwrap() error { return ErrDamaged }

// Hint says where the file is now.
func (d *damage) Hint() string { return d.hint }

// setAside renames a damaged file, so that it is looked at once and not at every
// start.
func (s *Folder) setAside(file string, why error) error {
	e := &damage{file: file, cause: why}
	aside := s.asideName(file)
	if err := s.change("set aside", nil, func([]byte) error { return os.Rename(file, aside) }); err != nil {
		e.cause = fmt.Errorf("%w (and it could not be set aside: %w)", why, err)
		return e
	}
	e.hint = "it was set aside as " + aside
	return e
}

// asideNames are those under which damaged files of one name are kept.
func asideNames(file string) []string {
	names := make([]string, maxDamaged)
	for i := range names {
		names[i] = fmt.Sprintf("%s.damaged-%d", file, i+1)
	}
	return names
}

// asideName is the first free name of maxDamaged, or the one written longest
// ago.
func (s *Folder) asideName(file string) string {
	return slices.MinFunc(asideNames(file), func(a, b string) int { return int(min(1, max(-1, written(a)-written(b)))) })
}

// written is when a file was last written, in nanoseconds, and zero for none.
func written(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.ModTime().UnixNano()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync state folder: %w", err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync state folder: %w", err)
	}
	return nil
}
