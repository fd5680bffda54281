package doctor

import (
	"context"

	"mainstay/reconcile/doctor/driven"
	"mainstay/spec"
)

// services looks at every service as the agent does.
func (e *examiner) services(ctx context.Context, w *spec.Wanted) {
	driven.Services(ctx, w, e.log, ofServices{e})
}

// ofServices takes findings on services.
type ofServices struct{ *examiner }

func (e ofServices) OK(text string)       { e.ok("services", "%s", text) }
func (e ofServices) Warn(text, do string) { e.warn("services", text, do) }
func (e ofServices) Fail(text, do string) { e.fail("services", text, do) }
