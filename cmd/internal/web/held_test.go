package web_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
)

// A stream is an answer that lasts.
type stream struct {
	name string

	mu   sync.Mutex
	text strings.Builder
	end  error // io.EOF if it was whole
}

// open asks for a stream and reads it until it ends.
func (g guarded) open(t *testing.T, path, proof string) *stream {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", g.URL.String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	name, value, _ := strings.Cut(proof, ": ")
	req.Header.Set(name, value)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s with %s: %s", path, name, res.Status)
	}
	st := &stream{name: path + " of " + value}
	go func() {
		defer res.Body.Close()
		for piece := make([]byte, 4096); ; {
			n, err := res.Body.Read(piece)
			st.mu.Lock()
			st.text.Write(piece[:n])
			st.end = err
			st.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return st
}

func (st *stream) read() (text string, end error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.text.String(), st.end
}

// edit writes a file anew with what a pattern finds replaced.
func edit(t *testing.T, path, pattern, with string) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	after := regexp.MustCompile(pattern).ReplaceAllLiteralString(string(before), with)
	if err := os.WriteFile(path, []byte(after), 0o600); err != nil || after == string(before) {
		t.Fatalf("%s isn't changed by %s: %v", path, pattern, err)
	}
}

// TestStreamsEndWithTheirCaller takes from callers what lets them in while they read, from one
// after the other. Those that still may go on reading.
func TestStreamsEndWithTheirCaller(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	basic := http.Request{Header: http.Header{}}
	basic.SetBasicAuth("bob", bobPassword)
	another, err := bcrypt.GenerateFromPassword([]byte("another"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	read, admin, out := "Authorization: Bearer "+g.read, "Authorization: Bearer "+g.admin, g.logIn(t, "alice", alicePassword)
	callers := []struct {
		name   string
		proofs []string
		lose   func() // nil for who stays
	}{
		{"token", []string{read}, func() { edit(t, g.tokens, "(?m)^program-read .*", "") }},
		{"role", []string{admin}, func() { edit(t, g.tokens, "program-admin admin", "program-admin read") }},
		{"log-out", []string{out}, func() { g.send(t, "POST", "/logout", "", out) }},
		{"password", []string{g.logIn(t, "bob", bobPassword), "Authorization: " + basic.Header.Get("Authorization")},
			func() { edit(t, g.config, "bob: .*", "bob: "+string(another)) }},
		{"none", []string{g.logIn(t, "alice", alicePassword)}, nil},
	}
	paths := []string{"/api/v1/messages?follow=true", "/api/v1/events?follow=true", "/live"}
	streams := map[string][]*stream{} // by caller
	for _, c := range callers {
		for i := range len(c.proofs) * len(paths) {
			streams[c.name] = append(streams[c.name], g.open(t, paths[i%len(paths)], c.proofs[i/len(paths)]))
		}
	}
	lost := 0
	for _, c := range callers {
		sent := "before-" + c.name
		g.Send(t, logged(sent, 0, "x"))
		servertest.Eventually(t, func() error {
			if text, end := streams[c.name][0].read(); end != nil || !strings.Contains(text, sent) {
				return fmt.Errorf("%s lacks the message of %s: %s, %v", streams[c.name][0].name, sent, text, end)
			}
			return nil
		})
		if c.lose == nil {
			continue
		}
		c.lose()
		for _, st := range streams[c.name] {
			lost++
			servertest.Eventually(t, func() error {
				if _, end := st.read(); end == nil || errors.Is(end, io.EOF) != strings.HasPrefix(st.name, "/live") {
					return fmt.Errorf("without %s: the end of %s is %v, want it cut off, /live properly", c.name, st.name, end)
				}
				return nil
			})
		}
	}
	for _, st := range streams["none"] {
		if text, end := st.read(); end != nil {
			t.Errorf("who may still read has of %s %q, and then %v", st.name, text, end)
		}
	}
	if text, _ := streams["token"][0].read(); strings.Contains(text, "before-role") {
		t.Errorf("a token that was taken out reads on:\n%s", text)
	}
	if n := strings.Count(g.Log(), "an answer was cut off"); n != lost {
		t.Errorf("the log says %d times that an answer was cut off, want %d", n, lost)
	}
}
