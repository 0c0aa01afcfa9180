package main_test

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

// startMail runs a mail server that refuses its first mail, and returns the example's
// configuration with that server, and with a directory instead of the system's.
func startMail(t *testing.T, directory string) (s *testbed.MailServer, config string) {
	t.Helper()
	authority := tlstest.NewAuthority(t)
	certificate := authority.Issue(t, "localhost")
	pair, err := tls.LoadX509KeyPair(certificate.File, certificate.Key)
	if err != nil {
		t.Fatal(err)
	}
	s = testbed.StartMailServer(t, &testbed.MailServer{TLS: &tls.Config{Certificates: []tls.Certificate{pair}}, Script: []string{"busy"}})
	password := filepath.Join(directory, "mail-password")
	if err := os.WriteFile(password, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("../../examples/reports/skewatch.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, here := range [][2]string{
		{"/var/lib/skewatch/reports", filepath.Join(directory, "reports")}, {"/etc/skewatch/mail-password", password},
		{"/etc/skewatch/ca.pem", authority.File}, {"mail.example.net:587", s.Address},
	} {
		if !strings.Contains(text, here[0]) {
			t.Fatalf("the example doesn't have %s", here[0])
		}
		text = strings.ReplaceAll(text, here[0], here[1])
	}
	config = filepath.Join(directory, "skewatch.yaml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, config
}

// reportFiles returns the paths of the reports whose names match a pattern, in order.
func reportFiles(t *testing.T, directory, pattern string) (names []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(directory, "reports", pattern))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// attached writes the files that came with a mail to a directory, and returns the first.
func attached(t *testing.T, text string) (path string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	_, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	for r := multipart.NewReader(m.Body, parameters["boundary"]); ; {
		p, err := r.NextPart()
		if err == io.EOF {
			return path
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.FileName() == "" {
			continue
		}
		body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(directory, p.FileName())
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		if path == "" {
			path = file
		}
	}
}

// TestEndToEndReports runs the example for a moment 15 days ago and then today: the weeks
// between are made up for, each once, though the mail server fails first and the server is
// killed. What was written and what was mailed is as it was signed.
func TestEndToEndReports(t *testing.T) {
	t.Parallel() // it waits more than it works
	clock := testbed.NewFakeClock(t)
	directory, data := t.TempDir(), t.TempDir()
	server, config := startMail(t, directory)
	serve := func() *testbed.Skewatch {
		return clock.StartSkewatch(t, data, "--config", config, "--receive-stamps", "user", "--kernel-clock", "trust", "--ntp-server", "")
	}
	const ago = -15 * 24 * time.Hour
	clock.Set(t, ago)
	s := serve()
	stop := speak(t, s.TCP, "db1", ago)
	eventually(t, 20*time.Second, func() error {
		if rows := askReport(t, s).Hosts; len(rows) != 1 || rows[0].Verdict != "in-sync" {
			return fmt.Errorf("the rows are %+v, want one host in sync", rows)
		}
		return nil
	})
	stop()
	s.Stop(t)

	clock.Set(t, 0)
	s = serve()
	weeks := func() []string { return reportFiles(t, directory, "weekly_*.html") }
	days := func() []string { return reportFiles(t, directory, "databases_*.csv") }
	pending := func(delivery, report string) int {
		return int(metric(t, s, fmt.Sprintf("skewatch_report_pending_runs{delivery=%q,report=%q}", delivery, report)))
	}
	eventually(t, 20*time.Second, func() error {
		failed := strings.Contains(s.Log(), "the report can't be delivered: it is tried again")
		if w, d := len(weeks()), len(days()); w < 2 || d < 15 || pending("file", "weekly") > 0 || pending("file", "databases") > 0 || !failed {
			return fmt.Errorf("%d weeks and %d days are written, the mail has failed: %v, want 2, 15 and true", w, d, failed)
		}
		return nil
	})
	written, daily := weeks(), days()
	if n := pending("mail", "weekly"); n < 1 {
		t.Errorf("%d mails wait, want some", n)
	}
	s.Kill()
	s = serve()
	eventually(t, 20*time.Second, func() error {
		if n, waiting := len(server.Mails()), pending("mail", "weekly"); n < len(written) || waiting > 0 {
			return fmt.Errorf("%d of %d mails have come, and %d wait", n, len(written), waiting)
		}
		return nil
	})
	if again := slices.Concat(weeks(), days()); !slices.Equal(again, slices.Concat(written, daily)) {
		t.Errorf("written are %q, and before the kill %q", again, slices.Concat(written, daily))
	}
	checkSigned(t, s, written, server.Mails())
}

// messageID returns the line of a mail that names it.
func messageID(text string) string {
	_, id, _ := strings.Cut(text, "Message-ID: ")
	id, _, _ = strings.Cut(id, "\r\n")
	return id
}

// checkSigned holds reports, and those that came with mails, against their notes.
func checkSigned(t *testing.T, s *testbed.Skewatch, written, mails []string) {
	t.Helper()
	first, err := os.ReadFile(written[0])
	if err != nil || !strings.Contains(string(first), "db1") {
		t.Errorf("the week in which the host spoke doesn't have it (%v)", err)
	}
	mails = slices.CompactFunc(mails, func(a, b string) bool { return messageID(a) == messageID(b) }) // a kill may have one sent twice
	if len(mails) != len(written) {
		t.Fatalf("%d mails have come, want %d", len(mails), len(written))
	}
	if text := mails[0]; !strings.Contains(text, "To: <audit@example.net>") || !strings.Contains(text, "Hosts: 1: 1 pass, 0 fail") {
		t.Errorf("the mail is\n%.2000s", text)
	}
	for i, file := range written {
		mailed := attached(t, mails[i])
		if filepath.Base(mailed) != filepath.Base(file) {
			t.Errorf("with mail %d came %s, want %s", i, filepath.Base(mailed), filepath.Base(file))
		}
		for _, path := range []string{file, mailed} {
			if out, stderr, code := s.Run("verify", path); code != 0 || !strings.Contains(out, "is as skewatch/") {
				t.Errorf("verify %s exits with %d and writes\n%s%s", path, code, out, stderr)
			}
		}
	}
	if err := os.WriteFile(written[0], append(first, ' '), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := s.Run("verify", written[0]); code != 1 || !strings.Contains(stderr, "isn't the one that was signed") {
		t.Errorf("of a report that was changed verify exits with %d and writes\n%s", code, stderr)
	}
}
