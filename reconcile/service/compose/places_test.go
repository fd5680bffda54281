package compose

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhereProjectsLieIsRememberedAcrossAgents(t *testing.T) {
	file := filepath.Join(t.TempDir(), "compose.json")
	want := place{Directory: "/srv/cc", Files: []string{"/srv/cc/a.yml"}, Environment: []string{"/srv/cc/env"}}
	newPlaces(slog.New(slog.DiscardHandler), file).learn("cc", want)
	got, ok := newPlaces(slog.New(slog.DiscardHandler), file).of("cc")
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Error(diff)
	}
}

func TestADamagedOrUnwritableMemoryStopsNothing(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "compose.json")
	for _, content := range []string{"", "null", "{", `["a"]`, `{"cc": 5}`} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		p := newPlaces(slog.New(slog.DiscardHandler), file)
		if _, ok := p.of("cc"); ok {
			t.Errorf("%q: a place was made up", content)
		}
		p.learn("cc", place{Directory: "/srv/cc"})
		if at, _ := p.of("cc"); at.Directory != "/srv/cc" {
			t.Errorf("%q: forgotten", content)
		}
	}
	nowhere := newPlaces(slog.New(slog.DiscardHandler), filepath.Join(folder, "missing", "compose.json"))
	nowhere.learn("cc", place{Directory: "/srv/cc"})
	if _, ok := nowhere.of("cc"); !ok {
		t.Error("forgotten because it could not be written")
	}
}

func TestNothingIsLearntFromAContainerThatSaysNothing(t *testing.T) {
	p := newPlaces(slog.New(slog.DiscardHandler), "")
	p.learn("cc", place{Directory: "/srv/cc"})
	p.learn("cc", placeOf(map[string]string{labelProject: "cc"}))
	if at, _ := p.of("cc"); at.Directory != "/srv/cc" {
		t.Errorf("%+v", at)
	}
}

func TestLabelsOfBothComposeProgramsGiveAbsoluteFiles(t *testing.T) {
	got := placeOf(map[string]string{labelDirectory: "/srv/cc", labelFiles: "a.yml,/etc/b.yml", labelEnvironment: "/srv/cc/.env"})
	want := place{Directory: "/srv/cc", Files: []string{"/srv/cc/a.yml", "/etc/b.yml"}, Environment: []string{"/srv/cc/.env"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
