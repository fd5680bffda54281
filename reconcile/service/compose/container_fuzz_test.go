package compose

import (
	"encoding/json"
	"testing"

	api "github.com/moby/moby/api/types/container"

	"mainstay/e2e/attack"
	"mainstay/reconcile/plan"
)

// FuzzContainers reads what an engine may answer about the containers of a service:
// a service is down only if each of them was seen created, exited or dead (R2).
func FuzzContainers(f *testing.F) {
	f.Add([]byte(`[{"Id":"a","Name":"/x","State":{"Status":"running","Running":true,"Pid":7,"StartedAt":"2026-01-02T03:04:05Z","Health":{"Status":"unhealthy","Log":[{"ExitCode":1,"Output":"\u001b[2J"}]}}}]`))
	f.Add([]byte(`[{"State":{"Status":"exited","ExitCode":137,"OOMKilled":true,"FinishedAt":"0001-01-01T00:00:00Z"}},{"State":{"Status":"created","Error":"no such file"},"HostConfig":{"RestartPolicy":{"Name":"always"}}}]`))
	f.Add([]byte(`[{"State":{"Status":"removing"}},{"State":null},{}]`))
	f.Add([]byte(`[{"State":{"Status":"running"},"Config":{"Labels":{"com.docker.compose.project.config_files":",,a,/b","com.docker.compose.project.working_dir":"../.."}}}]`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		attack.Cheap(t, func() {
			var found []api.InspectResponse
			if json.Unmarshal(answer, &found) != nil {
				return
			}
			var all []container
			for _, r := range found {
				var labels map[string]string
				if r.Config != nil {
					labels = r.Config.Labels
				}
				all = append(all, readContainer(r, labels))
			}
			seen := stateOf(all)
			for _, c := range all {
				if down := map[string]bool{"created": true, "exited": true, "dead": true}[c.state]; !down && seen.Run.Down() {
					t.Errorf("%s with a container that is %q", seen.Run, c.state)
				}
			}
			if len(all) == 0 && seen.Run != plan.Stopped {
				t.Errorf("%s without a container", seen.Run)
			}
			if most := (maxDetails + 2) * (maxQuote + 200); len(all) > 0 && len(all[0].name) < 100 && len(seen.Unhealthy) > most+len(answer) {
				t.Errorf("%d bytes are quoted", len(seen.Unhealthy))
			}
		})
	})
}
