package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/api"
)

// A teller is a desk that says how far it has come with each of two messages.
type teller struct{ api.Desk }

func (teller) Messages(_ context.Context, q api.Query, fn func(api.Message) error) error {
	for at := range uint64(2) {
		if q.Progress != nil {
			q.Progress(api.Progress{At: at, Last: 2})
		}
		if err := fn(api.Message{ID: at + 1}); err != nil {
			return err
		}
	}
	return nil
}

// TestProgress asks for messages with and without a word on how far it has come.
func TestProgress(t *testing.T) {
	s := NewServer(teller{}, http.NotFoundHandler(), logrus.New())
	const told = `{"progress":{"at":0,"last":2}}` + "\n" + `{"id":1,`
	for query, want := range map[string]string{"": `{"id":1,`, "?progress=false": `{"id":1,`, "?progress=true": told} {
		w := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/api/v1/messages"+query, nil))
		body := w.Body.String()
		if !strings.HasPrefix(body, want) || strings.Count(body, `"id"`) != 2 || strings.Contains(body, "progress") != (query == "?progress=true") {
			t.Errorf("with %q comes %s, want two messages and %q at the beginning", query, body, want)
		}
	}
}
