package initial

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"mainstay/examples"
	"mainstay/schema"
	"mainstay/spec"
)

// Addresses are those of the nodes of an example, by the node's name; none for Local.
func Addresses(template string) map[string]string {
	d := described(template)
	if d == nil {
		return nil
	}
	addresses := map[string]string{}
	for name, node := range d.Nodes {
		addresses[name] = node.Address
	}
	return addresses
}

// described is the document of an example, nil for Local and for what is no template.
func described(template string) *spec.Deployment {
	if !slices.Contains(examples.Names(), template) {
		return nil
	}
	d, problems := spec.LoadFrom(path.Join(template, "deployment.yaml"), func(file string) ([]byte, error) { return fs.ReadFile(examples.FS(), file) })
	if len(problems) > 0 {
		return nil
	}
	return d
}

// addressed writes the nodes' own addresses in place of the example's, all at once: two
// nodes may well change places.
func (o Options) addressed(text string) string {
	instead := map[string]string{}
	for node, was := range Addresses(o.Template) {
		if now := o.Addresses[node]; now != "" {
			instead[was] = now
		}
	}
	if len(instead) == 0 {
		return text
	}
	return exampleAddress.ReplaceAllStringFunc(text, func(was string) string {
		if now, ok := instead[was]; ok {
			return now
		}
		return was
	})
}

var (
	exampleAddress = regexp.MustCompile(`\b10(\.[0-9]{1,3}){3}\b`)
	hostName       = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)
)

// toEdit says what a person has to fill in first.
func toEdit(o Options) string {
	for node := range Addresses(o.Template) {
		if o.Addresses[node] == "" {
			return "the names and addresses under nodes"
		}
	}
	return "what is different on your site"
}

// Next are the three that come next.
func Next(dir string, o Options) []string {
	if o.Template == Local {
		return []string{
			"cd " + dir,
			"for n in a b; do mainstay agent --config agent-$n.yaml 2>$n.log & done",
			"mainstay failover --to main    # waits until main serves",
		}
	}
	next := []string{"cd " + dir, "$EDITOR deployment.yaml    # " + toEdit(o), "mainstay validate"}
	if o.Origin == "" {
		next[2] += " && git remote add origin … && git push -u origin main"
	}
	return next
}

// OfNodes are the questions that follow from the template: an address for each node,
// and where their own files go.
func OfNodes(o *Options, nodes *string) []Question {
	known := Addresses(o.Template)
	if len(known) == 0 {
		return []Question{{Flag: "address", Wrong: func() *Wrong { return wrongAddress(*o) }, Said: true}}
	}
	if o.Addresses == nil {
		o.Addresses = map[string]string{}
	}
	var questions []Question
	for _, node := range slices.Sorted(maps.Keys(known)) {
		address, said := o.Addresses[node]
		if !said {
			address = known[node]
		}
		answer := &address
		questions = append(questions, Question{"address", "What is the address of " + node + "?", answer, func() *Wrong {
			if *answer != known[node] || said {
				o.Addresses[node] = *answer
			}
			return wrongAddress(*o)
		}, said})
	}
	return append(questions, Question{"nodes", "Where do the nodes' own files go, with new keys (empty: nowhere)?", nodes, func() *Wrong { return wrongAddress(*o) }, false})
}

// wrongAddress wants an address for each node that has one in the example.
func wrongAddress(o Options) *Wrong {
	known := Addresses(o.Template)
	nodes := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
	for _, node := range slices.Sorted(maps.Keys(o.Addresses)) {
		address := o.Addresses[node]
		_, err := netip.ParseAddr(address)
		switch {
		case known[node] == "" && len(known) == 0:
			return wrong("leave --address out", "the template %s has no node with an address to fill in", o.Template)
		case known[node] == "":
			return wrong("use "+nodes, "the template %s has no node %q", o.Template, node)
		case err != nil && (len(address) > 253 || !hostName.MatchString(address)):
			return wrong("give an IP address or a host name", "%q is no address of %s", address, node)
		}
	}
	return nil
}

