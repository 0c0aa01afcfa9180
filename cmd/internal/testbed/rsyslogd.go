package testbed

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A Format is one of rsyslog's own templates for forwarding.
type Format string

// The formats in which rsyslog hosts forward.
const (
	Traditional Format = "RSYSLOG_TraditionalForwardFormat" // RFC 3164: "Nov 20 23:53:09"
	Forward     Format = "RSYSLOG_ForwardFormat"            // RFC 3164 with an RFC 3339 stamp
	Protocol23  Format = "RSYSLOG_SyslogProtocol23Format"   // RFC 5424
)

// A Host is a machine that logs through rsyslog to one collector.
type Host struct {
	Name      string // as it stands in its messages
	Clock     Clock
	Target    string // the collector's address, HOST:PORT
	Transport string // "udp", "tcp" or "relp", or over TLS "tls" or "relp-tls"
	TLS       TLS    // for those two
	Format    Format
	Address   string // its own, over UDP and RELP, such as "127.0.0.7"; "" for any
	Zone      string // its time zone as POSIX writes it in TZ; "" for this machine's

	OctetCounting bool // on TCP and TLS: count octets (RFC 6587) instead of ending lines
}

// forwarding returns the line of configuration that a host like this one has. With RELP
// it comes with a queue in memory that holds all that a test logs.
func (h Host) forwarding() string {
	switch h.Transport {
	case "tls":
		return h.forwardTLS()
	case "relp-tls":
		return h.forwardRELPTLS()
	}
	host, port, _ := net.SplitHostPort(h.Target)
	if h.Transport == "relp" {
		return fmt.Sprintf(`module(load="omrelp")
action(type="omrelp" target=%q port=%q template=%q queue.type="LinkedList" queue.size="10000000"
       action.resumeRetryCount="-1" action.resumeInterval="1"%s)`,
			host, port, h.Format, h.own("localClientIP"))
	}
	framing := "traditional"
	if h.OctetCounting {
		framing = "octet-counted"
	}
	return fmt.Sprintf(`action(type="omfwd" target=%q port=%q protocol=%q TCP_Framing=%q template=%q
       action.resumeRetryCount="-1" action.resumeInterval="1"%s)`,
		host, port, h.Transport, framing, h.Format, h.own("address"))
}

// own returns the parameter that gives the host its own address, if it has one.
func (h Host) own(parameter string) string {
	if h.Address == "" {
		return ""
	}
	return fmt.Sprintf(" %s=%q", parameter, h.Address)
}

// environment returns the variables that a program on the host runs with.
func (h Host) environment(t testing.TB) []string {
	t.Helper()
	variables := h.Clock.environment(t)
	if h.Zone != "" {
		variables = append(variables, "TZ="+h.Zone)
	}
	return variables
}

// Rsyslogd is a running rsyslogd.
type Rsyslogd struct {
	Host
	LogSocket string // where its programs log to, as to /dev/log

	process *process
	input   net.Conn
	started time.Time
}

// StartRsyslogd starts a host's rsyslogd, which forwards what the host logs until
// the test ends.
func StartRsyslogd(t testing.TB, h Host) *Rsyslogd {
	t.Helper()
	switch h.Transport {
	case "relp", "relp-tls":
		needOmrelp(t)
	case "tls":
		h.TLS.needDriver(t)
	}
	return startConfigured(t, h, t.TempDir(), h.forwarding())
}

// startConfigured starts a rsyslogd that does with the host's messages what the
// statements of output say, and keeps its queues in the directory.
func startConfigured(t testing.TB, h Host, directory, output string) *Rsyslogd {
	t.Helper()
	config := filepath.Join(directory, "rsyslog.conf")
	socket := filepath.Join(directory, "log.sock")
	write(t, config, configuration(h.Name, directory, socket)+output+"\n")

	messages := new(log)
	cmd := exec.Command(need(t, "rsyslogd", "rsyslog"),
		"-n", "-C", "-f", config, "-i", filepath.Join(directory, "rsyslogd.pid"))
	cmd.Env = withEnvironment(h.environment(t))
	cmd.Stdout, cmd.Stderr = messages, messages

	r := &Rsyslogd{Host: h, LogSocket: socket, started: time.Now()}
	r.process = start(t, cmd, "rsyslogd of "+h.Name, messages)
	await(t, r.process, "its input socket", func() bool {
		var err error
		r.input, err = net.Dial("unixgram", socket)
		return err == nil
	})
	t.Cleanup(func() { r.input.Close() })
	return r
}

// configuration returns the part of a host's configuration that stands before its
// output: an input of its own, whose messages rsyslogd stamps with the clock that
// it sees itself. All paths are absolute, since rsyslogd changes to "/".
func configuration(name, directory, socket string) string {
	return strings.NewReplacer("NAME", name, "DIRECTORY", directory, "SOCKET", socket).Replace(
		`global(workDirectory="DIRECTORY" localHostname="NAME")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="SOCKET" UseSysTimeStamp="off" IgnoreTimestamp="on" RateLimit.Interval="0")
`)
}

// Offset returns the host's true clock offset at a moment: host minus true time.
func (r *Rsyslogd) Offset(at time.Time) time.Duration {
	return r.Clock.After(at.Sub(r.started))
}

// Log writes one message to the host's log socket, as a program on it would. The
// host stamps it.
func (r *Rsyslogd) Log(appName, text string) error {
	if _, err := fmt.Fprintf(r.input, "<14>%s: %s", appName, text); err != nil {
		return fmt.Errorf("logging on %s: %w", r.Name, err)
	}
	return nil
}

// Stop stops the host's rsyslogd, which saves its queues if so configured.
func (r *Rsyslogd) Stop(t testing.TB) {
	t.Helper()
	r.process.terminate(t, "rsyslogd of "+r.Name)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatalf("testbed: %v", err)
	}
}
