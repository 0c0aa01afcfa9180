//go:build unix

package main_test

import (
	"strings"
	"testing"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// journalSendings are records of systemd's journal as rsyslog's imjournal passes them on:
// stamped when their program logged them, to the microsecond.
func journalSendings(t *testing.T, s *testbed.Skewatch) []sending {
	j := testbed.StartJournalHost(t)
	j.StartRsyslogd(t, testbed.Host{Name: "red1", Target: s.TCP, Transport: "tcp", OctetCounting: true, Format: testbed.Protocol23, Zone: india})
	plain := stored{host: "red1", transport: "tcp", facility: "cron", severity: "err", app: "app", procID: "4711", stamp: micros5424,
		raw: "<75>1 STAMP red1 app 4711 - - MARK\n", message: "MARK"}
	return []sending{
		// The record's MESSAGE_ID, 128 bits that name a kind of message, is not passed on.
		{"record", record(j, "MESSAGE_ID=ec387f577b844b8fa948f33cad9a75e6", "SYSLOG_IDENTIFIER=app", "SYSLOG_PID=4711"), []stored{plain}},
		// imjournal writes "a name[4711]:" as the tag and reads it again, up to the first space.
		{"name with a space", record(j, "SYSLOG_IDENTIFIER=a name", "SYSLOG_PID=4711"), []stored{plain.but(func(m *stored) {
			m.app, m.procID, m.msgID = "a", "name", "4711"
			m.raw, m.message = "<75>1 STAMP red1 a name 4711 - - MARK\n", "- MARK"
		})}},
		{"two lines", record(j, "SYSLOG_IDENTIFIER=app", "SYSLOG_PID=4711", "MESSAGE=two"), []stored{plain.but(func(m *stored) {
			m.raw, m.message = "<75>1 STAMP red1 app 4711 - - MARK#012two\n", "MARK#012two"
		})}},
		{"/dev/log", func(t *testing.T, mark string) {
			execute(t, testbed.Logger(t, "--socket", j.DevLog(), "-t", "app", "--id=4711", "-p", "cron.err", mark))
		}, []stored{plain}},
		{"output of a service", func(t *testing.T, mark string) {
			execute(t, j.Command("systemd-cat", "-t", "app", "-p", "warning", "echo", mark))
		}, []stored{plain.but(func(m *stored) { // the journal knows no facility for it, and imjournal says user
			m.facility, m.severity, m.procID, m.raw = "user", "warning", "PID", "<12>1 STAMP red1 app PID - - MARK\n"
		})}},
	}
}

// syslogNGJournalSendings are records of systemd's journal as syslog-ng passes them on: with
// their time, and with the number of the process that the kernel names rather than the
// one which the process does.
func syslogNGJournalSendings(t *testing.T, s *testbed.Skewatch) []sending {
	j := testbed.StartJournalHost(t)
	j.StartSyslogNG(t, testbed.Host{Name: "ng2", Target: s.TCP, Zone: india}, `syslog(TARGET transport("tcp") frac-digits(6))`)
	plain := stored{host: "ng2", transport: "tcp", facility: "cron", severity: "err", app: "app", procID: "PID", stamp: micros5424,
		raw: "<75>1 STAMP ng2 app PID - - MARK\n", message: "MARK"}
	return []sending{
		{"record", record(j, "SYSLOG_IDENTIFIER=app", "SYSLOG_PID=4711"), []stored{plain}},
		{"/dev/log", func(t *testing.T, mark string) {
			execute(t, testbed.Logger(t, "--socket", j.DevLog(), "-t", "app", "-i", "-p", "cron.err", mark))
		}, []stored{plain}},
		{"output of a service", func(t *testing.T, mark string) {
			execute(t, j.Command("systemd-cat", "-t", "app", "-p", "warning", "echo", mark))
		}, []stored{plain.but(func(m *stored) {
			m.facility, m.severity, m.raw = "local0", "warning", "<132>1 STAMP ng2 app PID - - MARK\n"
		})}},
	}
}

// record returns what writes a record to a host's journal: an error of cron with the mark
// as its message, and further fields.
func record(j *testbed.JournalHost, fields ...string) func(*testing.T, string) {
	return func(t *testing.T, mark string) {
		cmd := j.Command("logger", "--journald")
		cmd.Stdin = strings.NewReader("MESSAGE=" + mark + "\nPRIORITY=3\nSYSLOG_FACILITY=9\n" + strings.Join(fields, "\n") + "\n")
		execute(t, cmd)
	}
}
