package gosyslog

import (
	"testing"
	"time"

	"gopkg.in/mcuadros/go-syslog.v2/format"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// BenchmarkAgainstLibrary times parse.Parse and the library's parser on the same
// message, in turns, so that both see the same machine. x-faster is the ratio.
func BenchmarkAgainstLibrary(b *testing.B) {
	benchmarks := []struct {
		name, line string
		format     format.Format
	}{
		{"rfc5424", `<165>1 2026-10-11T22:14:15.003123Z web1.example.com evntslog 24817 ID47 [timeQuality tzKnown="1" isSynced="1" syncAccuracy="5212"] An application event log entry`, &format.RFC5424{}},
		{"rfc3164", "<38>Oct 11 22:14:15 web1.example.com sshd[24817]: Failed password for invalid user admin from 203.0.113.77 port 51122 ssh2: no such identity known to this host", &format.RFC3164{}},
	}
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			const turn = 100
			line, m := []byte(bm.line), new(message.Message)
			var ours, library time.Duration
			for b.Loop() {
				start := time.Now()
				for range turn {
					parse.Parse(line, m)
				}
				middle := time.Now()
				for range turn {
					if err := bm.format.GetParser(line).Parse(); err != nil {
						b.Fatal(err)
					}
				}
				ours += middle.Sub(start)
				library += time.Since(middle)
			}
			messages := float64(b.N * turn)
			b.ReportMetric(float64(ours.Nanoseconds())/messages, "ours-ns/msg")
			b.ReportMetric(float64(library.Nanoseconds())/messages, "library-ns/msg")
			b.ReportMetric(float64(library)/float64(ours), "x-faster")
			b.ReportMetric(0, "ns/op")
		})
	}
}
