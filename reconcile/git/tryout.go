package git

import (
	"context"
	"fmt"
	"time"
)

// DoctorRef returns the ref on which a node tries out whether it may push.
func DoctorRef(deployment, node string) string {
	return ownPrefix + refPart(deployment) + "/doctor/" + refPart(node)
}

// TryPush pushes a ref that nobody reads and takes it away again. The first error
// says that this node may not push, of the classes that PushClaim has; kept says
// that it may, and that the ref stayed behind because taking it away did not go
// through, which harms nothing.
func (r *Remote) TryPush(ctx context.Context, ref string, at time.Time) (kept, err error) {
	n := note{file: "doctor.txt", content: []byte("a push was tried out here\n"), author: "doctor", when: at, message: "try out a push\n"}
	o, err := n.objects()
	if err != nil {
		return nil, fmt.Errorf("encode the try: %w", err)
	}
	id, err := r.push(ctx, "try a push", update{}, func(now Refs) update {
		return update{ref: ref, old: now[ref], next: o.ID, objects: o.list()}
	})
	if err != nil {
		return nil, err
	}
	return r.remove(ctx, ref, id), nil
}

// remove deletes a ref that is still at a commit.
func (r *Remote) remove(ctx context.Context, ref, id string) error {
	_, err := r.push(ctx, "take the try away", update{ref: ref, old: id, next: noHash}, nil)
	return err
}
