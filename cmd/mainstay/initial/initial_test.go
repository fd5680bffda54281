package initial

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/crypto/ssh"

	"mainstay/reconcile/git/signature"
	"mainstay/schema"
	"mainstay/spec"
)

// Whatever is chosen, the repository validates, every node has a file that allows
// what it should have, and no placeholder is left.
func TestEveryTemplateMakesAGoodRepository(t *testing.T) {
	for _, template := range Templates() {
		for _, ci := range Hosts() {
			t.Run(template+"/"+ci, func(t *testing.T) {
				tree := fstest.MapFS{}
				files, err := Files(Options{Template: template, Name: "lyon", Origin: "ssh://git@git.example.org/lyon.git", Folder: "/srv/lyon", Program: "/usr/bin/mainstay", CI: ci})
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range files {
					tree[f.Path] = &fstest.MapFile{Data: f.Content}
					if text := string(f.Content); strings.Contains(text, "@FOLDER@") || strings.HasSuffix(f.Path, ".yaml") && strings.Contains(text, "paris.git") {
						t.Errorf("%s was not filled in", f.Path)
					}
				}
				validates(t, tree)
			})
		}
	}
}

func validates(t *testing.T, tree fstest.MapFS) {
	t.Helper()
	d, problems := spec.LoadFrom("deployment.yaml", tree.ReadFile)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if d.Name != "lyon" {
		t.Errorf("the deployment is called %s", d.Name)
	}
	found, err := spec.Find(tree, ".")
	if err != nil {
		t.Fatal(err)
	}
	agents := 0
	for _, f := range found {
		if f.Kind != schema.Agent {
			continue
		}
		agents++
		a, problems := spec.LoadAgentFS(tree, f.Path)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		w, err := d.Want(a.Node)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range a.Allow.Refusals(w) {
			t.Errorf("%s: %v", filepath.Base(f.Path), r)
		}
	}
	if agents != len(d.Nodes) {
		t.Errorf("%d agents' files for %d nodes", agents, len(d.Nodes))
	}
}

// Two nodes may take each other's addresses, and whatever a node is allowed follows.
func TestAddressesAreFilledInEverywhere(t *testing.T) {
	o := Options{Template: "full", Name: "lyon", Origin: "ssh://git@git.example.org/lyon.git", CI: "none",
		Addresses: map[string]string{"xivo-main": "10.20.0.12", "xivo-standby": "10.20.0.11", "edge": "edge.example.org"}}
	files, err := Files(o)
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{}
	for _, f := range files {
		text[f.Path] = string(f.Content)
	}
	for path, want := range map[string]string{
		"deployment.yaml":         "xivo-main:    { role: xivo, side: main,    address: 10.20.0.12 }",
		"agent-xivo-main.yaml":    "[/usr/share/mainstay/xivo-replicate, 10.20.0.11]",
		"agent-xivo-standby.yaml": "[/usr/share/mainstay/xivo-replicate, 10.20.0.12]",
	} {
		if !strings.Contains(text[path], want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
	if !strings.Contains(text["deployment.yaml"], "edge.example.org") {
		t.Error("a name is not filled in")
	}
	for node, address := range map[string]string{"nobody": "10.0.0.1", "edge": "a b", "mds1": "10.0.0.1;reboot", "cc-main": "-oProxyCommand=x", "cc-standby": ""} {
		if wrongAddress(Options{Template: "full", Addresses: map[string]string{node: address}}) == nil {
			t.Errorf("%q is an address of %s", address, node)
		}
	}
	for _, address := range []string{"10.0.0.1", "2001:db8::1", "pbx.example.org", "pbx"} {
		if w := wrongAddress(Options{Template: "full", Addresses: map[string]string{"edge": address}}); w != nil {
			t.Errorf("%q: %s", address, w)
		}
	}
}

// Every node gets a key of its own, which signs what that node says and nothing else; no
// private key gets into the repository.
func TestEveryNodeIsFittedOut(t *testing.T) {
	for _, template := range Templates()[1:] {
		o := Options{Template: template, Name: "lyon", Origin: "ssh://git@git.example.org/lyon.git", CI: "none"}
		files, err := Files(o)
		if err != nil {
			t.Fatal(err)
		}
		repository, nodes, err := Fitted(o, files, "git.example.org ssh-ed25519 AAAA")
		if err != nil {
			t.Fatal(err)
		}
		tree, own := fstest.MapFS{}, map[string]File{}
		for _, f := range repository {
			tree[f.Path] = &fstest.MapFile{Data: f.Content}
			if strings.Contains(string(f.Content), "PRIVATE") {
				t.Errorf("%s: a private key is in %s", template, f.Path)
			}
		}
		validates(t, tree)
		for _, f := range nodes {
			own[f.Path] = f
		}
		d, _ := spec.LoadFrom("deployment.yaml", tree.ReadFile)
		list := string(tree["node_keys"].Data)
		for name, node := range d.Nodes {
			private, public := own[name+"/id_ed25519"], strings.TrimSpace(string(own[name+"/id_ed25519.pub"].Content))
			signer, err := ssh.ParsePrivateKey(private.Content)
			if err != nil || !private.Secret || !strings.HasPrefix(string(ssh.MarshalAuthorizedKey(signer.PublicKey())), strings.TrimSuffix(public, " "+name)) {
				t.Errorf("%s: the key of %s: %v", template, name, err)
			}
			line := "\nlyon/" + name + " " + public + "\n"
			if d.Roles[node.Role].Exclusive {
				line = "\nlyon/" + name + " claim=" + node.Role + "/" + string(node.Side) + " " + public + "\n"
			}
			if !strings.Contains(list, line) || string(own[name+"/node_keys"].Content) != list || !strings.Contains(string(own["authorized_keys"].Content), public) {
				t.Errorf("%s: nobody believes %s: %s", template, name, list)
			}
			if string(own[name+"/agent.yaml"].Content) != string(tree["agent-"+name+".yaml"].Data) || !strings.Contains(string(own[name+"/known_hosts"].Content), "git.example.org") {
				t.Errorf("%s: %s lacks a file", template, name)
			}
			if _, ok := own[name+"/xivo-units"]; ok != (node.Role == "xivo" && tree["xivo-units"] != nil) {
				t.Errorf("%s: %s and the list of units: %t", template, name, ok)
			}
		}
		file := filepath.Join(t.TempDir(), "node_keys")
		if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
			t.Fatal(err)
		}
		if keys, err := signature.ReadNodeKeys(file); err != nil || len(keys) != len(d.Nodes) {
			t.Errorf("%s: %d keys of %d nodes: %v", template, len(keys), len(d.Nodes), err)
		}
	}
}
