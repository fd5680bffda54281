package webpage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"mainstay/cmd/mainstay/webpage/teller"
	"mainstay/reconcile/console/kept"
)

// folder makes the folder of --state, which nobody else may read, and names a file in
// it; empty where there is no such folder.
func (o *Options) folder(name string) (string, error) {
	if o.State == "" {
		return "", nil
	}
	if err := os.MkdirAll(o.State, 0o700); err != nil {
		return "", wrong{fmt.Errorf("make the folder of --state: %w", err), "name another one"}
	}
	return filepath.Join(o.State, name), nil
}

// orders opens the switches that people ask for at a time, nil where there is no folder
// or nobody may commit.
func (o *Options) orders() (*kept.Orders, error) {
	path, err := o.folder("orders")
	if err != nil || path == "" || !o.Allow {
		return nil, err
	}
	all, err := kept.OpenOrders(path)
	if err != nil {
		return nil, wrong{err, "name another folder with --state"}
	}
	return all, nil
}

// words opens what people say of what is wrong. A file that cannot be read costs the
// words in it, and is no reason not to show the page. Two pages with one folder would write
// over each other's words, so the second one keeps its own in memory.
func (o *Options) words() (*kept.Words, error) {
	path, err := o.folder("seen.json")
	if err != nil {
		return nil, err
	}
	if path != "" && !o.lock(path+".lock") {
		o.Log.Error("another page keeps its words in this folder: what people say on this one is lost when it ends; give each page a folder of its own", "state", o.State)
		path = ""
	}
	book, err := kept.OpenWords(path)
	if err != nil {
		o.Log.Error("what people said of what is wrong is lost", "error", err)
	}
	return book, nil
}

// lock makes this page the only one that writes a file, until the process ends. A disk that
// gives no lock stops nothing.
func (o *Options) lock(path string) bool {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			o.locks = append(o.locks, f)
			return true
		}
		_ = f.Close()
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false
	}
	o.Log.Warn("whether another page uses this folder is not known", "error", err)
	return true
}

// unlock lets another page have what this one had.
func (o *Options) unlock() {
	for _, f := range o.locks {
		_ = f.Close()
	}
}

// teller opens who tells people of what the page sees, nil where --alerts names nobody. Of two
// pages with one folder the first one tells, and the second one from when that has ended.
func (o *Options) teller() (*teller.Teller, error) {
	path, err := o.folder("alerts")
	if err != nil {
		return nil, err
	}
	alone := func() bool { return path == "" || o.lock(path+".lock") }
	return teller.Open(o.alerts, path, alone, o.Log)
}
