package ownhost

import "testing"

func TestANameThatNobodyGaveIsNotKnown(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1:8080": true, "[::1]:8080": true, "localhost": true, "LOCALHOST.:80": true, "": true, "page.example.org:443": true, "Page.Example.Org.": true,
		"evil.example:8080": false, "page.example.org.evil.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "127.1": false, ".": false, ":80": false, "[]": false, "page.example.org@evil.example": false,
	} {
		if got := Known(host, []string{"page.example.org"}); got != want {
			t.Errorf("%q: known %v, want %v", host, got, want)
		}
	}
}
