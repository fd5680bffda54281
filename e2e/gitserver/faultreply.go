package gitserver

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
)

// carryOut runs a request to its end, whether or not the client stays, and
// returns the reply nobody has seen yet.
func carryOut(r *http.Request, next http.Handler) *httptest.ResponseRecorder {
	reply := httptest.NewRecorder()
	next.ServeHTTP(reply, r.WithContext(context.WithoutCancel(r.Context())))
	return reply
}

// half sends the first half of a reply under the length of the whole.
func half(w http.ResponseWriter, reply *httptest.ResponseRecorder) {
	whole := reply.Body.Len()
	reply.Header().Set("Content-Length", strconv.Itoa(whole))
	reply.Body.Truncate(whole / 2)
	send(w, reply)
	panic(http.ErrAbortHandler)
}

func send(w http.ResponseWriter, reply *httptest.ResponseRecorder) {
	for name, values := range reply.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(reply.Code)
	if _, err := w.Write(reply.Body.Bytes()); err != nil {
		panic(http.ErrAbortHandler)
	}
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush()
	}
}
