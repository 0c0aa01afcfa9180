//go:build unix

package main_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// A loggerCase is one call of util-linux's logger with the tag "app", and what comes of
// it.
type loggerCase struct {
	name string
	args string // between spaces, with "_" for one in them; without any it sends RFC 5424 over UDP
	text string // the text, or what the file holds if -f is the last of the arguments
	want []stored
}

// loggerSendings are the modes of logger. Without a server it writes to the local
// daemon's socket, which only a daemon takes any further: that is the last one.
func loggerSendings(t *testing.T, s *testbed.Skewatch) (sendings []sending) {
	host := thisHost(t)
	cases := append(loggerFormats(host), loggerFrames(host)...)
	for _, c := range cases {
		sendings = append(sendings, sending{c.name, c.send(s), c.want})
	}
	return append(sendings, loggerSocket(t, s))
}

// rfc5424 returns what logger's own format makes of a text: with a claim about the clock
// between header and text.
func rfc5424(host, text string) stored {
	return stored{host: host, transport: "udp", facility: "user", severity: "notice", app: "app", stamp: micros5424,
		raw: "<13>1 STAMP " + host + " app - - QUALITY " + text, message: text}
}

// rfc3164 returns the same for the older format, which has neither zone nor fraction.
func rfc3164(host, text string) stored {
	return stored{host: host, transport: "udp", facility: "user", severity: "notice", app: "app", stamp: bsdStamp,
		raw: "<13>STAMP " + host + " app: " + text, message: text}
}

// but returns the message with a change.
func (want stored) but(change func(*stored)) stored {
	change(&want)
	return want
}

func overTCP(m *stored) { m.transport = "tcp" }

// withRaw returns a change that gives the message another frame.
func withRaw(raw string) func(*stored) {
	return func(m *stored) { m.raw = raw }
}

// loggerFormats are the messages that logger can write, all over UDP.
func loggerFormats(host string) []loggerCase {
	plain := rfc5424(host, "MARK")
	return []loggerCase{
		{"no option", "", "MARK", []stored{plain}},
		{"RFC 5424", "--udp --rfc5424", "MARK", []stored{plain}},
		{"RFC 5424 without time", "--udp --rfc5424=notime", "MARK", []stored{plain.but(func(m *stored) {
			m.stamp, m.raw = noStamp, "<13>1 - "+host+" app - - - MARK"
		})}},
		{"RFC 5424 without claim", "--udp --rfc5424=notq", "MARK", []stored{plain.but(withRaw("<13>1 STAMP " + host + " app - - - MARK"))}},
		{"RFC 5424 without host", "--udp --rfc5424=nohost", "MARK", []stored{plain.but(func(m *stored) {
			m.host, m.raw = "", "<13>1 STAMP - app - - QUALITY MARK"
		})}},
		{"RFC 5424 with nothing", "--udp --rfc5424=notime,nohost", "MARK", []stored{plain.but(func(m *stored) {
			m.host, m.stamp, m.raw = "", noStamp, "<13>1 - - app - - - MARK"
		})}},
		// An --sd-id that no --sd-param follows isn't sent.
		{"RFC 5424 with everything", `--udp --rfc5424 -p local3.debug --id=4711 --msgid ID47 --sd-id x@32473 --sd-param a="\]\"" --sd-param b="" --sd-id y@32473`, "MARK",
			[]stored{plain.but(func(m *stored) {
				m.facility, m.severity, m.procID, m.msgID = "local3", "debug", "4711", "ID47"
				m.raw = "<159>1 STAMP " + host + ` app 4711 ID47 QUALITY[x@32473 a="\]\"" b=""] MARK`
			})}},
		{"RFC 3164", "--udp --rfc3164", "MARK", []stored{rfc3164(host, "MARK")}},
		{"RFC 3164 with everything", "--udp --rfc3164 -p authpriv.alert --id=4711", "MARK", []stored{rfc3164(host, "MARK").but(func(m *stored) {
			m.facility, m.severity, m.procID, m.raw = "authpriv", "alert", "4711", "<81>STAMP "+host+" app[4711]: MARK"
		})}},
		{"number of the process", "--udp --rfc5424 -i", "MARK", []stored{plain.but(func(m *stored) {
			m.procID, m.raw = "PID", "<13>1 STAMP "+host+" app PID - QUALITY MARK"
		})}},
		// Only the kernel may log as the kernel: logger makes it the facility user.
		{"facility kern", "--udp --rfc5424 -p kern.crit", "MARK", []stored{plain.but(func(m *stored) {
			m.severity, m.raw = "crit", "<10>1 STAMP "+host+" app - - QUALITY MARK"
		})}},
		// logger writes a tag with a space as it is, and so moves the fields behind it by one.
		{"tag with a space", "--udp --rfc5424=notq -t my_app", "MARK", []stored{plain.but(func(m *stored) {
			m.app, m.procID, m.raw, m.message = "my", "app", "<13>1 STAMP "+host+" my app - - - MARK", "- MARK"
		})}},
		// By RFC 3164 a tag ends at the first byte that is no letter or digit: this is none.
		{"RFC 3164, tag with a space", "--udp --rfc3164 -t my_app", "MARK", []stored{rfc3164(host, "MARK").but(func(m *stored) {
			m.app, m.raw, m.message = "", "<13>STAMP "+host+" my app: MARK", "my app: MARK"
		})}},
		{"cut", "--udp --rfc5424 --size SIZE", "MARK and what is cut off", []stored{rfc5424(host, "MARK and")}},
	}
}

