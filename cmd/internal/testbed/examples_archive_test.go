package testbed

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const archiveFile = "/var/log/both-times.log"

// TestExamplesArchive has a central rsyslogd and a central syslog-ng write the files of the
// examples, which a host 37.5 s ahead sends to: skewatch finds that out from the file.
func TestExamplesArchive(t *testing.T) {
	for _, format := range []Format{Traditional, Protocol23} {
		t.Run("rsyslog "+string(format), func(t *testing.T) {
			t.Parallel()
			address, file, directory := freeAddress(t), filepath.Join(t.TempDir(), "log"), t.TempDir()
			_, port, _ := net.SplitHostPort(address)
			input := fmt.Sprintf("module(load=\"imtcp\")\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=%q)\n", port)
			startExample(t, directory, input+replaced(t, example(t, "50-archive.conf"), archiveFile, file))
			judgeArchive(t, address, file, format)
		})
	}
	t.Run("syslog-ng", func(t *testing.T) {
		t.Parallel()
		address, file, directory := freeAddress(t), filepath.Join(t.TempDir(), "log"), t.TempDir()
		_, port, _ := net.SplitHostPort(address)
		source := fmt.Sprintf("source s_net { network(ip(\"127.0.0.1\") port(%s) transport(\"tcp\") keep-hostname(yes)); };\n", port)
		startSyslogNG(t, Host{Name: "central"}, directory, source+replaced(t, syslogNGExample(t, "40-archive.conf"), archiveFile, file)+
			"log { source(s_src); };\n") // by which it is known to have started
		judgeArchive(t, address, file, Forward)
	})
}

// judgeArchive logs on a host for as long as a verdict takes, and has the file analysed.
func judgeArchive(t *testing.T, address, file string, format Format) {
	t.Helper()
	h := StartRsyslogd(t, Host{Name: "ahead", Target: address, Transport: "tcp", Format: format, Clock: Clock{Offset: 37500 * time.Millisecond}})
	await(t, h.process, "a verdict", func() bool {
		if err := h.Log("feed", fmt.Sprint("number ", rand.Int())); err != nil {
			t.Fatal(err)
		}
		row, said := analysed(t, file)
		if said != "" || row.Verdict != "ahead" {
			return false
		}
		if row.Host != "ahead" || row.Source != "127.0.0.1" || row.Offset == nil || *row.Offset < 36.4 || *row.Offset > 38.1 {
			t.Errorf("the row is %+v, want ahead by 37.5 s", row)
		}
		return true
	})
}

type analysedRow struct {
	Host    string   `json:"host"`
	Source  string   `json:"source"`
	Verdict string   `json:"verdict"`
	Offset  *float64 `json:"offset_seconds"`
}

// analysed returns the one row of a file, and what was said of bad lines.
func analysed(t *testing.T, file string) (row analysedRow, said string) {
	t.Helper()
	var complaints strings.Builder
	cmd := exec.Command(Binary(t), "analyze", "--format", "json", file)
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return row, err.Error() + complaints.String()
	}
	var answer struct {
		Hosts []analysedRow `json:"hosts"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Hosts) == 1 {
		row = answer.Hosts[0]
	}
	return row, complaints.String()
}
