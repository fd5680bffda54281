package etcd

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"mainstay/reconcile/git"
)

// number is a 64-bit number, which the gateway writes as text.
type number string

func (n number) value() uint64 { v, _ := strconv.ParseUint(string(n), 10, 64); return v }

type header struct {
	Cluster  string `json:"cluster_id"`
	Member   string `json:"member_id"`
	Revision number `json:"revision"`
}

type pair struct {
	Key   []byte `json:"key"`
	Value []byte `json:"value"`
}

type rangeRequest struct {
	Key     []byte `json:"key"`
	End     []byte `json:"range_end,omitempty"`
	Limit   int    `json:"limit,omitempty,string"`
	Order   string `json:"sort_order,omitempty"`
	Target  string `json:"sort_target,omitempty"`
	KeysAre bool   `json:"keys_only,omitempty"`
}

type rangeAnswer struct {
	Header header `json:"header"`
	Pairs  []pair `json:"kvs"`
	More   bool   `json:"more"`
}

// one is the value of a range over one key.
func (a *rangeAnswer) one() (value string, found bool) {
	if a == nil || len(a.Pairs) == 0 {
		return "", false
	}
	return string(a.Pairs[0].Value), true
}

type putRequest struct {
	Key   []byte `json:"key"`
	Value []byte `json:"value"`
}

type operation struct {
	Range *rangeRequest `json:"request_range,omitempty"`
	Put   *putRequest   `json:"request_put,omitempty"`
}

// compare is a condition of a transaction: a key has a value, or does not exist.
type compare struct {
	Result  string `json:"result"`
	Target  string `json:"target"`
	Key     []byte `json:"key"`
	Value   []byte `json:"value,omitempty"`
	Created string `json:"create_revision,omitempty"`
}

type txnRequest struct {
	Compare []compare   `json:"compare,omitempty"`
	Success []operation `json:"success,omitempty"`
	Failure []operation `json:"failure,omitempty"`
}

type txnAnswer struct {
	Header    header `json:"header"`
	Succeeded bool   `json:"succeeded"`
	Responses []struct {
		Range *rangeAnswer `json:"response_range"`
	} `json:"responses"`
}

// whole says why an answer is none to a transaction. One that says nothing is no
// "no".
func (a *txnAnswer) whole(in txnRequest) error {
	done := in.Failure
	if a.Succeeded {
		done = in.Success
	}
	if len(a.Responses) != len(done) {
		return errors.New("that is no answer to this transaction")
	}
	for i, r := range a.Responses {
		if done[i].Range != nil && (r.Range == nil || r.Range.Header.Revision == "") {
			return errors.New("that is no answer to this transaction")
		}
	}
	return nil
}

// answer is anything that a cluster answers. It is emptied before each member is
// asked: what one of them left out was not said by another.
type answer interface {
	from() header
	empty()
}

func (a *rangeAnswer) from() header { return a.Header }
func (a *rangeAnswer) empty()       { *a = rangeAnswer{} }
func (a *txnAnswer) from() header   { return a.Header }
func (a *txnAnswer) empty()         { *a = txnAnswer{} }

// The paths of the gateway.
const (
	pathRange   = "/v3/kv/range"
	pathTxn     = "/v3/kv/txn"
	pathStatus  = "/v3/maintenance/status"
	pathAlarms  = "/v3/maintenance/alarm"
	pathMembers = "/v3/cluster/member/list"
	pathWatch   = "/v3/watch"
	pathAuth    = "/v3/auth/authenticate"
)

// isAt is the condition that a head names a note, or that there is none.
func isAt(key, id string) compare {
	if id == "" {
		return compare{Result: "EQUAL", Target: "CREATE", Key: []byte(key), Created: "0"}
	}
	return compare{Result: "EQUAL", Target: "VALUE", Key: []byte(key), Value: []byte(id)}
}

func put(key, value string) operation {
	return operation{Put: &putRequest{Key: []byte(key), Value: []byte(value)}}
}

func get(key string) operation { return operation{Range: &rangeRequest{Key: []byte(key)}} }

// format begins every note, so that another one can come later.
const format = "mainstay note 1 "

// encode makes a note into one value that etcdctl shows as it is: a line with the
// length of the commit, the commit, and the file.
func encode(s git.Sheet) string {
	return format + strconv.Itoa(len(s.Commit)) + "\n" + s.Commit + s.File
}

// decode is the note of a ref in a value. Whether it is what it says is found out by
// whoever reads it.
func decode(ref, id, value string) (git.Sheet, error) {
	first, rest, found := strings.Cut(value, "\n")
	text, is := strings.CutPrefix(first, format)
	length, err := strconv.Atoi(text)
	if !found || !is || err != nil || length < 0 || length > len(rest) {
		return git.Sheet{}, fmt.Errorf("it does not begin with %q and a length", format)
	}
	return git.Sheet{ID: id, Ref: ref, Commit: rest[:length], File: rest[length:]}, nil
}
