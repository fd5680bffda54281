package control

import (
	"errors"
	"net"
	"net/http"

	"mainstay/reconcile/ownhost"
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
		if local, is := r.Context().Value(http.LocalAddrContextKey).(net.Addr); is && loopback(local.String()) && !ownhost.Known(r.Host, names) {
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
