package testbed

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

// withCertificates returns an example with a host's files in place of those that users
// replace.
func withCertificates(t *testing.T, file string, a *tlstest.Authority) string {
	t.Helper()
	host := a.Issue(t, "web1")
	return strings.NewReplacer("/etc/ssl/skewatch/ca.pem", a.File, "/etc/ssl/skewatch/host.pem", host.File,
		"/etc/ssl/skewatch/host.key", host.Key).Replace(example(t, file))
}

func TestTLSExamplesAreValid(t *testing.T) {
	needOmrelp(t)
	TLS{Library: "gtls"}.needDriver(t)
	for _, file := range []string{"22-tls.conf", "27-relp-tls.conf"} {
		config := filepath.Join(t.TempDir(), "rsyslog.conf")
		write(t, config, fmt.Sprintf("global(workDirectory=%q)\n", t.TempDir())+withCertificates(t, file, tlstest.NewAuthority(t)))
		if output, err := exec.Command(need(t, "rsyslogd", "rsyslog"), "-N1", "-f", config).CombinedOutput(); err != nil {
			t.Errorf("rsyslogd -N1 on %s: %v\n%s", file, err, output)
		}
	}
}

// Over TLS everything arrives, also what was logged before the collector was there.
func TestTLSExamplesForward(t *testing.T) {
	needOmrelp(t)
	TLS{Library: "gtls"}.needDriver(t)
	const messages = 300
	a := tlstest.NewAuthority(t)
	own := a.Issue(t, "skewatch.example.com")
	for _, tt := range []struct{ file, port, flag string }{
		{"22-tls.conf", "6514", "--listen-tls"}, {"27-relp-tls.conf", "2515", "--listen-relp-tls"},
	} {
		address := closedPort(t)
		host, port, _ := net.SplitHostPort(address)
		r := startExample(t, t.TempDir(), replaced(t, withCertificates(t, tt.file, a),
			`target="skewatch.example.com"`, fmt.Sprintf("target=%q", host), fmt.Sprintf("port=%q", tt.port), fmt.Sprintf("port=%q", port),
			`Interval="5"`, `Interval="1"`))
		logNumbers(t, r, 0, messages)
		s := StartSkewatch(t, t.TempDir(), tt.flag, address, "--tls-cert", own.File, "--tls-key", own.Key, "--tls-client-ca", a.File,
			"--tls-permit", "web1", "--ntp-server", "", "--kernel-clock", "trust")
		await(t, s.process, "all messages", func() bool {
			found, _, _ := s.Run("search", "--raw")
			arrived := map[string]bool{}
			for _, number := range numberInMessage.FindAllString(found, -1) {
				arrived[number] = true
			}
			return len(arrived) == messages
		})
	}
}

// TestSystemdUnits has systemd read the units as they would be installed.
func TestSystemdUnits(t *testing.T) {
	analyze := need(t, "systemd-analyze", "systemd")
	directory := t.TempDir()
	for _, unit := range []string{"skewatch.service", "skewatch.socket"} {
		text, err := os.ReadFile(filepath.Join("../../../examples/systemd", unit))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(directory, unit), strings.ReplaceAll(string(text), "/usr/local/bin/skewatch", Binary(t)))
	}
	cmd := exec.Command(analyze, "verify", filepath.Join(directory, "skewatch.service"), filepath.Join(directory, "skewatch.socket"))
	cmd.Env = withEnvironment([]string{"SYSTEMD_UNIT_PATH=" + directory + ":"})
	if output, err := cmd.CombinedOutput(); err != nil || len(output) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, output)
	}
}
