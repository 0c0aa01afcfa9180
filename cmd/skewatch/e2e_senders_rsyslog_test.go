//go:build unix

package main_test

import (
	"strings"
	"testing"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// rsyslogShapes is what each of rsyslog's templates makes of a message of "feed[4711]".
var rsyslogShapes = map[testbed.Format]stored{
	testbed.Traditional: {stamp: bsdStamp, raw: "<14>STAMP web1 feed[4711]: MARK", message: "MARK"},
	testbed.Forward:     {stamp: micros3339, raw: "<14>STAMP web1 feed[4711]: MARK", message: "MARK"},
	// To rsyslog the space behind a tag's colon belongs to the text, and so it stands here
	// too. This template alone ends with a line feed, which counts as an octet.
	testbed.Protocol23: {stamp: micros5424, raw: "<14>1 STAMP web1 feed 4711 - -  MARK\n", message: " MARK"},
}

// rsyslogSendings are rsyslog's templates for forwarding over everything it forwards over.
func rsyslogSendings(t *testing.T, s *testbed.Skewatch) (sendings []sending) {
	for _, way := range []struct {
		name string
		host testbed.Host
	}{
		{"UDP", testbed.Host{Target: s.UDP, Transport: "udp"}},
		{"TCP lines", testbed.Host{Target: s.TCP, Transport: "tcp"}},
		{"TCP counted", testbed.Host{Target: s.TCP, Transport: "tcp", OctetCounting: true}},
		{"RELP", testbed.Host{Target: s.RELP, Transport: "relp"}},
	} {
		for format := range rsyslogShapes {
			h := way.host
			h.Name, h.Format, h.Zone = "web1", format, rsyslogZone(format)
			sendings = append(sendings, sending{way.name + ", " + string(format), throughRsyslog(h, "feed[4711]", "MARK"), []stored{rsyslogStored(h)}})
		}
	}
	return append(sendings, rsyslogTexts(s)...)
}

// rsyslogStored returns what is stored of a message of "feed[4711]" on a host.
func rsyslogStored(h testbed.Host) stored {
	return rsyslogShapes[h.Format].but(func(m *stored) {
		m.host, m.transport, m.facility, m.severity = "web1", h.Transport, "user", "info"
		m.app, m.procID = "feed", "4711"
		if (h.Transport == "tcp" || h.Transport == "tls") && !h.OctetCounting {
			m.raw = strings.TrimSuffix(m.raw, "\n") // it ends the line
		}
	})
}

// rsyslogZone returns a zone in which the format's stamps say what time it is.
func rsyslogZone(format testbed.Format) string {
	if format == testbed.Traditional {
		return "UTC0"
	}
	return india
}

// rsyslogTexts are messages that aren't one plain line.
func rsyslogTexts(s *testbed.Skewatch) []sending {
	h := testbed.Host{Name: "web2", Target: s.TCP, Transport: "tcp", OctetCounting: true, Format: testbed.Protocol23}
	lines := stored{host: "web2", transport: "tcp", facility: "user", severity: "info", app: "app", stamp: micros5424,
		raw: "<14>1 STAMP web2 app - - -  MARK one#012two#011tab\n", message: " MARK one#012two#011tab"}
	umlaut := lines
	umlaut.raw, umlaut.message = "<14>1 STAMP web2 app - - -  MARK ä ]\"\\\n", " MARK ä ]\"\\"
	return []sending{
		// rsyslogd escapes control characters on receipt, also where the framing would keep them.
		{"line feed and tab", throughRsyslog(h, "app", "MARK one\ntwo\ttab"), []stored{lines}},
		{"UTF-8 and quotes", throughRsyslog(h, "app", "MARK ä ]\"\\"), []stored{umlaut}},
	}
}

// throughRsyslog logs one message on a host that forwards through rsyslog.
func throughRsyslog(h testbed.Host, app, text string) func(*testing.T, string) {
	return func(t *testing.T, mark string) {
		r := testbed.StartRsyslogd(t, h)
		if err := r.Log(app, withMark(text, mark)); err != nil {
			t.Fatal(err)
		}
	}
}
