package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/access"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// TestCallerIsKnown wants handlers to learn who asks: of an open server nobody by name, who
// may do everything, and of another one the owner of the token.
func TestCallerIsKnown(t *testing.T) {
	token, line, err := access.NewToken("ops", access.Read)
	if err != nil {
		t.Fatal(err)
	}
	tokens := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(tokens, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	guard, err := access.Open(access.Files{Tokens: tokens}, logrus.New())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		guard *access.Guard
		want  access.Caller
	}{
		{nil, access.Caller{Role: access.Admin}},
		{guard, access.Caller{Name: "ops", Role: access.Read}},
	} {
		s := NewServer(teller{}, http.NotFoundHandler(), logrus.New())
		if tt.guard != nil {
			s.Protect(tt.guard)
		}
		var got access.Caller
		gate := s.gate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = access.Of(r.Context()) }))
		r := httptest.NewRequest("GET", "http://127.0.0.1/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		if gate.ServeHTTP(httptest.NewRecorder(), r); got != tt.want {
			t.Errorf("the caller is %+v, want %+v", got, tt.want)
		}
	}
	if none := access.Of(t.Context()); none != (access.Caller{}) {
		t.Errorf("the caller of no request is %+v", none)
	}
}

// TestBodyIsPassedOn wants handlers to find the whole body, though the gate has read it.
func TestBodyIsPassedOn(t *testing.T) {
	s := NewServer(teller{}, http.NotFoundHandler(), logrus.New())
	want := `{"text":"` + strings.Repeat("x", api.MostBody/2) + `"}`
	var got []byte
	gate := s.gate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, _ = io.ReadAll(r.Body) }))
	r := httptest.NewRequest("POST", "http://127.0.0.1/", strings.NewReader(want))
	r.Header.Set("Content-Type", "application/json")
	if gate.ServeHTTP(httptest.NewRecorder(), r); string(got) != want {
		t.Errorf("%d bytes of a body of %d reach the handler", len(got), len(want))
	}
}
