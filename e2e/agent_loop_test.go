//go:build e2e

package e2e

import (
	"encoding/json"
	"strings"
	"testing"
)

// endsARestartLoop gives a contact centre a container that dies as soon as the
// engine starts it, which the engine does again and again. The operator reads
// that, and the container comes back once its file is mended.
func endsARestartLoop(t *testing.T, s *site) {
	cc, project := s.nodes["cc-main"], s.projects["cc-main"]
	seq := s.awaitStatus("cc-main", "Active").Seq
	good := cc.Must(t, "cat", project.File)
	cc.Put(t, project.File, looping(t, good, "xuc"))
	container{"/var/run/docker.sock", project.Containers(t, "xuc")[0]}.kill(t)
	r := s.awaitStatus("cc-main", "Failed")
	for _, want := range []string{"xuc is down", "the engine starts it again and again", "its process ended with exit code 1"} {
		if !strings.Contains(r.Reason, want) {
			t.Errorf("the reason does not say %q: %q", want, r.Reason)
		}
	}
	if got := cc.Must(t, "docker", "ps", "--filter", "label=com.docker.compose.project="+project.Name, "--format", "{{.Status}}"); !strings.HasPrefix(got, "Restarting (1)") {
		t.Errorf("the engine says %q", got)
	}
	cc.Put(t, project.File, good)
	timed(t, "from the mended file, xuc is Active after", func() { r = s.awaitStatus("cc-main", "Active") })
	if r.Seq != seq {
		t.Errorf("healing went from claim %d to %d (R3: it needs none)", seq, r.Seq)
	}
	s.wantServing(t, "main")
}

// looping is a Compose file whose service ends with exit code 1 and is started
// again by the engine.
func looping(t *testing.T, text, service string) string {
	t.Helper()
	var file map[string]any
	decode(t, text, &file)
	definition := file["services"].(map[string]any)[service].(map[string]any)
	definition["restart"] = "always"
	definition["command"] = []string{"-check", "http://127.0.0.1:1/"}
	out, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
