package testbed

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A JournalHost is a host whose programs log to systemd's journal.
type JournalHost struct {
	run string // what is /run on the host
}

// StartJournalHost starts a host's journald. It runs until the test ends, like all that
// is started on the host in a mount namespace of its own, in which another folder is
// /run: the journal of this machine is neither read nor written.
//
// Where no such namespace can be made, as in a container without that right, the test is
// skipped.
func StartJournalHost(t testing.TB) *JournalHost {
	t.Helper()
	const journald = "/lib/systemd/systemd-journald"
	need(t, "unshare", "util-linux")
	if _, err := os.Stat(journald); err != nil {
		lack(t, journald, "systemd")
	}
	j := &JournalHost{run: filepath.Join(t.TempDir(), "run")}
	if err := os.MkdirAll(filepath.Join(j.run, "systemd", "journal"), 0o755); err != nil {
		t.Fatalf("testbed: %v", err)
	}
	if output, err := j.Command("true").CombinedOutput(); err != nil {
		t.Skipf("testbed: no mount namespace can be made here for a journal of the test's own: %v: %s", err, output)
	}
	p := startLogged(t, j.Command(journald), "systemd-journald")
	await(t, p, "its socket", func() bool {
		conn, err := net.Dial("unixgram", j.DevLog())
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return j
}

// DevLog returns the path of the socket that is /dev/log on the host.
func (j *JournalHost) DevLog() string { return filepath.Join(j.run, "systemd", "journal", "dev-log") }

// Command returns a command that runs a program on the host.
func (j *JournalHost) Command(program string, args ...string) *exec.Cmd {
	const enter = `mount --bind "$0" /run && mount -t tmpfs none /var/log && exec "$@"`
	return exec.Command("unshare", append([]string{"--map-root-user", "--mount", "sh", "-c", enter, j.run, program}, args...)...)
}

// StartRsyslogd starts a rsyslogd on the host, which forwards what imjournal reads from
// the journal, as on Red Hat.
func (j *JournalHost) StartRsyslogd(t testing.TB, h Host) {
	t.Helper()
	directory := t.TempDir()
	config := filepath.Join(directory, "rsyslog.conf")
	write(t, config, fmt.Sprintf(`global(workDirectory=%q localHostname=%q)
module(load="imjournal" StateFile="journal.state" IgnorePreviousMessages="off" Ratelimit.Interval="0")
`, directory, h.Name)+h.forwarding()+"\n")
	cmd := j.Command(need(t, "rsyslogd", "rsyslog"), "-n", "-C", "-f", config, "-i", filepath.Join(directory, "pid"))
	cmd.Env = withEnvironment(h.environment(t))
	startLogged(t, cmd, "rsyslogd of "+h.Name)
}

// StartSyslogNG starts a syslog-ng on the host, which sends what it reads from the
// journal to a destination, as its system() does under systemd. The driver is one as of
// [StartSyslogNG].
func (j *JournalHost) StartSyslogNG(t testing.TB, h Host, driver string) {
	t.Helper()
	directory := t.TempDir()
	config := syslogNGOptions + fmt.Sprintf("source s_src { systemd-journal(host-override(%q)); };\n", h.Name) + h.destination(driver)
	plain := syslogNGDaemon(t, directory, config)
	cmd := j.Command(plain.Path, plain.Args[1:]...)
	cmd.Env = append(plain.Environ(), h.environment(t)...)
	startLogged(t, cmd, "syslog-ng of "+h.Name)
}
