package kept

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/google/renameio/v2"
)

// The bounds of words.
const (
	// LongestWord is of a word, in bytes.
	LongestWord = 200
	// most is how many deployments have a word; the oldest makes room.
	most     = 1000
	mostFile = 2 << 20
)

// Word is what somebody said.
type Word struct {
	// Who is the user's name, Name how pages name the person.
	Who  string    `json:"who"`
	Name string    `json:"name"`
	At   time.Time `json:"at"`
	Text string    `json:"text"`
	// Mark names what was wrong (MarkOf): the word ends when something new is.
	Mark string `json:"mark"`
}

// Words are what people say about what is wrong with a deployment: that they have seen
// it, with a word, the newest about each. A word stands for as long as nothing new is wrong.
// All are in one file, so that they outlive the page, and are in nobody's way: a file
// that cannot be read or written costs the words, and nothing else. The methods may be called by several
// at a time.
type Words struct {
	mu    sync.Mutex
	path  string
	words map[string]Word
}

// OpenWords reads the words of a file, which need not be there; an empty path keeps them in
// memory. They are good whatever the error says: a file that is damaged is set aside.
func OpenWords(path string) (*Words, error) {
	b := &Words{path: path, words: map[string]Word{}}
	if path == "" {
		return b, nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil && (!info.Mode().IsRegular() || info.Size() > mostFile) {
		err = fmt.Errorf("it is no file of words, or larger than %d bytes", mostFile)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	if err == nil {
		err = json.Unmarshal(data, &b.words)
	}
	if b.words == nil {
		b.words = map[string]Word{}
	}
	if err == nil {
		return b, nil
	}
	b.words = map[string]Word{}
	if aside := os.Rename(path, path+".damaged"); aside != nil {
		b.path = "" // what stands there is nobody's to overwrite
	}
	return b, fmt.Errorf("read %s: %w", path, err)
}

// Say keeps a word about a deployment in place of the one before. An error means that
// the file does not have it.
func (b *Words) Say(deployment string, w Word) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.words[deployment] = w
	for len(b.words) > most {
		oldest := ""
		for key, one := range b.words {
			if oldest == "" || one.At.Before(b.words[oldest].At) {
				oldest = key
			}
		}
		delete(b.words, oldest)
	}
	return b.write()
}

// Of is the word about what is wrong with a deployment now; ok is false when there is
// none.
func (b *Words) Of(deployment, mark string) (w Word, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w, ok = b.words[deployment]
	return w, ok && Covers(w.Mark, mark)
}

// Ended forgets the word about a deployment when something new is wrong with it now, or
// nothing, so that it does not stand again when the same comes back. Of what is over the
// word is about no more: when that comes back, it is new.
func (b *Words) Ended(deployment, mark string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	w, ok := b.words[deployment]
	switch {
	case !ok || w.Mark == mark:
		return nil
	case Covers(w.Mark, mark):
		w.Mark = mark
		b.words[deployment] = w
	default:
		delete(b.words, deployment)
	}
	return b.write()
}

func (b *Words) write() error {
	if b.path == "" {
		return nil
	}
	data, err := json.Marshal(b.words)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(b.path, data, 0o600); err != nil {
		return fmt.Errorf("keep the words: %w", err)
	}
	return nil
}
