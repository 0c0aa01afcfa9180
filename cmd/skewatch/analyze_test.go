package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
)

// twoHosts returns ten minutes of an archive from noon on, NDJSON: web1 is 37.5 s ahead
// and writes RFC 3339, db1 is in sync and writes RFC 3164, in whole seconds at +01:00.
func twoHosts() string {
	r := rand.New(rand.NewPCG(7, 3))
	var b strings.Builder
	for at := time.Duration(0); at < 10*time.Minute; at += time.Duration(r.ExpFloat64() * float64(500*time.Millisecond)) {
		received := noon.Add(at + time.Duration(r.ExpFloat64()*float64(time.Millisecond)))
		fmt.Fprintf(&b, "{\"host\":\"web1\",\"sent\":%q,\"received\":%q}\n", noon.Add(at+37500*time.Millisecond).Format("2006-01-02T15:04:05.000Z07:00"),
			received.Format(time.RFC3339Nano))
		fmt.Fprintf(&b, "{\"host\":\"db1\",\"sent\":%q,\"received\":%d.%06d}\n", noon.Add(at+time.Hour).Format(time.Stamp),
			received.Unix(), received.Nanosecond()/1000)
	}
	return b.String()
}

// analyzed runs analyze on the standard input and returns its report.
func analyzed(t *testing.T, archive string, args ...string) *report.Report {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := testProgram()
	p.stdin, p.stdout, p.stderr = strings.NewReader(archive), &stdout, &stderr
	if code := p.run(append([]string{"analyze", "--format", "json"}, append(args, "-")...)); code != exitFine || stderr.Len() > 0 {
		t.Fatalf("analyze %q: exit code %d, stderr %q", args, code, stderr.String())
	}
	var r report.Report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func TestAnalyze(t *testing.T) {
	r := analyzed(t, twoHosts(), "--assume-zone", "+01:00")
	if s := r.Header.Reference; s.State != "assumed" || s.Reason != "receive times are taken as true" || s.Offset != nil {
		t.Errorf("reference is %+v", s)
	}
	if p := r.Header.Effective; !p.Since.Equal(*r.Hosts[0].First) && !p.Since.Equal(*r.Hosts[1].First) || p.Until.Sub(*p.Since) < 9*time.Minute {
		t.Errorf("effective period is %v to %v", p.Since, p.Until)
	}
	wants := []struct {
		host, verdict, compliance, zone string
		offset, within                  float64
	}{
		{"db1", "in-sync", "pass", "+01:00", 0, 0.020},
		{"web1", "ahead", "fail", "+00:00", 37.5, 0.005},
	}
	if len(r.Hosts) != len(wants) {
		t.Fatalf("%d rows, want %d", len(r.Hosts), len(wants))
	}
	for i, want := range wants {
		have := r.Hosts[i]
		if have.Host != want.host || have.Verdict != want.verdict || have.Compliance != want.compliance || have.Zone != want.zone {
			t.Errorf("row %d is %s %s %s %s, want %+v", i, have.Host, have.Verdict, have.Compliance, have.Zone, want)
		}
		if math.Abs(*have.Offset-want.offset) > want.within || *have.OffsetLow > want.offset || *have.OffsetHigh < want.offset {
			t.Errorf("%s: offset %+f s, %+f to %+f s, want %+f s within %f s", want.host, *have.Offset, *have.OffsetLow, *have.OffsetHigh, want.offset, want.within)
		}
		if have.Source != "" || have.Trust != "" {
			t.Errorf("%s: source %q, trust %q: the archive says nothing of them", want.host, have.Source, have.Trust)
		}
	}
}

func TestAnalyzeFlags(t *testing.T) {
	archive := twoHosts()
	hosts := filepath.Join(t.TempDir(), "skewatch.yaml")
	if err := os.WriteFile(hosts, []byte("hosts: [{match: db*, zone: \"+01:00\"}, {match: web1, tolerance: 1m}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args string
		want string // hosts, verdicts and compliance
	}{
		{"", "db1 wrong-zone fail, web1 ahead fail"},
		{"--host W*", "web1 ahead fail"},
		{"--host mail*", ""},
		{"--tolerance 1m", "db1 wrong-zone fail, web1 in-sync pass"},
		{"--config " + hosts, "db1 in-sync pass, web1 in-sync pass"},
		{"--at 2026-03-01T12:00:02Z --assume-zone +01:00", "db1 insufficient insufficient, web1 insufficient insufficient"},
		{"--until 2026-03-01T12:00:02Z --assume-zone +01:00", "db1 insufficient insufficient, web1 insufficient insufficient"},
		{"--at 2026-03-01T12:05:00Z --assume-zone +01:00", "db1 in-sync pass, web1 ahead fail"},
		{"--since 2026-03-01T12:08:00Z --assume-zone +01:00", "db1 in-sync pass, web1 ahead fail"},
		{"--since 2026-03-01T13:00:00Z", ""},
	}
	for _, tt := range tests {
		var have []string
		for _, h := range analyzed(t, archive, strings.Fields(tt.args)...).Hosts {
			have = append(have, h.Host+" "+h.Verdict+" "+h.Compliance)
		}
		if have := strings.Join(have, ", "); have != tt.want {
			t.Errorf("analyze %s: %s, want %s", tt.args, have, tt.want)
		}
	}
}

// The first bad lines are named, all are counted, and none keeps the others from being
// judged.
func TestAnalyzeNamesBadLines(t *testing.T) {
	var stdout, stderr bytes.Buffer
	p := testProgram()
	p.stdin, p.stdout, p.stderr = strings.NewReader(twoHosts()+strings.Repeat("web1\n", 7)), &stdout, &stderr
	code := p.run([]string{"analyze", "--format", "csv", "-"})
	if lines := strings.Count(stdout.String(), "\n"); code != exitFine || lines != 3 {
		t.Errorf("exit code %d, %d lines of CSV, want %d and 3", code, lines, exitFine)
	}
	read := strings.Count(twoHosts(), "\n")
	var want strings.Builder
	for i := range 5 {
		fmt.Fprintf(&want, "warning: standard input:%d: not a JSON object (got \"web1\")\n", read+1+i)
	}
	fmt.Fprintf(&want, "warning: standard input: 7 of %d lines are bad\n", read+7)
	if stderr.String() != want.String() {
		t.Errorf("stderr is %q, want %q", stderr.String(), want.String())
	}
}
