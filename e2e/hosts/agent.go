//go:build e2e

package hosts

import (
	"testing"
)

// agentUnit runs the agent as a service of the host until a package brings the
// real unit.
const agentUnit = `[Unit]
Description=mainstay agent
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/bin/mainstay agent --config /etc/mainstay/agent.yaml
Restart=always
RestartSec=1
RuntimeDirectory=mainstay
RuntimeDirectoryPreserve=yes
StateDirectory=mainstay

[Install]
WantedBy=multi-user.target
`

// AgentUnit is the name of the agent's unit.
const AgentUnit = "mainstay.service"

// GuardUnit is the name of the unit of the guard beside it, which only the package
// brings.
const GuardUnit = "mainstay-guard.service"

// InstallAgent installs the agent's program and its files (path on the host to
// content, for example /etc/mainstay/agent.yaml) and makes it a service that is
// started now and at every boot.
func (h *Host) InstallAgent(t testing.TB, binary string, files map[string]string) {
	t.Helper()
	if err := h.Copy(t.Context(), binary, "/usr/bin/mainstay"); err != nil {
		t.Fatalf("install the agent on %s: %v", h.name, err)
	}
	for path, content := range files {
		if err := h.Write(t.Context(), path, []byte(content), 0o600); err != nil {
			t.Fatalf("install %s on %s: %v", path, h.name, err)
		}
	}
	h.Put(t, "/etc/systemd/system/"+AgentUnit, agentUnit)
	h.Must(t, "systemctl", "daemon-reload")
	h.Must(t, "systemctl", "--quiet", "enable", "--now", AgentUnit)
}
