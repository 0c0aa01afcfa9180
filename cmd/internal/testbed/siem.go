package testbed

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A SIEM is a running rsyslogd that takes RFC 5424 messages and writes what it has understood
// of each to a file.
type SIEM struct {
	Address string
	file    string
}

// StartSIEM runs one until the test ends. The transport is "udp", "tcp" or "tls"; for that the
// TLS names its certificate.
func StartSIEM(t testing.TB, transport string, secure TLS) *SIEM {
	t.Helper()
	directory := t.TempDir()
	s := &SIEM{Address: freeAddress(t), file: filepath.Join(directory, "siem.log")}
	_, port, _ := net.SplitHostPort(s.Address)
	input := `module(load="imtcp")`
	kind := "imtcp"
	switch transport {
	case "udp":
		input, kind = `module(load="imudp")`, "imudp"
	case "tls":
		needRsyslogModule(t, "lmnsd_ossl", "rsyslog-openssl")
		input = fmt.Sprintf(`global(DefaultNetstreamDriverCAFile=%q DefaultNetstreamDriverCertFile=%q DefaultNetstreamDriverKeyFile=%q)
module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")`,
			secure.Authority.File, secure.Certificate.File, secure.Certificate.Key)
	}
	config := filepath.Join(directory, "rsyslog.conf")
	write(t, config, fmt.Sprintf(`global(workDirectory=%q)
%s
template(name="understood" type="string" string="%%pri%%|%%app-name%%|%%msgid%%|%%structured-data%%|%%msg%%\n")
input(type=%q address="127.0.0.1" port=%q ruleset="siem")
ruleset(name="siem") { action(type="omfile" file=%q template="understood") }
`, directory, input, kind, port, s.file))
	cmd := exec.Command(need(t, "rsyslogd", "rsyslog"), "-n", "-f", config, "-i", filepath.Join(directory, "rsyslogd.pid"))
	p := startLogged(t, cmd, "rsyslogd as SIEM")
	await(t, p, "its listener", func() bool {
		if transport == "udp" {
			return boundUDP(port)
		}
		c, err := net.Dial("tcp", s.Address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return s
}

// boundUDP reports whether somebody listens on a UDP port.
func boundUDP(port string) bool {
	c, err := net.ListenPacket("udp", "127.0.0.1:"+port)
	if err == nil {
		c.Close()
	}
	return err != nil
}

// Lines returns what it has understood so far, one message a line.
func (s *SIEM) Lines() []string {
	b, _ := os.ReadFile(s.file) // none is there before the first
	if len(b) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}
