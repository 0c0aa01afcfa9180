package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// readWith runs a reading command with flags and returns what it is asked for.
func readWith(p *program, args string) (q request, err error) {
	cmd := &cobra.Command{Use: "hosts", SilenceErrors: true, SilenceUsage: true}
	cmd.SetFlagErrorFunc(flagError)
	r := addReading(cmd, "table", "json", "csv")
	cmd.RunE = func(*cobra.Command, []string) error {
		q, err = r.request(p)
		return err
	}
	cmd.SetArgs(strings.Fields(args))
	return q, cmd.Execute()
}

func TestRequest(t *testing.T) {
	tests := []struct {
		environ, args string
		want          request
		server        string
	}{
		{"", "", request{Format: "table"}, ""},
		{"", "--format csv --host Web*", request{Format: "csv", Host: "web*"}, ""},
		{"", "--since 7d", request{Format: "table", Period: period{Since: noon.Add(-7 * 24 * time.Hour)}}, ""},
		{"", "--until 1h", request{Format: "table", Period: period{Until: noon.Add(-time.Hour)}}, ""},
		{"", "--server http://127.0.0.1:8514/", request{Format: "table"}, "http://127.0.0.1:8514"},
		{"", "--server https://logs.example.net/skewatch", request{Format: "table"}, "https://logs.example.net/skewatch"},
		{"", "--data d", request{Format: "table", Data: "d"}, ""},
		{"SKEWATCH_DATA=e", "", request{Format: "table", Data: "e"}, ""},
		{"SKEWATCH_DATA=e", "--data d", request{Format: "table", Data: "d"}, ""},
		{"SKEWATCH_DATA=e", "--server http://a:1", request{Format: "table"}, "http://a:1"},
		{"SKEWATCH_SERVER=http://b:2", "", request{Format: "table"}, "http://b:2"},
		{"SKEWATCH_SERVER=http://b:2", "--server http://a:1", request{Format: "table"}, "http://a:1"},
		{"SKEWATCH_SERVER=http://b:2", "--data d", request{Format: "table", Data: "d"}, ""},
		{"SKEWATCH_SERVER=http://b:2 SKEWATCH_DATA=e", "", request{Format: "table"}, "http://b:2"},
		{"SKEWATCH_SERVER=http://b:2 SKEWATCH_SERVER=http://c:3", "", request{Format: "table"}, "http://c:3"},
	}
	for _, tt := range tests {
		have, err := readWith(testProgram(strings.Fields(tt.environ)...), tt.args)
		if err != nil {
			t.Errorf("%s hosts %s: %v", tt.environ, tt.args, err)
			continue
		}
		server := ""
		if have.Server != nil {
			server = have.Server.String()
		}
		if have.Server = nil; have != tt.want || server != tt.server {
			t.Errorf("%s hosts %s asks %q for %+v, want %q, %+v", tt.environ, tt.args, server, have, tt.server, tt.want)
		}
	}
}

func TestBadRequests(t *testing.T) {
	const anyServer = `write one such as "http://127.0.0.1:8514"`
	tests := []struct{ environ, args, field, value, hint string }{
		{"", "--format xml", "--format", "xml", ""},
		{"", "--host [a", "--host", "[a", `write a name with * and ? for any part, such as "web*"`},
		{"", "--since 7", "--since", "7", instantHint("7")},
		{"", "--since 2999-01-01T00:00:00Z", "--since", "2999-01-01T00:00:00Z", "it is 2026-03-01T12:00:00Z now: write an earlier time"},
		{"", "--since 2026-03-01T12:01:01Z", "--since", "2026-03-01T12:01:01Z", "it is 2026-03-01T12:00:00Z now: write an earlier time"},
		{"", "--since 2026-03-01T12:00:30Z --until 1h", "--until", "1h", "write --since for the earlier of the two, such as --since 24h --until 1h"},
		{"", "--server 127.0.0.1:8514", "--server", "127.0.0.1:8514", `write "http://127.0.0.1:8514"`},
		{"", "--server ftp://a", "--server", "ftp://a", anyServer},
		{"", "--server http://a/?b=c", "--server", "http://a/?b=c", anyServer},
		{"SKEWATCH_SERVER=a", "", "SKEWATCH_SERVER", "a", anyServer},
		{"", "--server http://a --data d", "--data", "d", "write one of the two: they may name different servers"},
		{"", "--sinze 7d", "--sinze", "", "write --since"},
		{"", "--no-color=7", "--no-color", "7", ""},
	}
	for _, tt := range tests {
		_, err := readWith(testProgram(strings.Fields(tt.environ)...), tt.args)
		checkUsage(t, err, tt.field, tt.value, tt.hint)
	}
}

// TestFutureBeginnings has every command that asks a server refuse a time to come, but for the
// times that messages bear: those of a clock that is ahead lie there. Those of a file are its own.
func TestFutureBeginnings(t *testing.T) {
	for _, tt := range []struct {
		args string
		want int
	}{
		{"report", exitUsage}, {"hosts", exitUsage}, {"search", exitUsage}, {"tail", exitUsage}, {"timeline", exitUsage},
		{"warnings", exitUsage}, {"sources", exitUsage}, {"silence list", exitUsage},
		{"search --clock sent", exitFailed}, {"analyze -", exitFailed},
	} {
		var stderr bytes.Buffer
		p := testProgram("SKEWATCH_SERVER=http://127.0.0.1:1")
		p.stdin, p.stderr = strings.NewReader(""), &stderr
		code := p.run(append(strings.Fields(tt.args), "--since", "2999-01-01T00:00:00Z"))
		if told := strings.Contains(stderr.String(), "error: --since: in the future"); code != tt.want || told != (tt.want == exitUsage) {
			t.Errorf("skewatch %s: exit code %d, %s", tt.args, code, stderr.String())
		}
	}
}

// TestColor uses /dev/null in a terminal's place: like one, and unlike a file or
// pipe, it is a character device.
func TestColor(t *testing.T) {
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tests := []struct {
		stdout        *os.File
		environ, args string
		want          bool
	}{
		{device, "", "", true},
		{device, "NO_COLOR=", "", true},
		{device, "NO_COLOR=1", "", false},
		{device, "TERM=dumb", "", false},
		{device, "", "--no-color", false},
		{file, "", "", false},
	}
	for _, tt := range tests {
		p := testProgram(tt.environ)
		p.stdout = tt.stdout
		q, err := readWith(p, tt.args)
		if err != nil || q.Color != tt.want {
			t.Errorf("%s %q %q: colour %v, %v, want %v", tt.stdout.Name(), tt.environ, tt.args, q.Color, err, tt.want)
		}
	}
}
