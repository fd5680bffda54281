// Package failure says what can go wrong with a repository: the classes of errors of
// package git and of its transports, and how a credential is kept out of a text.
//
// It must not know what anybody does about them: it names the option to look at.
package failure

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"mainstay/reconcile/git/packet"
)

// The classes of errors. Every error of package git is one of them, found with
// errors.Is; an error that also has something a person should do answers
// Hint() string.
var (
	// ErrUnreachable: no answer, an answer too late, or one that is no git
	// server's. Worth trying again.
	ErrUnreachable = errors.New("out of reach")
	// ErrAuth: the server does not let this node in, or the credentials are
	// missing or unreadable. A person has to act.
	ErrAuth = errors.New("not let in")
	// ErrHostKey: the server did not prove to be the one that is pinned, by SSH
	// host key or by certificate. Nothing was sent to it. A person has to act.
	ErrHostKey = errors.New("not the pinned server")
	// ErrMoved: the ref changed between listing and fetching. List again.
	ErrMoved = errors.New("the ref moved since it was listed")
	// ErrRewound: the branch does not descend from the accepted commit. A
	// descendant has to appear, or a person has to accept.
	ErrRewound = errors.New("history was rewritten")
	// ErrSignature: the commit is not signed by anyone allowed to.
	ErrSignature = errors.New("signature refused")
	// ErrAhead: the commit is of a time that has not come yet. It may be right later.
	ErrAhead = errors.New("from the future")
	// ErrNoBranch: the server answers and has no such branch.
	ErrNoBranch = errors.New("no such branch")
	// ErrTooLarge: more bytes than this program is willing to hold.
	ErrTooLarge = errors.New("too large")
	// ErrNotFound: no file of that name in the commit.
	ErrNotFound = errors.New("no such file")
	// ErrDamaged: a claim, a report or a git object is not what it should be.
	ErrDamaged = errors.New("damaged")
	// ErrRefused: the push was not carried out, and never will be.
	ErrRefused = errors.New("push refused")
	// ErrUnknown: a push was sent and nobody said what became of it. It may have
	// been carried out, and it may still be later.
	ErrUnknown = errors.New("outcome of the push unknown")
)

// Error is an error of package git: a step, at an address, that ended in one
// of the classes. It never holds a credential.
type Error struct {
	// Kind is one of the classes above.
	Kind error
	// Step says what was being done, and At where: a redacted address, a ref or
	// a file.
	Step, At string
	// Err is the cause, already scrubbed. It may be nil.
	Err error
	// Advice is what a person should do on a node, in the words of the agent's file,
	// or empty.
	Advice string
	// Setting is the option to look at, or empty, and Value what the advice quotes:
	// with both, a face without an agent's file words it by itself.
	Setting Setting
	Value   string
	// repository says that At is a repository's address.
	repository bool
}

// Error returns "step at: class: cause", and of a repository that cannot be reached what
// a person would say.
func (e *Error) Error() string {
	if text := e.reaching(); text != "" {
		return text
	}
	parts := make([]string, 0, 3)
	if where := strings.TrimSpace(e.Step + " " + e.At); where != "" {
		parts = append(parts, where)
	}
	parts = append(parts, e.Kind.Error())
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// reaching says that a repository was not reached, and for what. It is empty for any
// other error.
func (e *Error) reaching() string {
	if !e.repository || e.Err == nil {
		return ""
	}
	to := " to " + e.Step
	if e.Step == "list" {
		to = "" // whoever looks at git lists it first
	}
	switch {
	case errors.Is(e.Kind, ErrUnreachable):
		return "cannot reach git at " + e.At + to + ": " + e.Err.Error()
	case errors.Is(e.Kind, ErrAuth):
		return "not let in by git at " + e.At + to + ": " + e.Err.Error()
	case errors.Is(e.Kind, ErrHostKey):
		return "git at " + e.At + " is not the pinned server: " + e.Err.Error()
	}
	return ""
}

// Unwrap returns the class and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Is makes a file that a commit does not have, and nothing else, the error that
// every reader of files knows.
func (e *Error) Is(target error) bool {
	return target == fs.ErrNotExist && e.Kind == ErrNotFound && e.Err == nil
}

// Permanent reports whether the same objects would be refused again.
func (e *Error) Permanent() bool {
	return errors.Is(e.Kind, ErrTooLarge) || errors.Is(e.Kind, ErrDamaged)
}

// Hint returns what a person should do, or the empty string.
func (e *Error) Hint() string { return e.Advice }

// scrubbed is the text of a foreign error without any secret. Only the end of a
// context stays visible to errors.Is: the original could say more than its text.
type scrubbed struct {
	text string
	end  error
}

func (s scrubbed) Error() string { return s.text }
func (s scrubbed) Unwrap() error { return s.end }

// Scrub hides every secret in the text of err and makes it one line.
func Scrub(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	s := scrubbed{text: packet.OneLine(text)}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			s.end = end
		}
	}
	return s
}

// Complete completes an error with the step and the address. An ended context is
// what happened, whatever it looked like from inside.
func Complete(ctx context.Context, err error, step, at string) error {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Kind: ErrUnreachable, Err: Scrub(Plainly(err))}
	}
	if end := context.Cause(ctx); end != nil {
		e = &Error{Kind: ErrUnreachable, Err: ended(end)}
	}
	done := *e
	done.Step, done.At, done.repository = step, at, true
	return &done
}

func ended(end error) error {
	if errors.Is(end, context.DeadlineExceeded) {
		return scrubbed{text: "no answer in time", end: context.DeadlineExceeded}
	}
	return Scrub(end)
}
