package gosyslog

import (
	"slices"
	"testing"
	"time"

	"github.com/leodido/go-syslog/v4"
	leodido3164 "github.com/leodido/go-syslog/v4/rfc3164"
	leodido5424 "github.com/leodido/go-syslog/v4/rfc5424"
	"gopkg.in/mcuadros/go-syslog.v2/format"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// benchmarkLines are the messages that collectors mostly get, about 160 bytes long.
var benchmarkLines = []struct {
	name, line string
	rfc5424    bool
}{
	{"bsd", "<38>Oct 11 22:14:15 web1.example.com sshd[24817]: Failed password for invalid user admin from 203.0.113.77 port 51122 ssh2: no such identity known to this host", false},
	{"bsd without pid", "<4>Oct 11 22:14:15 web1.example.com kernel: nf_conntrack: table full, dropping packet from 203.0.113.77 to 198.51.100.2, in=eth0 out=eth1 proto=TCP len=60", false},
	{"rsyslog ForwardFormat", "<38>2026-10-11T22:14:15.807954+02:00 web1.example.com sshd[24817]: Failed password for invalid user admin from 203.0.113.77 port 51122 ssh2: unknown id", false},
	{"rfc5424", "<165>1 2026-10-11T22:14:15.003123Z web1.example.com evntslog 24817 ID47 - An application event log entry of about the same length as the other, for comparison.", true},
	{"rfc5424 timeQuality", `<165>1 2026-10-11T22:14:15.003123Z web1.example.com evntslog 24817 ID47 [timeQuality tzKnown="1" isSynced="1" syncAccuracy="5212"] An application event log entry`, true},
	{"rfc5424 other data", `<165>1 2026-10-11T22:14:15.003123+02:00 web1.example.com evntslog 24817 ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] An event entry`, true},
}

// A contender reads a message.
type contender struct {
	name string
	read func(line []byte) error
}

// contenders returns those that can read a message of benchmarkLines, ours first. All
// keep for the next message what they can.
func contenders(rfc5424 bool, line []byte) []contender {
	m := new(message.Message)
	all := []contender{{"ours", func(line []byte) error { parse.Parse(line, m); return nil }}}
	if rfc5424 {
		all = append(all, library(&format.RFC5424{}),
			leodido("leodido", leodido5424.NewParser()),
			leodido("leodido-best-effort", leodido5424.NewParser(leodido5424.WithBestEffort())))
	} else {
		all = append(all, library(&format.RFC3164{}),
			leodido("leodido-best-effort", leodido3164.NewParser(leodido3164.WithBestEffort(), leodido3164.WithRFC3339(),
				leodido3164.WithSecondFractions(), leodido3164.WithYear(leodido3164.CurrentYear{}), leodido3164.WithTimezone(time.UTC))))
	}
	return slices.DeleteFunc(all, func(c contender) bool { return c.read(line) != nil })
}

func library(f format.Format) contender {
	return contender{"library", func(line []byte) error { return f.GetParser(line).Parse() }}
}

func leodido(name string, m syslog.Machine) contender {
	return contender{name, func(line []byte) error { _, err := m.Parse(line); return err }}
}

// BenchmarkAgainstLibrary times parse.Parse, go-syslog.v2 ("library") and
// leodido/go-syslog v4 on the same messages, in turns, so that all see the same
// machine. Times are per message, and the median of all turns: what one leaves to the
// garbage collector would otherwise slow its successor. x-NAME says how many times as
// long as ours NAME takes.
//
// Neither other one reads the stamp of ForwardFormat: go-syslog.v2 takes the present
// time in its place and is done, leodido/go-syslog gives up.
func BenchmarkAgainstLibrary(b *testing.B) {
	for _, bm := range benchmarkLines {
		b.Run(bm.name, func(b *testing.B) {
			const turn = 500
			line := []byte(bm.line)
			all := contenders(bm.rfc5424, line)
			turns := make([][]time.Duration, len(all))
			for b.Loop() {
				for i, c := range all {
					start := time.Now()
					for range turn {
						c.read(line)
					}
					turns[i] = append(turns[i], time.Since(start))
				}
			}
			for i, c := range all {
				b.ReportMetric(float64(median(turns[i]).Nanoseconds())/turn, c.name+"-ns/msg")
				if i > 0 {
					b.ReportMetric(float64(median(turns[i]))/float64(median(turns[0])), "x-"+c.name)
				}
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(turns []time.Duration) time.Duration {
	slices.Sort(turns)
	return turns[len(turns)/2]
}
