package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

// TestHostileTextOnTerminal prints what a sender may call itself wherever people read it.
func TestHostileTextOnTerminal(t *testing.T) {
	const hostile = "\x1b[31mweb1\x1b]0;x\x07\u202e\u2066\u009b2J\x00\r\b\xff\x7f"
	sent := "2026-03-01T12:00:00Z"
	tests := []struct {
		name  string
		print func(io.Writer) error
	}{
		{"search", func(w io.Writer) error {
			return printMessage(w, api.Message{Sent: &sent, Host: hostile, App: hostile, ProcID: hostile, Message: hostile})
		}},
		{"tail", func(w io.Writer) error {
			return printEvent(w, api.Event{Host: hostile, Source: "192.0.2.7", Event: "raise", Verdict: "ahead", Text: hostile}, false)
		}},
		{"report", func(w io.Writer) error {
			r := report.Report{Pattern: hostile, Hosts: []report.Row{{Host: hostile, Explanation: hostile, Claims: []string{hostile}}}}
			return r.WriteTable(w)
		}},
		{"log", func(w io.Writer) error {
			newLogger(w, config.Log{Format: config.LogText, Level: logrus.InfoLevel}).WithField("host", hostile).Info(hostile)
			return nil
		}},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		if err := tt.print(&b); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if r, found := unsafeRune(b.String()); found {
			t.Errorf("%s: %U reaches the terminal: %q", tt.name, r, b.String())
		}
		if !strings.Contains(b.String(), `\x1b[31m`) {
			t.Errorf("%s: what was sent can't be seen: %q", tt.name, b.String())
		}
	}
}

// unsafeRune finds what is not simply shown or the end of a line.
func unsafeRune(s string) (rune, bool) {
	for _, r := range s {
		if r == utf8.RuneError || r != '\n' && !unicode.IsPrint(r) {
			return r, true
		}
	}
	return 0, false
}
