package node

import (
	"encoding/json"
	"net"
	"net/http"
)

func (n *Node) tmpServe() {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/status", func(w http.ResponseWriter, r *http.Request) {
		s, _ := n.Agent.Status()
		json.NewEncoder(w).Encode(map[string]any{"node": s})
	})
	mux.HandleFunc("/v1/notify", func(w http.ResponseWriter, r *http.Request) { n.Agent.Sync() })
	if l, err := net.Listen("unix", n.parts.file.Socket); err == nil {
		go http.Serve(l, mux)
	}
	if l, err := net.Listen("tcp", n.parts.file.Listen); err == nil {
		go http.Serve(l, mux)
	}
}
func (n *Node) Once() error { return nil }