// loggerFrames are the ways in which logger sends more than a line.
func loggerFrames(host string) []loggerCase {
	const lines = "MARK one\n\nMARK <27>two\n"
	one, two := rfc5424(host, "MARK one"), rfc5424(host, "MARK <27>two")
	return []loggerCase{
		{"file over UDP", "--udp -f", lines, []stored{one, two}},
		{"file over TCP", "--tcp -f", lines, []stored{one.but(overTCP), two.but(overTCP)}},
		{"file over TCP, counted", "--tcp --octet-count -f", lines, []stored{one.but(overTCP), two.but(overTCP)}},
		{"priorities in a file", "--udp --prio-prefix -f", "<27>MARK\n", []stored{rfc5424(host, "MARK").but(func(m *stored) {
			m.facility, m.severity, m.raw = "daemon", "err", strings.Replace(m.raw, "<13>", "<27>", 1)
		})}},
		{"RFC 3164 over TCP", "--tcp --rfc3164", "MARK", []stored{rfc3164(host, "MARK").but(overTCP)}},
		// logger counts in datagrams too, where RFC 5426 knows no framing.
		{"counted over UDP", "--udp --octet-count --rfc5424=notime", "MARK", []stored{rfc5424(host, "MARK").but(func(m *stored) {
			m.stamp, m.raw = noStamp, "COUNT <13>1 - "+host+" app - - - MARK"
		})}},
		{"two lines counted", "--tcp --octet-count --rfc3164", "MARK\ntwo", []stored{rfc3164(host, "MARK\ntwo").but(overTCP)}},
		// Lines aren't escaped: what follows a line feed is a message of its own on the wire,
		// without priority, time or host.
		{"two lines, not counted", "--tcp --rfc3164", "MARK\nMARK two", []stored{
			rfc3164(host, "MARK").but(overTCP),
			{transport: "tcp", stamp: noStamp, raw: "MARK two", message: "MARK two"},
		}},
	}
}

// send returns what runs logger.
func (c loggerCase) send(s *testbed.Skewatch) func(*testing.T, string) {
	return func(t *testing.T, mark string) {
		address := s.UDP
		args := strings.Fields(strings.ReplaceAll(c.args, "SIZE", strconv.Itoa(len(mark)+len(" and"))))
		for i, arg := range args {
			args[i] = strings.ReplaceAll(arg, "_", " ")
			if arg == "--tcp" {
				address = s.TCP
			}
		}
		host, port, _ := net.SplitHostPort(address)
		args = append([]string{"--server", host, "--port", port, "-t", "app"}, args...)
		args = append(args, loggerText(t, args, withMark(c.text, mark)))
		cmd := testbed.Logger(t, args...)
		cmd.Env = append(os.Environ(), "TZ="+c.zone())
		execute(t, cmd)
	}
}

// loggerText returns the last argument: the text, or the name of a file that holds it.
func loggerText(t *testing.T, args []string, text string) string {
	t.Helper()
	if args[len(args)-1] != "-f" {
		return text
	}
	name := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// zone returns a zone in which the case's stamps say what time it is.
func (c loggerCase) zone() string {
	if strings.Contains(c.args, "--rfc3164") {
		return "UTC0"
	}
	return india
}

// loggerSocket is logger without a server, on a host whose rsyslogd forwards.
func loggerSocket(t *testing.T, s *testbed.Skewatch) sending {
	r := testbed.StartRsyslogd(t, testbed.Host{Name: "web3", Target: s.TCP, Transport: "tcp", Format: testbed.Forward})
	send := func(t *testing.T, mark string) {
		execute(t, testbed.Logger(t, "--socket", r.LogSocket, "-t", "app", "--id=4711", "-p", "mail.warning", mark))
	}
	return sending{"a daemon's socket", send, []stored{{host: "web3", transport: "tcp", facility: "mail", severity: "warning", app: "app", procID: "4711",
		stamp: micros3339, raw: "<20>STAMP web3 app[4711]: MARK", message: "MARK"}}}
}
