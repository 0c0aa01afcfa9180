package archive

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
)

// epoch is when the tests' hosts begin to speak.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A sender writes the lines of one host whose clock is known.
type sender struct {
	host   string
	layout string // of its stamps
	offset func(at time.Duration) time.Duration
	mean   time.Duration // between messages
}

const (
	bsd     = time.Stamp
	rfc3339 = "2006-01-02T15:04:05.000000Z07:00"
)

func constant(d time.Duration) func(time.Duration) time.Duration {
	return func(time.Duration) time.Duration { return d }
}

// lines returns what the host has sent within a span, "host,sent,received". The delays
// are around 0.3 ms.
func (s sender) lines(r *rand.Rand, span time.Duration, received string) (lines []string) {
	for at := time.Duration(0); at < span; at += time.Duration(r.ExpFloat64() * float64(s.mean)) {
		delay := time.Duration(float64(300*time.Microsecond) * math.Exp(r.NormFloat64()))
		lines = append(lines, fmt.Sprintf("%s,%s,%s", s.host,
			epoch.Add(at+s.offset(at)).Format(s.layout), epoch.Add(at+delay).Format(received)))
	}
	return lines
}

// judged returns the rows of an archive, by host, and the result.
func judged(t testing.TB, text string, o Options) (map[string]report.Row, *Result) {
	t.Helper()
	o.Fleet = analysis.Config{Params: analysis.DefaultParams(), Rule: func(string, netip.Addr) analysis.HostRule {
		return analysis.HostRule{Tolerance: analysis.Tolerance{Warn: time.Second}}
	}}
	if o.Bad == nil {
		o.Bad = func(bad *LineError) { t.Errorf("line %d: %v", bad.Number, bad) }
	}
	r, err := NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	result, err := Judge(r, o)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]report.Row{}
	for _, row := range result.Rows.Rows(func(string) bool { return true }) {
		rows[row.Host] = row
	}
	return rows, result
}

const header = "host,sent,received\n"

func TestJudge(t *testing.T) {
	const span = 10 * time.Minute
	micros, seconds := rfc3339, time.RFC3339
	tests := []struct {
		name     string
		sender   sender
		received string
		within   time.Duration // of the true offset
		verdict  string
	}{
		{"in sync, whole seconds", sender{layout: bsd, offset: constant(0)}, micros, 20 * time.Millisecond, "in-sync"},
		{"ahead, whole seconds", sender{layout: bsd, offset: constant(37500 * time.Millisecond)}, micros, 20 * time.Millisecond, "ahead"},
		{"in sync", sender{layout: rfc3339, offset: constant(0)}, micros, 5 * time.Millisecond, "in-sync"},
		{"ahead", sender{layout: rfc3339, offset: constant(37500 * time.Millisecond)}, micros, 5 * time.Millisecond, "ahead"},
		{"behind", sender{layout: rfc3339, offset: constant(-3 * time.Second)}, micros, 5 * time.Millisecond, "late"},
		{"an hour east", sender{layout: bsd, offset: constant(time.Hour)}, micros, 20 * time.Millisecond, "wrong-zone"},
		{"ahead, received in whole seconds", sender{layout: rfc3339, offset: constant(37500 * time.Millisecond)}, seconds, time.Second, "ahead"},
		{"in sync, all in whole seconds", sender{layout: bsd, offset: constant(0)}, seconds, time.Second, "insufficient"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(10) {
				s := tt.sender
				s.host, s.mean = "web1", time.Second
				lines := s.lines(rand.New(rand.NewPCG(seed, 3)), span, tt.received)
				rows, _ := judged(t, header+strings.Join(lines, "\n"), Options{})
				row, truth := rows["web1"], s.offset(0).Seconds()
				if row.Verdict != tt.verdict || row.Messages != uint64(len(lines)) {
					t.Errorf("seed %d: %d messages, verdict %s (%s), want %d, %s", seed, row.Messages, row.Verdict, row.Explanation, len(lines), tt.verdict)
				}
				if math.Abs(*row.Offset-truth) > tt.within.Seconds() {
					t.Errorf("seed %d: offset %+f s, want %+f s within %v", seed, *row.Offset, truth, tt.within)
				}
				if *row.OffsetLow > truth || *row.OffsetHigh < truth {
					t.Errorf("seed %d: interval %+f to %+f s doesn't hold %+f s", seed, *row.OffsetLow, *row.OffsetHigh, truth)
				}
			}
		})
	}
}

