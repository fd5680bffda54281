package cluster

import (
	"strings"
	"testing"
)

func TestAnAddressIsReadWholeOrNotAtAll(t *testing.T) {
	for text, want := range map[string]string{
		"etcd://b:2379,a/voice":          "etcd://a:2379,b:2379/voice",
		"etcd://10.0.0.1:1/a/b/":         "etcd://10.0.0.1:1/a/b",
		"etcds://[fd00::1]:2379,h/voice": "etcds://[fd00::1]:2379,h:2379/voice",
		"ETCD://h/voice":                 "etcd://h:2379/voice",
	} {
		p, err := Parse(text)
		if err != nil || p.Shown() != want {
			t.Errorf("%s: %s, %v", text, p.Shown(), err)
		}
	}
	for text, want := range map[string]string{
		"etcd://h":                                 "no PREFIX",
		"etcd://h/":                                "no PREFIX",
		"etcd:///voice":                            "HOST:PORT",
		"etcd://h,,g/voice":                        "HOST:PORT",
		"etcd://h,h:2379/voice":                    "twice",
		"etcd://user:secret@h/voice":               "userFile",
		"etcd://h/voice?x=1":                       "?",
		"etcd://h/a//b":                            "PREFIX",
		"etcd://h/../b":                            "PREFIX",
		"etcd://h/\x1b[31m":                        "PREFIX",
		"etcd://h:port/voice":                      "HOST:PORT",
		"http://h/voice":                           "etcd://",
		"etcd://a,b,c,d,e,f,g,h,i,j/voice":         "10 members",
		"etcd://a/" + strings.Repeat("x", 9) + " ": "space",
	} {
		if p, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v, want one with %q", text, p, err, want)
		}
	}
}

func TestAPasswordIsSentOverTLSOrNowhere(t *testing.T) {
	user := Access{UserFile: "/etc/u"}
	for address, want := range map[string]int{
		"etcd://10.0.0.1,127.0.0.1/v": 1, "etcd://127.0.0.1,localhost/v": 0, "etcds://10.0.0.1/v": 0,
	} {
		if got := Problems(address, "", user, nil); len(got) != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if got := Problems("etcd://10.0.0.1/v", "/etc/ca.pem", user, nil); len(got) != 0 {
		t.Error(got)
	}
	if got := Problems("etcd://10.0.0.1/v", "", Access{CertFile: "/c"}, nil); len(got) != 1 {
		t.Error(got)
	}
}
