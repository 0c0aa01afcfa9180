package parse

import (
	"testing"

	"github.com/skewatch/skewatch/collector/message"
)

// The lines are about 160 bytes long, as those of sshd and systemd are.
var benchmarkLines = []struct{ name, line string }{
	{"bsd", "<38>Oct 11 22:14:15 web1.example.com sshd[24817]: Failed password for invalid user admin from 203.0.113.77 port 51122 ssh2: no such identity known to this host"},
	{"rfc3339", "<38>2026-10-11T22:14:15.807954+02:00 web1.example.com sshd[24817]: Failed password for invalid user admin from 203.0.113.77 port 51122 ssh2: unknown id"},
	{"rfc5424", `<165>1 2026-10-11T22:14:15.003123Z web1.example.com evntslog 24817 ID47 [timeQuality tzKnown="1" isSynced="1" syncAccuracy="5212"] An application event log entry`},
	{"rfc5424 without data", "<165>1 2026-10-11T22:14:15.003123Z web1.example.com evntslog 24817 ID47 - An application event log entry of about the same length as the other, for comparison."},
	{"rfc5424 other data", `<165>1 2026-10-11T22:14:15.003123+02:00 web1.example.com evntslog 24817 ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] An event entry`},
	{"bsd without pid", "<4>Oct 11 22:14:15 web1.example.com kernel: nf_conntrack: table full, dropping packet from 203.0.113.77 to 198.51.100.2, in=eth0 out=eth1 proto=TCP len=60"},
	{"no header", "<13>hello, this is a message from a program that writes nothing but a priority before its text, and goes on for as long as the other messages of this benchmark"},
}

func BenchmarkParse(b *testing.B) {
	for _, bm := range benchmarkLines {
		b.Run(bm.name, func(b *testing.B) {
			line, m := []byte(bm.line), new(message.Message)
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				Parse(line, m)
			}
		})
	}
}
