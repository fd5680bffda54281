package control

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mainstay/e2e/attack"
)

// taken carries out no order, and says whether one was believed.
func taken[T interface{ check() error }](believed *bool) http.HandlerFunc {
	return order(func(_ context.Context, r T) (Answer, error) {
		err := r.check()
		*believed = err == nil
		return Answer{Message: "done"}, err
	})
}

// pauses makes the check of a pause like those of the others.
type pauses struct{ PauseRequest }

func (p pauses) check() error {
	_, err := p.PauseRequest.check()
	return err
}

// FuzzOrder sends bodies to the control socket: an order is carried out only if the
// body is one JSON value without a word that the order does not have.
func FuzzOrder(f *testing.F) {
	for i, body := range []string{
		`{"reason":"r","for":"1h"}`, `{"end":true}`, `{"commit":"abcdef1"}`, `{"attest":"standby is off, I stand beside it"}`,
		``, `null`, `[]`, `{"end":true}{"end":false}`, `{"end":true} x`, `{"reason":"r","for":"9999h"}`, `{"END":true}`, `{"claim":true,"claim":false,"commit":""}`,
	} {
		f.Add(uint8(i), []byte(body))
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		attack.Cheap(t, func() {
			var believed bool
			handlers := []http.HandlerFunc{taken[pauses](&believed), taken[DrainRequest](&believed), taken[AcceptRequest](&believed), taken[TakeoverRequest](&believed)}
			answer := httptest.NewRecorder()
			handlers[int(which)%len(handlers)](answer, httptest.NewRequest(http.MethodPost, "/v1/order", bytes.NewReader(body)))
			if believed != (answer.Code == http.StatusOK) {
				t.Errorf("%q: %d", body, answer.Code)
			}
			if believed && !json.Valid(body) {
				t.Errorf("%q is carried out", body)
			}
			if !json.Valid(answer.Body.Bytes()) || strings.Count(answer.Body.String(), "\n") != 1 {
				t.Errorf("%q is answered with %q", body, answer.Body)
			}
		})
	})
}