// Check says what is wrong with the repository as it would be written.
func Check(files []File) []schema.Problem {
	at := map[string][]byte{}
	for _, f := range files {
		at[f.Path] = f.Content
	}
	_, problems := spec.LoadFrom("deployment.yaml", func(file string) ([]byte, error) {
		if text, ok := at[file]; ok {
			return text, nil
		}
		return nil, fs.ErrNotExist
	})
	for _, f := range files {
		if strings.HasPrefix(f.Path, "agent-") {
			_, more := spec.LoadAgentFile(f.Path, f.Content)
			problems = append(problems, more...)
		}
	}
	return problems
}

// keyPair is a new key of one node.
type keyPair struct {
	private []byte
	public  string // as authorized_keys has it
}

func newKey(node string) (keyPair, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return keyPair{}, err
	}
	block, err := ssh.MarshalPrivateKey(private, node)
	if err != nil {
		return keyPair{}, err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return keyPair{}, err
	}
	return keyPair{pem.EncodeToMemory(block), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " " + node}, nil
}

// Fitted makes, from the files of a repository, what belongs into /etc/mainstay of each
// node, a folder for each: its agent's file, a new key, every node's public key, what the
// programs of a XiVO read, and the line that pins the server's key, when it is known. The list of public keys replaces the
// one in the repository. authorized_keys is for the git server.
func Fitted(o Options, files []File, hostKey string) (repository, nodes []File, err error) {
	d := described(o.Template)
	if d == nil {
		return nil, nil, fmt.Errorf("the template %s has no nodes with files of their own", o.Template)
	}
	var believed, admitted strings.Builder
	keys := map[string]keyPair{}
	for _, name := range d.NodeNames() {
		if keys[name], err = newKey(name); err != nil {
			return nil, nil, fmt.Errorf("make a key for %s: %w", name, err)
		}
		claim := ""
		if node := d.Nodes[name]; node.Side != "" && d.Roles[node.Role].Exclusive {
			claim = fmt.Sprintf(" claim=%s/%s", node.Role, node.Side)
		}
		fmt.Fprintf(&believed, "%s/%s%s %s\n", o.Name, name, claim, keys[name].public)
		fmt.Fprintln(&admitted, keys[name].public)
	}
	list := File{Path: "node_keys"}
	for _, f := range files {
		if f.Path == list.Path {
			list.Content = f.Content
		}
	}
	head, _, _ := bytes.Cut(list.Content, []byte("\n#\n"))
	list.Content = append(append(head, '\n'), believed.String()...)
	for _, f := range files {
		if f.Path == list.Path {
			f = list
		}
		repository = append(repository, f)
		if node, ok := strings.CutPrefix(strings.TrimSuffix(f.Path, ".yaml"), "agent-"); ok && keys[node].private != nil {
			nodes = append(nodes, File{Path: node + "/agent.yaml", Content: f.Content, Secret: true})
		}
		if !strings.HasPrefix(f.Path, "xivo-") {
			continue
		}
		for _, name := range d.NodeNames() {
			if d.Nodes[name].Role == "xivo" {
				nodes = append(nodes, File{Path: name + "/" + f.Path, Content: f.Content})
			}
		}
	}
	for _, name := range d.NodeNames() {
		nodes = append(nodes, File{Path: name + "/id_ed25519", Content: keys[name].private, Secret: true},
			File{Path: name + "/id_ed25519.pub", Content: []byte(keys[name].public + "\n")}, File{Path: name + "/node_keys", Content: list.Content})
		if hostKey != "" {
			nodes = append(nodes, File{Path: name + "/known_hosts", Content: []byte(hostKey + "\n")})
		}
	}
	nodes = append(nodes, File{Path: "authorized_keys", Content: []byte(admitted.String())})
	slices.SortFunc(nodes, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return repository, nodes, nil
}
