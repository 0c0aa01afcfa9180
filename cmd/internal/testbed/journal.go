package testbed

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A JournalHost is a host whose programs log to systemd's journal. Its rsyslogd reads
// that with imjournal, as on Red Hat, and forwards it.
type JournalHost struct {
	run string // what is /run on the host
}

// StartJournalHost starts a host's journald and rsyslogd. They run until the test ends,
// in mount namespaces of their own, in which another folder is /run: the journal of this
// machine is neither read nor written.
func StartJournalHost(t testing.TB, h Host) *JournalHost {
	t.Helper()
	j := &JournalHost{run: filepath.Join(t.TempDir(), "run")}
	j.startJournald(t)

	directory := t.TempDir()
	config := filepath.Join(directory, "rsyslog.conf")
	write(t, config, fmt.Sprintf(`global(workDirectory=%q localHostname=%q)
module(load="imjournal" StateFile="journal.state" IgnorePreviousMessages="off" Ratelimit.Interval="0")
`, directory, h.Name)+h.forwarding()+"\n")
	messages := new(log)
	cmd := j.Command(need(t, "rsyslogd", "rsyslog"), "-n", "-C", "-f", config, "-i", filepath.Join(directory, "pid"))
	cmd.Env = withEnvironment(h.environment(t))
	cmd.Stdout, cmd.Stderr = messages, messages
	start(t, cmd, "rsyslogd of "+h.Name, messages)
	return j
}

// startJournald starts the journal and waits until it takes messages.
func (j *JournalHost) startJournald(t testing.TB) {
	t.Helper()
	const journald = "/lib/systemd/systemd-journald"
	need(t, "unshare", "util-linux")
	if _, err := os.Stat(journald); err != nil {
		lack(t, journald, "systemd")
	}
	if err := os.MkdirAll(filepath.Join(j.run, "systemd", "journal"), 0o755); err != nil {
		t.Fatalf("testbed: %v", err)
	}
	if output, err := j.Command("/bin/true").CombinedOutput(); err != nil {
		t.Skipf("testbed: no mount namespace can be made here, in which a journal of the test's own could run: %v: %s", err, output)
	}
	messages := new(log)
	cmd := j.Command(journald)
	cmd.Stdout, cmd.Stderr = messages, messages
	p := start(t, cmd, "systemd-journald", messages)
	await(t, p, "its socket", func() bool {
		conn, err := net.Dial("unixgram", j.DevLog())
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// DevLog returns the path of the socket that is /dev/log on the host.
func (j *JournalHost) DevLog() string { return filepath.Join(j.run, "systemd", "journal", "dev-log") }

// Command returns a command that runs a program on the host.
func (j *JournalHost) Command(program string, args ...string) *exec.Cmd {
	const enter = `mount --bind "$0" /run && mount -t tmpfs none /var/log && exec "$@"`
	return exec.Command("unshare", append([]string{"--map-root-user", "--mount", "sh", "-c", enter, j.run, program}, args...)...)
}
