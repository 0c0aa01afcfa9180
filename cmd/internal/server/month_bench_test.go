package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/storage"
)

// monthKept is the variable that names a directory where BenchmarkReportMonth leaves what it
// reported on, so that the built program can be asked for the same.
const monthKept = "SKEWATCH_MONTH"

// BenchmarkReportMonth makes reports over a month of 1,000 hosts, whose roll-ups are of five
// minutes for two days and of hours before, as thinning leaves them, and writes them.
func BenchmarkReportMonth(b *testing.B) {
	for _, flagged := range []int{30, 1000} {
		data := b.TempDir()
		if kept := os.Getenv(monthKept); kept != "" {
			data = fmt.Sprintf("%s/flagged-%d", kept, flagged)
		}
		m := &month{Rand: rand.New(rand.NewPCG(1, 2)), now: time.Now().Truncate(time.Second), hosts: 1000, flagged: flagged}
		h := openHistory(b, data)
		m.pass(b, h)
		for _, format := range report.Formats {
			b.Run(fmt.Sprintf("flagged=%d/%s", flagged, format), func(b *testing.B) { m.report(b, h, format) })
		}
		h.close()
	}
}

// A month makes up what a server knows after a month.
type month struct {
	*rand.Rand
	now            time.Time
	hosts, flagged int // how many hosts there are, and of how many the clock is wrong
}

// report is what `skewatch report` does, but for the way there and back.
func (m *month) report(b *testing.B, h *history, format string) {
	var written bytes.Buffer
	q := api.ReportQuery{Query: api.Query{Since: m.now.Add(-30 * 24 * time.Hour)}, Series: api.SeriesFor(format)}
	for b.Loop() {
		written.Reset()
		r, err := h.desk.Report(b.Context(), q)
		if err != nil || len(r.Hosts) != m.hosts {
			b.Fatalf("%v, %d rows", err, len(r.Hosts))
		}
		if err := r.Write(&written, format); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(written.Len()), "bytes")
}

// pass stores the month: the present from messages, and the past as it was left.
func (m *month) pass(b *testing.B, h *history) {
	h.at(m.now)
	for i := range m.hosts {
		m.speak(b, h, i)
	}
	h.judge((*analysis.Fleet).Tick)
	h.commit()
	keys := map[string]int{}
	for _, i := range h.fleet.Identities() {
		number := 0
		if _, err := fmt.Sscanf(i.Host, "web%04d", &number); err != nil {
			b.Fatal(err)
		}
		keys[i.Key] = number
	}
	end := analysis.HourOf(m.now.UnixNano())
	fine, begin := end-int64(fineFor), end-int64(30*24*time.Hour)
	for start := begin; start < end; {
		length := analysis.RollUpSpan
		if start < fine {
			length = analysis.HourlySpan
		}
		m.span(b, h.store, keys, start, length)
		start += int64(length)
	}
	if err := h.store.Checkpoint(storage.Changes{Sequence: h.store.Last(), Findings: m.findings(b, keys), Reference: m.samples(b)}); err != nil {
		b.Fatal(err)
	}
}

// ahead returns how far ahead a host's clock is.
func (m *month) ahead(host int) time.Duration {
	if host < m.flagged {
		return 40*time.Second + time.Duration(host)*time.Millisecond
	}
	return 0
}

// speak puts some last messages of a host.
func (m *month) speak(b *testing.B, h *history, host int) {
	batch := make([]message.Message, 20)
	for i := range batch {
		received := m.now.Add(time.Duration(i-len(batch)) * time.Second)
		batch[i] = message.Message{
			Received: received.UnixNano(), Source: netip.AddrFrom4([4]byte{10, 0, byte(host >> 8), byte(host)}),
			Transport: message.TCP, Trust: message.TrustHandshake,
		}
		sent := received.Add(m.ahead(host) - time.Millisecond)
		parse.Parse(fmt.Appendf(nil, "<14>1 %s web%04d.example.net app - - - %d", sent.UTC().Format("2006-01-02T15:04:05.000000Z07:00"), host, i), &batch[i])
	}
	if err := h.Put(batch); err != nil {
		b.Fatal(err)
	}
}

// span stores a roll-up of each host.
func (m *month) span(b *testing.B, store *storage.Store, keys map[string]int, start int64, length time.Duration) {
	var all []storage.RollUp
	for key, host := range keys {
		offset := m.ahead(host) + time.Duration(m.NormFloat64()*float64(2*time.Millisecond))
		r := analysis.RollUp{
			Start: start, Messages: 300, First: start + 1e9, Last: start + int64(length) - 1e9, Known: true, Verdict: analysis.InSync,
			Interval: analysis.Interval{Offset: offset, Low: offset - 10*time.Millisecond, High: offset + 40*time.Millisecond},
			Extreme:  offset + time.Millisecond, Skew: m.NormFloat64(), SkewBound: 0.1,
			Trust: message.TrustHandshake, StampFormat: message.StampRFC5424, Resolution: time.Microsecond, ZoneWritten: true,
		}
		if m.ahead(host) > 0 {
			r.Verdict, r.Out = analysis.Ahead, length-2*time.Second
		}
		if length == analysis.HourlySpan {
			r.Messages *= 12
			r = r.Hourly()
		}
		blob, err := r.AppendBinary(nil)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, storage.RollUp{Start: start, Key: key, Blob: blob})
	}
	if err := store.ReplaceRollUps(all); err != nil {
		b.Fatal(err)
	}
}

// findings returns a step and a warning of each flagged host, each day.
func (m *month) findings(b *testing.B, keys map[string]int) (all []storage.Finding) {
	for key, host := range keys {
		who := analysis.IdentityOf(key)
		for day := 1; day < 30 && host < m.flagged; day++ {
			at := m.now.Add(-time.Duration(day*24) * time.Hour)
			for _, f := range []analysis.Finding{
				{Step: &analysis.Step{At: at.UnixNano(), Seconds: 1}},
				{Event: &analysis.Event{Time: at, Kind: analysis.Raise, Verdict: analysis.Ahead, Since: at, Text: "ahead by 40 s at least, proved"}},
			} {
				f.Key, f.Host, f.Source = key, who.Host, who.Source
				all = append(all, storage.Finding{At: at.UnixNano(), Blob: asJSON(b, f)})
			}
		}
	}
	return all
}

// samples returns the history of our own clock, measured by four servers.
func (m *month) samples(b *testing.B) (all []storage.ReferenceSample) {
	number := func(v float64) *float64 { return &v }
	stratum := 2
	status := ntpcheck.Status{Reference: ntpcheck.ReferenceStatus{
		State: ntpcheck.Synchronised, Source: "192.0.2.1:123", Stratum: &stratum, OffsetSeconds: number(1e-5), BoundSeconds: number(1e-3)}}
	for i := range 4 {
		status.Sources = append(status.Sources, ntpcheck.SourceStatus{
			Address: fmt.Sprintf("192.0.2.%d:123", i+1), State: ntpcheck.Combined, Stratum: &stratum,
			OffsetSeconds: number(1.23456e-5), DelaySeconds: number(1.2345e-3), JitterSeconds: number(1.2e-5), RootDistanceSeconds: number(1e-3),
		})
	}
	for at := m.now.Add(-30 * 24 * time.Hour); at.Before(m.now); at = at.Add(sampleEvery) {
		all = append(all, storage.ReferenceSample{At: at.UnixNano(), Blob: asJSON(b, ownSample{Status: status})})
	}
	return all
}

func asJSON(b *testing.B, v any) []byte {
	blob, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return blob
}
