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
	Address   string
	directory string
	file      string
	transport string
	process   *process
}

// StartSIEM runs one until the test ends. The transport is "udp", "tcp", "tls", "relp" or
// "relp-tls"; where that is over TLS the TLS names its certificate. With its authority's
// alone it lets in whom that has signed.
func StartSIEM(t testing.TB, transport string, secure TLS) *SIEM {
	t.Helper()
	directory := t.TempDir()
	s := &SIEM{Address: freeAddress(t), directory: directory, file: filepath.Join(directory, "siem.log"), transport: transport}
	_, port, _ := net.SplitHostPort(s.Address)
	write(t, s.config(), fmt.Sprintf(`global(workDirectory=%q maxMessageSize="64k")
template(name="understood" type="string" string="%%pri%%|%%app-name%%|%%msgid%%|%%structured-data%%|%%msg%%\n")
ruleset(name="siem") { action(type="omfile" file=%q template="understood") }
%s address="127.0.0.1" port=%q ruleset="siem")
`, directory, s.file, s.input(t, secure), port))
	s.Start(t)
	return s
}

func (s *SIEM) config() string { return filepath.Join(s.directory, "rsyslog.conf") }

// input returns the configuration of the input, as far as it doesn't name the address.
func (s *SIEM) input(t testing.TB, secure TLS) string {
	t.Helper()
	switch s.transport {
	case "udp":
		return `module(load="imudp") input(type="imudp"`
	case "tls":
		needRsyslogModule(t, "lmnsd_ossl", "rsyslog-openssl")
		return fmt.Sprintf(`global(DefaultNetstreamDriverCAFile=%q DefaultNetstreamDriverCertFile=%q DefaultNetstreamDriverKeyFile=%q)
module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon") input(type="imtcp"`,
			secure.Authority.File, secure.Certificate.File, secure.Certificate.Key)
	case "relp":
		needOmrelp(t)
		return `module(load="imrelp") input(type="imrelp"`
	case "relp-tls":
		needOmrelp(t)
		return fmt.Sprintf(`module(load="imrelp" tls.tlslib="openssl")
input(type="imrelp" tls="on" tls.caCert=%q tls.myCert=%q tls.myPrivKey=%q tls.authMode="certvalid"`,
			secure.Authority.File, secure.Certificate.File, secure.Certificate.Key)
	}
	return `module(load="imtcp") input(type="imtcp"`
}

// Start starts it again once it was stopped, on the same address and file.
func (s *SIEM) Start(t testing.TB) {
	t.Helper()
	cmd := exec.Command(need(t, "rsyslogd", "rsyslog"), "-n", "-f", s.config(), "-i", filepath.Join(s.directory, "rsyslogd.pid"))
	s.process = startLogged(t, cmd, "rsyslogd as SIEM")
	_, port, _ := net.SplitHostPort(s.Address)
	await(t, s.process, "its listener", func() bool {
		if s.transport == "udp" {
			return boundUDP(port)
		}
		c, err := net.Dial("tcp", s.Address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// Stop stops it in order: it writes what it has taken.
func (s *SIEM) Stop(t testing.TB) {
	t.Helper()
	s.process.terminate(t, "rsyslogd as SIEM")
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
