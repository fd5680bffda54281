//go:build e2e

package hosts

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

//go:embed web/main.go
var webSource []byte

// webImage makes sure that the image of the program in folder web is in the
// engine and returns its name. There is no image registry to take one from.
func webImage(ctx context.Context) (string, error) {
	sum := sha256.Sum256(webSource)
	name := repository + "web:" + hex.EncodeToString(sum[:6])
	if present(ctx, name) {
		return name, nil
	}
	folder, err := os.MkdirTemp("", "web-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	binary := filepath.Join(folder, "web")
	_, err = run(ctx, "env", "CGO_ENABLED=0", "go", "build", "-tags=e2e", "-trimpath", "-ldflags=-s -w",
		"-o", binary, "mainstay/e2e/hosts/web")
	if err != nil {
		return "", fmt.Errorf("build the web program: %w", err)
	}
	archive, err := onlyFile("web", binary)
	if err != nil {
		return "", err
	}
	_, err = runInput(ctx, archive, "docker", "import", "--change", `ENTRYPOINT ["/web"]`, "-", name)
	return name, err
}

// onlyFile is a tar archive of one program.
func onlyFile(name, path string) (*bytes.Buffer, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	archive := tar.NewWriter(&b)
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
		return nil, err
	}
	if _, err := archive.Write(content); err != nil {
		return nil, err
	}
	return &b, archive.Close()
}