// A receive time that was cut off to the second may be up to a second too early.
// However the messages fall within the seconds, the interval holds the truth.
func TestCoarseReceipt(t *testing.T) {
	for _, layout := range []string{bsd, rfc3339} {
		for phase := time.Duration(0); phase < time.Second; phase += 50 * time.Millisecond {
			var b strings.Builder
			b.WriteString(header)
			for at := phase; at < 10*time.Minute; at += 10 * time.Second {
				fmt.Fprintf(&b, "cron,%s,%s\n", epoch.Add(at+3300*time.Millisecond).Format(layout), epoch.Add(at+time.Millisecond).Format(time.RFC3339))
			}
			rows, _ := judged(t, b.String(), Options{})
			if row := rows["cron"]; *row.OffsetLow > 3.3 || *row.OffsetHigh < 3.3 {
				t.Errorf("%s, phase %v: interval %+f to %+f s doesn't hold +3.3 s", layout, phase, *row.OffsetLow, *row.OffsetHigh)
			}
		}
	}
}

func TestJudgeAt(t *testing.T) {
	s := sender{host: "web1", layout: bsd, mean: time.Second, offset: func(at time.Duration) time.Duration {
		if at > 10*time.Minute {
			return 20 * time.Second
		}
		return 0
	}}
	archive := header + strings.Join(s.lines(rand.New(rand.NewPCG(1, 3)), 40*time.Minute, rfc3339), "\n")
	tests := []struct {
		name    string
		options Options
		verdict string
		steps   int
	}{
		{"at the end", Options{}, "ahead", 1},
		{"before the step", Options{At: epoch.Add(9 * time.Minute)}, "in-sync", 0},
		{"after the step", Options{At: epoch.Add(12 * time.Minute)}, "ahead", 1},
		{"until before the step", Options{Until: epoch.Add(9 * time.Minute)}, "in-sync", 0},
		{"since after the step", Options{Since: epoch.Add(11 * time.Minute)}, "ahead", 0},
		{"at the first message", Options{At: epoch.Add(time.Millisecond)}, "insufficient", 0},
	}
	for _, tt := range tests {
		rows, result := judged(t, archive, tt.options)
		row := rows["web1"]
		if row.Verdict != tt.verdict || len(row.Steps) != tt.steps {
			t.Errorf("%s: verdict %s (%s), steps %v, want %s and %d", tt.name, row.Verdict, row.Explanation, row.Steps, tt.verdict, tt.steps)
		}
		end := tt.options.At
		if end.IsZero() {
			end = tt.options.Until
		}
		if !end.IsZero() && result.Last > end.UnixNano() {
			t.Errorf("%s: the last line is of %v", tt.name, time.Unix(0, result.Last).UTC())
		}
	}
	if rows, _ := judged(t, archive, Options{At: epoch.Add(-time.Second)}); len(rows) != 0 {
		t.Errorf("before the first line: %v", rows)
	}
}

// A line that is received at the very moment counts.
func TestAtIsInclusive(t *testing.T) {
	const archive = header + "web1,-,2026-03-01T12:00:00Z\nweb1,-,2026-03-01T12:00:01Z\n"
	rows, _ := judged(t, archive, Options{At: epoch})
	if have := rows["web1"].Messages; have != 1 {
		t.Errorf("%d messages at the first one's time, want 1", have)
	}
	rows, _ = judged(t, archive, Options{Until: epoch.Add(time.Second)})
	if have := rows["web1"].Messages; have != 1 {
		t.Errorf("%d messages until the second one's time, want 1", have)
	}
}

