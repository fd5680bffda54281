package git

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
	"golang.org/x/crypto/ssh"
)

// note is a commit of one file: what claims and reports are made of.
type note struct {
	file    string
	content []byte
	parents []string
	author  string
	message string
	when    time.Time
	// ref is where the note is for, and signer signs that; nil for nobody.
	ref    string
	signer ssh.Signer
}

// noteObjects are the three objects of a note. The same note always has the same
// ID, so that a push tried twice is one push, unless an ECDSA key signs it.
type noteObjects struct {
	ID                 string
	commit, tree, blob plumbing.EncodedObject
}

// into puts the objects into a store, if they are what is asked for: where a listing
// shows a commit that was made here, its name says what is in it, and nobody needs to
// send that.
func (o *noteObjects) into(st *store, hash string) bool {
	if o == nil || o.ID != hash {
		return false
	}
	for _, object := range o.list() {
		if _, err := st.objects.SetEncodedObject(object); err != nil {
			return false
		}
	}
	return true
}

// made is the change of a claim that this program made last.
type made struct {
	parent string
	noteObjects
}

// into puts the objects of the change into a store, if it is what is asked for and what
// was known is its parent: nothing else of the chain is at hand.
func (m *made) into(st *store, q question) bool {
	return m != nil && m.parent == q.known && m.noteObjects.into(st, q.hash)
}

func (n note) objects() (noteObjects, error) {
	var o noteObjects
	o.blob = encoded(plumbing.BlobObject, n.content)
	tree := object.Tree{Entries: []object.TreeEntry{{Name: n.file, Mode: filemode.Regular, Hash: o.blob.Hash()}}}
	o.tree = &plumbing.MemoryObject{}
	if err := tree.Encode(o.tree); err != nil {
		return o, fmt.Errorf("encode tree: %w", err)
	}
	when := n.when.UTC()
	if when.Unix() < 0 {
		when = time.Unix(0, 0).UTC() // servers refuse a commit of before git's time
	}
	who := object.Signature{Name: plainName(n.author), Email: plainName(n.author) + "@mainstay", When: when}
	c := object.Commit{Author: who, Committer: who, Message: n.message, TreeHash: o.tree.Hash()}
	for _, p := range n.parents {
		c.ParentHashes = append(c.ParentHashes, plumbing.NewHash(p))
	}
	var err error
	if n.signer != nil {
		c.Message = strings.TrimSuffix(c.Message, "\n") + "\n" + trailerRef + n.ref + "\n"
		if c.PGPSignature, err = signatureOf(c, n.signer); err != nil {
			return o, err
		}
	}
	if o.commit, err = commitObject(c); err != nil {
		return o, err
	}
	o.ID = o.commit.Hash().String()
	return o, nil
}

func commitObject(c object.Commit) (*plumbing.MemoryObject, error) {
	o := &plumbing.MemoryObject{}
	if err := c.Encode(o); err != nil {
		return nil, fmt.Errorf("encode commit: %w", err)
	}
	return o, nil
}

func (o noteObjects) list() []plumbing.EncodedObject {
	return []plumbing.EncodedObject{o.commit, o.tree, o.blob}
}

func encoded(t plumbing.ObjectType, content []byte) plumbing.EncodedObject {
	o := &plumbing.MemoryObject{}
	o.SetType(t)
	_, _ = o.Write(content) // into memory: it cannot end otherwise
	return o
}

// plainName makes a node's name fit for a commit's header.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == '<' || r == '>' || r == 0x7f {
			return '_'
		}
		return r
	}, name)
}

// packOf makes a pack of objects, each once.
func packOf(objects []plumbing.EncodedObject) ([]byte, error) {
	s := memory.NewStorage()
	var hashes []plumbing.Hash
	for _, o := range objects {
		if s.HasEncodedObject(o.Hash()) == nil {
			continue
		}
		h, err := s.SetEncodedObject(o)
		if err != nil {
			return nil, fmt.Errorf("make a pack: %w", err)
		}
		hashes = append(hashes, h)
	}
	var b bytes.Buffer
	if _, err := packfile.NewEncoder(&b, s, false).Encode(hashes, 0); err != nil {
		return nil, fmt.Errorf("make a pack: %w", err)
	}
	return b.Bytes(), nil
}
