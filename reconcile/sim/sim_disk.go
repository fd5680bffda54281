package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
)

var (
	errDiskFull = errors.New("no space left on device")
	errDamaged  = errors.New("damaged, set aside")
)

// disk is a machine's state folder. Values are kept as they are, since nobody
// changes one after saving it; a strict disk keeps JSON instead, as the real
// one does.
type disk struct {
	n      *node
	values map[string]any
	// damaged are the values that will not be readable.
	damaged map[string]bool
	full    bool
	// spare are the values that a full disk refused, until the machine's boot ends.
	spare  map[string]any
	strict bool
}

func newDisk(n *node) *disk {
	return &disk{n: n, values: map[string]any{}, damaged: map[string]bool{}, spare: map[string]any{}}
}

// copyTo makes a byte for byte copy, as cloning a machine does.
func (d *disk) copyTo(n *node) *disk {
	return &disk{n: n, values: maps.Clone(d.values), damaged: map[string]bool{}, spare: map[string]any{}, strict: d.strict}
}

// Save is part of reconcile.Disk.
func (d *disk) Save(name string, v any) error {
	d.n.touch()
	if d.strict {
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode %s: %w", name, err)
		}
		v = b
	}
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer {
		v = p.Elem().Interface()
	}
	if d.full {
		d.spare[name] = v
		return errDiskFull
	}
	d.values[name] = v
	delete(d.spare, name)
	delete(d.damaged, name)
	d.n.touch()
	return nil
}

// Load is part of reconcile.Disk.
func (d *disk) Load(name string, into any) error {
	v, spared := d.spare[name]
	if !spared {
		var ok bool
		if v, ok = d.values[name]; !ok {
			return fs.ErrNotExist
		}
	}
	if d.damaged[name] && !spared {
		delete(d.values, name)
		delete(d.damaged, name)
		return errDamaged
	}
	if b, ok := v.([]byte); ok && d.strict {
		return json.Unmarshal(b, into)
	}
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(v))
	return nil
}

// boot empties what a boot begins without.
func (d *disk) boot() { clear(d.spare) }

// peek is Load for whoever is not the agent: it sets nothing aside.
func (d *disk) peek(name string, into any) error {
	if _, spared := d.spare[name]; d.damaged[name] && !spared {
		return errDamaged
	}
	return d.Load(name, into)
}
