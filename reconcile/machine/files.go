package machine

import (
	"cmp"
	"context"
	"sync"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service/file"
	"mainstay/spec"
)

// driftEvery is how often a rendered file is compared with the disk when
// nothing asks for it.
const driftEvery = 10 * time.Second

// Files keeps the wanted files of a node. Comparing and rendering happen in a
// goroutine for each file, so that a disk that hangs delays nothing else.
type Files struct {
	parts *Parts
	// every is how often files are compared with the disk; zero is driftEvery.
	every time.Duration

	mu    sync.Mutex
	files []*fileJob
}

// NewFiles returns the files of this machine, none until they are configured.
func (p *Parts) NewFiles() *Files { return &Files{parts: p} }

// fileJob is one wanted file, what is known of it, and what is under way.
type fileJob struct {
	path   string
	driver *file.File
	render renderer
	cancel context.CancelFunc
	asked  chan struct{}
	done   chan struct{}
	// every is how often it is compared with the disk.
	every time.Duration

	mu      sync.Mutex
	serving spec.Side // the side the newest comparison was made for
	known   bool
	same    bool
	busy    bool
	err     string
}

// Configure says which files there are from now on.
func (f *Files) Configure(w *spec.Wanted, render renderer) error {
	if err := refused(f.parts.file.Allow, w); err != nil {
		return err
	}
	jobs := make([]*fileJob, len(w.Files))
	for i, want := range w.Files {
		d, err := file.New(want, f.parts.drivers.Units(), f.parts.file.Allow.Paths)
		if err != nil {
			return err
		}
		jobs[i] = &fileJob{path: want.Path, driver: d, render: render, asked: make(chan struct{}, 1), done: make(chan struct{}), every: cmp.Or(f.every, driftEvery)}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	before := map[string]*fileJob{}
	for _, j := range f.files {
		j.cancel()
		before[j.path] = j
	}
	f.files = jobs
	for _, j := range jobs {
		j.begin(f.parts.ctx, before[j.path], f.parts.wake)
	}
	return nil
}

// begin works on the file once an earlier document's work on it has ended: two
// must not replace one file at a time.
func (j *fileJob) begin(ctx context.Context, before *fileJob, wake func()) {
	ctx, j.cancel = context.WithCancel(ctx)
	go func() {
		defer close(j.done)
		if before != nil {
			<-before.done
		}
		j.run(ctx, wake)
	}()
}

// States compares the files with what they should be for a side. A comparison
// that has not been made yet counts as busy, so that nothing is rendered or
// believed before it was.
func (f *Files) States(serving spec.Side) []plan.FileState {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]plan.FileState, len(f.files))
	for i, j := range f.files {
		out[i] = j.state(serving)
	}
	return out
}

// Render begins to check, replace and reload file i.
func (f *Files) Render(i int, serving spec.Side) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i < len(f.files) {
		f.files[i].ask(serving)
	}
}

// ask begins to apply the file for a side.
func (j *fileJob) ask(s spec.Side) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.busy, j.serving = true, s
	j.poke()
}

func (j *fileJob) poke() {
	select {
	case j.asked <- struct{}{}:
	default:
	}
}

func (j *fileJob) state(serving spec.Side) plan.FileState {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.known || j.serving != serving {
		j.serving, j.known, j.same, j.err = serving, false, false, ""
		j.poke()
	}
	return plan.FileState{Path: j.path, Same: j.same, Busy: j.busy || !j.known, Err: j.err}
}

// run compares, and applies when asked to, until ctx ends.
func (j *fileJob) run(ctx context.Context, wake func()) {
	tick := time.NewTicker(j.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-j.asked:
		case <-tick.C:
		}
		if j.work(ctx) {
			wake()
		}
	}
}

// work does what is asked and reports whether anything changed by it.
func (j *fileJob) work(ctx context.Context) bool {
	j.mu.Lock()
	side, apply := j.serving, j.busy
	j.mu.Unlock()
	same, err := j.compare(ctx, side, apply)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.serving != side {
		return true // asked for another side meanwhile: that is still to come
	}
	changed := !j.known || j.same != same || apply
	j.known, j.same, j.busy = true, same, false
	switch {
	case err != nil:
		j.err = err.Error()
	case same:
		j.err = ""
	}
	return changed
}

// compare renders the file for a side, applies it if asked, and compares it.
func (j *fileJob) compare(ctx context.Context, side spec.Side, apply bool) (bool, error) {
	want, err := j.render(j.path, side)
	if err != nil {
		return false, err
	}
	if apply {
		if err := j.driver.Apply(ctx, want); err != nil {
			return false, err
		}
	}
	return j.driver.Observe(want)
}

// renderer returns the content of a wanted file for a serving side.
type renderer = func(path string, serving spec.Side) ([]byte, error)
