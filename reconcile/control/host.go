package control

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
)

// errOtherHost is of a request that came to a loopback address under a name that is
// not this machine's.
var errOtherHost = errors.New("this address is asked under a name that is not this machine's")

// ownHost refuses what a browser on this machine was made to ask: a page of
// somebody's domain whose name has come to mean a loopback address. An address
// cannot be made to mean another one. Who asks over the network needs no browser for
// that, and may use any name.
func ownHost(next http.Handler, names ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if local, is := r.Context().Value(http.LocalAddrContextKey).(net.Addr); is && loopback(local.String()) && !knownHost(r.Host, names) {
			writeError(w, http.StatusMisdirectedRequest, errOtherHost)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

func knownHost(host string, names []string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	return host == "" || host == "localhost" || net.ParseIP(host) != nil ||
		slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, host) })
}
