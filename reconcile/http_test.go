package reconcile

import (
	"net/http"
	"net/http/httptest"
	"strings"
)

func newAnswer() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func newOrder(path, body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
}
