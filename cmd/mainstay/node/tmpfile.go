package node

import (
	"bytes"
	"context"
	"os"
	"os/exec"

	"errors"
	"mainstay/reconcile/service"
	"mainstay/spec"
)

type simple struct{ f spec.File }

func (s simple) Observe(w []byte) (bool, error) {
	b, err := os.ReadFile(s.f.Path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return bytes.Equal(b, w), err
}
func (s simple) Apply(ctx context.Context, w []byte) error {
	if err := os.WriteFile(s.f.Path, w, 0o644); err != nil {
		return err
	}
	if s.f.Reload != nil && len(s.f.Reload.Command) > 0 {
		return exec.CommandContext(ctx, s.f.Reload.Command[0], s.f.Reload.Command[1:]...).Run()
	}
	return nil
}
func (p *parts) fileDriver(f spec.File) (fileKeeper, error) { return simple{f}, nil }
func (p *parts) composeService(c spec.ComposeService) (service.Driver, error) {
	return nil, errors.New("compose: not yet")
}
