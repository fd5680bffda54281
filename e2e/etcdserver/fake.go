package etcdserver

import (
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Fake is a cluster of one member in memory.
type Fake struct {
	mu       sync.Mutex
	values   map[string]row
	revision int
	events   []event
	changed  chan struct{}
	// Cluster is its ID, and Members how many it says it has.
	cluster string
	members int
}

type row struct {
	value             string
	created, modified int
}

type event struct {
	revision   int
	key, value string
}

// NewFake returns an empty cluster that says it has so many members.
func NewFake(members int) *Fake {
	return &Fake{values: map[string]row{}, revision: 1, changed: make(chan struct{}), cluster: "7001", members: members}
}

// Serve serves it on loopback until the test ends, and returns host:port. Middleware
// sees every request first.
func (f *Fake) Serve(t testing.TB, wrap ...func(http.Handler) http.Handler) string {
	t.Helper()
	var h http.Handler = f
	for _, w := range slices.Backward(wrap) {
		h = w(h)
	}
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.Listener.Addr().String()
}

// Get is the value of a key, empty for none.
func (f *Fake) Get(key string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.values[key].value
}

// Keys lists the keys that begin with a prefix.
func (f *Fake) Keys(prefix string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, key := range slices.Sorted(maps.Keys(f.values)) {
		if strings.HasPrefix(key, prefix) {
			out = append(out, key)
		}
	}
	return out
}

// Put sets a key, and Delete takes it away.
func (f *Fake) Put(key, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revision++
	f.put(key, value)
}

// Delete takes a key away.
func (f *Fake) Delete(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revision++
	delete(f.values, key)
}

// Snapshot keeps what there is, and returns what brings it back, revisions and all, as
// another cluster.
func (f *Fake) Snapshot() (restore func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	values, revision := maps.Clone(f.values), f.revision
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.values, f.revision, f.events = maps.Clone(values), revision, nil
		id, _ := strconv.Atoi(f.cluster)
		f.cluster = strconv.Itoa(id + 1)
	}
}

func (f *Fake) put(key, value string) {
	r := f.values[key]
	if r.created == 0 {
		r.created = f.revision
	}
	r.value, r.modified = value, f.revision
	f.values[key] = r
	f.events = append(f.events, event{f.revision, key, value})
	close(f.changed)
	f.changed = make(chan struct{})
}

type request struct {
	Key     []byte `json:"key"`
	End     []byte `json:"range_end"`
	Limit   int    `json:"limit,string"`
	Order   string `json:"sort_order"`
	Value   []byte `json:"value"`
	Created string `json:"create_revision"`
	Target  string `json:"target"`
	Result  string `json:"result"`
}

type step struct {
	Range *request `json:"request_range"`
	Put   *request `json:"request_put"`
}

type object = map[string]any

// ServeHTTP answers as the gateway of a member does.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		return
	}
	if r.URL.Path == "/v3/watch" {
		f.watch(w, r, body)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.URL.Path {
	case "/v3/kv/range":
		var in request
		if json.Unmarshal(body, &in) == nil {
			say(w, f.find(&in))
		}
	case "/v3/kv/txn":
		f.transact(w, body)
	case "/v3/cluster/member/list":
		list := make([]object, f.members)
		for i := range list {
			list[i] = object{"ID": strconv.Itoa(i + 1), "name": "fake"}
		}
		say(w, object{"header": f.header(), "members": list})
	case "/v3/maintenance/status":
		say(w, object{"header": f.header(), "version": "3.4.0", "dbSize": "20480", "leader": "1"})
	case "/v3/maintenance/alarm":
		say(w, object{"header": f.header()})
	default:
		http.NotFound(w, r)
	}
}

func (f *Fake) header() object {
	return object{"cluster_id": f.cluster, "member_id": "1", "revision": strconv.Itoa(f.revision)}
}

func (f *Fake) transact(w http.ResponseWriter, body []byte) {
	var in struct {
		Compare []request `json:"compare"`
		Success []step    `json:"success"`
		Failure []step    `json:"failure"`
	}
	if json.Unmarshal(body, &in) != nil {
		http.Error(w, `{"message":"no transaction","code":3}`, http.StatusBadRequest)
		return
	}
	met := !slices.ContainsFunc(in.Compare, func(c request) bool { return !f.meets(c) })
	steps := in.Success
	if !met {
		steps = in.Failure
	}
	wrote := false
	responses := []object{}
	for _, s := range steps {
		switch {
		case s.Range != nil:
			responses = append(responses, object{"response_range": f.find(s.Range)})
		case s.Put != nil:
			if !wrote {
				f.revision, wrote = f.revision+1, true
			}
			f.put(string(s.Put.Key), string(s.Put.Value))
			responses = append(responses, object{"response_put": object{"header": f.header()}})
		}
	}
	say(w, object{"header": f.header(), "succeeded": met, "responses": responses})
}

func (f *Fake) meets(c request) bool {
	r, found := f.values[string(c.Key)]
	if c.Target == "CREATE" && c.Result == "GREATER" {
		return r.created > 0 && c.Created == "0"
	}
	if c.Target == "CREATE" {
		return strconv.Itoa(r.created) == c.Created
	}
	return found && r.value == string(c.Value)
}

func (f *Fake) find(in *request) object {
	var rows []object
	keys := slices.Sorted(maps.Keys(f.values))
	if in.Order == "DESCEND" {
		slices.Reverse(keys)
	}
	more := false
	for _, key := range keys {
		if !covers(in, key) {
			continue
		}
		if in.Limit > 0 && len(rows) == in.Limit {
			more = true
			break
		}
		rows = append(rows, object{"key": []byte(key), "value": []byte(f.values[key].value),
			"mod_revision": strconv.Itoa(f.values[key].modified)})
	}
	return object{"header": f.header(), "kvs": rows, "more": more}
}

func covers(in *request, key string) bool {
	if len(in.End) == 0 {
		return key == string(in.Key)
	}
	return key >= string(in.Key) && key < string(in.End)
}

func say(w http.ResponseWriter, o object) { _ = json.NewEncoder(w).Encode(o) }

// watch streams the events of a range of keys.
func (f *Fake) watch(w http.ResponseWriter, r *http.Request, body []byte) {
	var in struct {
		Create request `json:"create_request"`
	}
	if json.Unmarshal(body, &in) != nil {
		return
	}
	f.mu.Lock()
	next := f.revision
	first := object{"result": object{"header": f.header(), "created": true}}
	f.mu.Unlock()
	for answer := first; ; {
		say(w, answer)
		w.(http.Flusher).Flush()
		if answer, next = f.after(r, &in.Create, next); answer == nil {
			return
		}
	}
}

// after waits for events after a revision.
func (f *Fake) after(r *http.Request, in *request, since int) (object, int) {
	for {
		f.mu.Lock()
		var found []object
		for _, e := range f.events {
			if e.revision > since && covers(in, e.key) {
				found = append(found, object{"kv": object{"key": []byte(e.key), "value": []byte(e.value)}})
			}
		}
		now, changed, header := f.revision, f.changed, f.header()
		f.mu.Unlock()
		if len(found) > 0 {
			return object{"result": object{"header": header, "events": found}}, now
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return nil, now
		}
	}
}
