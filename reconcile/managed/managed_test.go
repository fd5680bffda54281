package managed

import (
	"encoding/json"
	"errors"
	"io/fs"
	"testing"

	"mainstay/spec"
	"mainstay/spec/floating"
)

// What is the same on the machine is one, whatever a document says of it by now: it is not
// stopped beside itself.
func TestWhatIsTheSameOnTheMachineIsNotLeftBehind(t *testing.T) {
	address := func(at, ip string) spec.Service {
		return spec.Service{Name: "x", Address: &floating.Address{Interface: at, IP: ip}}
	}
	once := func(program string) spec.Service {
		return spec.Service{Name: "x", Run: &spec.RunService{OnStart: []string{program}}}
	}
	renamed := address("eth0", "10.20.0.10/24")
	renamed.Name = "y"
	for name, c := range map[string]struct {
		before, now spec.Service
		left        int
	}{
		"an address on another interface":          {address("eth0", "10.20.0.10/24"), address("eth1", "10.20.0.10/24"), 0},
		"an address with another length":           {address("eth0", "10.20.0.10/24"), address("eth0", "10.20.0.10/25"), 0},
		"an address under another name":            {address("eth0", "10.20.0.10/24"), renamed, 0},
		"an address in another spelling":           {address("eth0", "2001:db8:0::10/64"), address("eth0", "2001:DB8::10/64"), 0},
		"another address":                          {address("eth0", "10.20.0.10/24"), address("eth0", "10.20.0.11/24"), 1},
		"an address that became a command":         {address("eth0", "10.20.0.10/24"), once("a"), 1},
		"another command around a switch":          {once("a"), once("b"), 0},
		"a command under another name":             {once("a"), spec.Service{Name: "y", Run: &spec.RunService{OnStart: []string{"a"}}}, 1},
		"a command around a switch that is a unit": {once("a"), spec.Service{Name: "x", Systemd: "x.service"}, 1},
	} {
		want := func(s spec.Service) *spec.Wanted {
			return &spec.Wanted{Deployment: "d", Node: "n", Services: []spec.Service{s}}
		}
		if got := New(New(nil, want(c.before)), want(c.now)).Gone; len(got) != c.left {
			t.Errorf("%s: %+v is left, want %d", name, got, c.left)
		}
	}
}

// torn is a disk that sets a damaged value aside when it is asked for it, and knows that.
type torn struct{ values, aside map[string]string }

func (d *torn) Save(name string, v any) error {
	b, err := json.Marshal(v)
	d.values[name] = string(b)
	return err
}

func (d *torn) Load(name string, v any) error {
	text, there := d.values[name]
	if !there {
		return fs.ErrNotExist
	}
	err := json.Unmarshal([]byte(text), v)
	if err != nil {
		d.aside[name] = text
		delete(d.values, name)
	}
	return err
}

func (d *torn) Forgot(name string) (bool, error) {
	_, there := d.values[name]
	return d.aside[name] != "" && !there, nil
}

// A guard asks again and again: that what was damaged is set aside by the first look does not
// make it something that nobody ever managed (R7).
func TestARecordThatWasDamagedIsNotOneThatNeverWas(t *testing.T) {
	d := &torn{map[string]string{}, map[string]string{}}
	if _, err := Services(d); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("on a new disk: %v", err)
	}
	d.values[file], d.values[fileCopy] = "{", "{"
	for i := range 3 {
		if all, err := Services(d); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("look %d: %v, %v", i, all, err)
		}
	}
	if err := errors.Join(d.Save(file, Record{Node: "a"}), d.Save(fileCopy, Record{Node: "a"})); err != nil {
		t.Fatal(err)
	}
	if _, err := Services(d); err != nil {
		t.Errorf("written again: %v", err)
	}
}