// Exports are sorted by host, newest first or not at all. That changes nothing.
func TestOrderDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	var lines []string
	for i, offset := range []time.Duration{0, 20 * time.Second, -20 * time.Second} {
		s := sender{host: fmt.Sprint("web", i), layout: bsd, mean: time.Second, offset: func(at time.Duration) time.Duration {
			if at < 20*time.Minute {
				return 0
			}
			return offset
		}}
		lines = append(lines, s.lines(r, time.Hour, rfc3339)...)
	}
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(a[len(a)-27:], b[len(b)-27:]) })
	want, _ := judged(t, header+strings.Join(lines, "\n"), Options{})
	for order, sort := range map[string]func(){
		"by host":      func() { slices.Sort(lines) },
		"newest first": func() { slices.Reverse(lines) },
		"none":         func() { r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] }) },
	} {
		sort()
		have, _ := judged(t, header+strings.Join(lines, "\n"), Options{})
		for host, row := range want {
			if have, want := fmt.Sprint(values(have[host])), fmt.Sprint(values(row)); have != want {
				t.Errorf("order %s: %s is %s, want %s", order, host, have, want)
			}
		}
	}
}

// values returns what a row says, without pointers.
func values(r report.Row) []any {
	return []any{r.Verdict, r.Explanation, r.Messages, *r.Offset, *r.OffsetLow, *r.OffsetHigh, r.Steps, r.Backlogs, r.OutOfTolerance}
}

// Lines that stand too far behind are told.
func TestDisplaced(t *testing.T) {
	var b strings.Builder
	b.WriteString(header)
	const ahead = 1000
	for i := range ahead {
		fmt.Fprintf(&b, "web1,-,%d\n", 1772366400+i)
	}
	b.WriteString("web1,-,1772366399\nweb2,-,1772366399\n")
	r, err := NewReader(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	r.window = ahead
	n := 0
	if err := r.InOrder(func(*Line) { n++ }, func(bad *LineError) { t.Error(bad) }); err != nil {
		t.Fatal(err)
	}
	if r.Displaced() != 1 || n != ahead+2 {
		t.Errorf("%d of %d lines are displaced, want 1 of %d", r.Displaced(), n, ahead+2)
	}
}

// The time out of tolerance is all of the archive's for a clock that always is.
func TestOutOfTolerance(t *testing.T) {
	const span = 3 * time.Hour
	s := sender{host: "web1", layout: rfc3339, mean: 100 * time.Millisecond, offset: constant(37500 * time.Millisecond)}
	rows, _ := judged(t, header+strings.Join(s.lines(rand.New(rand.NewPCG(5, 3)), span, rfc3339), "\n"), Options{})
	if have := rows["web1"].OutOfTolerance; have < 0.98*span.Seconds() || have > span.Seconds() {
		t.Errorf("%.0f s out of tolerance, want %.0f s", have, span.Seconds())
	}
}

func BenchmarkJudge(b *testing.B) {
	for _, hosts := range []int{10, 1000} {
		text := manyLines(hosts)
		for _, format := range []string{"csv", "ndjson"} {
			archive := text
			if format == "ndjson" {
				archive = objectsOf(text)
			}
			b.Run(fmt.Sprintf("hosts=%d/%s", hosts, format), func(b *testing.B) {
				b.SetBytes(int64(len(archive)))
				for b.Loop() {
					judged(b, archive, Options{})
				}
			})
			b.Run(fmt.Sprintf("hosts=%d/%s/read", hosts, format), func(b *testing.B) {
				b.SetBytes(int64(len(archive)))
				b.ReportAllocs()
				for b.Loop() {
					r, err := NewReader(strings.NewReader(archive))
					for err == nil {
						_, err = r.Next()
					}
				}
			})
		}
	}
}

// manyLines returns an archive of a hundred thousand lines.
func manyLines(hosts int) string {
	const lines = 100_000
	r := rand.New(rand.NewPCG(4, 3))
	b := bytes.NewBufferString(header)
	at := time.Duration(0)
	for range lines {
		at += time.Duration(r.ExpFloat64() * float64(time.Second) / float64(hosts))
		layout := bsd
		if r.IntN(2) == 0 {
			layout = rfc3339
		}
		fmt.Fprintf(b, "web%d,%s,%s\n", r.IntN(hosts), epoch.Add(at).Format(layout), epoch.Add(at+300*time.Microsecond).Format(rfc3339))
	}
	return b.String()
}

// objectsOf writes CSV as NDJSON.
func objectsOf(table string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimPrefix(table, header)) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), ",")
		fmt.Fprintf(&b, "{\"host\":%q,\"sent\":%q,\"received\":%q}\n", cells[0], cells[1], cells[2])
	}
	return b.String()
}
