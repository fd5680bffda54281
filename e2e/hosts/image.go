//go:build e2e

package hosts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// cacheFolder keeps built root file systems and downloaded packages.
const cacheFolder = "/var/cache/mainstay-e2e"

// buildBound is the longest one image may take to build.
const buildBound = 15 * time.Minute

// repository begins the names of the harness's images.
const repository = "mainstay-e2e/"

// Prepare makes sure that these images are in the engine, builds those that
// are not, all at once, and says how long each took. Several processes may
// call it at the same time.
func Prepare(ctx context.Context, say func(format string, args ...any), images ...Image) error {
	results := make(chan error, len(images)+1)
	build := func(name string, ensure func() (string, error)) {
		began := time.Now()
		_, err := ensure()
		say("image %-9s %6.1f s\n", name, time.Since(began).Seconds())
		results <- err
	}
	for _, image := range images {
		go build(string(image), func() (string, error) { return ensure(ctx, image) })
	}
	go build("web", func() (string, error) { return webImage(ctx) })
	var problems []error
	for range cap(results) {
		problems = append(problems, <-results)
	}
	return errors.Join(problems...)
}

// ensure returns the full name of an image that is in the engine.
func ensure(ctx context.Context, image Image) (string, error) {
	r, err := recipes(image)
	if err != nil {
		return "", err
	}
	name := repository + string(image) + ":" + r.hash()
	if present(ctx, name) {
		return name, nil
	}
	unlock, err := lock(filepath.Join(cacheFolder, string(image)+".lock"))
	if err != nil {
		return "", fmt.Errorf("lock image %s: %w", image, err)
	}
	defer unlock()
	if present(ctx, name) {
		return name, nil
	}
	ctx, cancel := context.WithTimeout(ctx, buildBound)
	defer cancel()
	archive := filepath.Join(cacheFolder, string(image)+"-"+r.hash()+".tar")
	if err := r.archive(ctx, archive); err != nil {
		return "", fmt.Errorf("build image %s: %w", image, err)
	}
	if err := load(ctx, archive, name); err != nil {
		return "", fmt.Errorf("import image %s: %w", image, err)
	}
	return name, forgetOthers(ctx, image, r.hash())
}

func present(ctx context.Context, name string) bool {
	_, err := docker(ctx, "image", "inspect", "--format", "{{.Id}}", name)
	return err == nil
}

func load(ctx context.Context, archive, name string) error {
	_, err := run(ctx, "docker", "import", "--change", fmt.Sprintf("CMD [%q]", entryPath), archive, name)
	return err
}

// archive leaves the root file system of a recipe in a tar file, if it is not
// there already.
func (r recipe) archive(ctx context.Context, file string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	root, err := os.MkdirTemp(cacheFolder, "root-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	if err := r.bootstrap(ctx, root); err != nil {
		return err
	}
	if err := r.finish(ctx, root); err != nil {
		return err
	}
	partial := file + ".partial"
	if _, err := run(ctx, "tar", "--one-file-system", "-C", root, "-cf", partial, "."); err != nil {
		return err
	}
	return os.Rename(partial, file)
}

func (r recipe) bootstrap(ctx context.Context, root string) error {
	mirror, err := debianMirror(ctx)
	if err != nil {
		return fmt.Errorf("find the machine's Debian mirror: %w", err)
	}
	packages := filepath.Join(cacheFolder, "packages-"+r.suite)
	if err := os.MkdirAll(packages, 0o755); err != nil {
		return err
	}
	_, err = run(ctx, "debootstrap", "--variant=minbase", "--cache-dir="+packages,
		"--include="+strings.Join(r.packages, ","), r.suite, root, mirror)
	return err
}

// finish makes a root file system a host that many can be made from.
func (r recipe) finish(ctx context.Context, root string) error {
	entry := filepath.Join(root, entryPath)
	if err := os.WriteFile(entry, []byte(entryScript), 0o755); err != nil {
		return err
	}
	// An empty file makes every host choose a machine id of its own.
	if err := os.WriteFile(filepath.Join(root, "etc/machine-id"), nil, 0o444); err != nil {
		return err
	}
	for _, unit := range r.disable {
		if _, err := run(ctx, "chroot", root, "systemctl", "disable", unit); err != nil {
			return err
		}
	}
	// The last one would give every host the identity of the image.
	for _, waste := range []string{"var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "var/lib/dbus/machine-id"} {
		if err := os.RemoveAll(filepath.Join(root, waste)); err != nil {
			return err
		}
	}
	return nil
}

// forgetOthers removes what older recipes of an image left.
func forgetOthers(ctx context.Context, image Image, hash string) error {
	old, err := docker(ctx, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository+string(image))
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(old) {
		if !strings.HasSuffix(name, hash) {
			// An image that a host still runs from stays until next time.
			docker(ctx, "image", "rm", name)
		}
	}
	files, err := filepath.Glob(filepath.Join(cacheFolder, string(image)+"-*.tar"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if !strings.HasSuffix(file, hash+".tar") {
			os.Remove(file)
		}
	}
	return nil
}
