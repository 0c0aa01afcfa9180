package simulation

import (
	"hash/fnv"
	"iter"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

var start = time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC)

// testHost returns a host with a bit of everything.
func testHost(seed uint64) *Host {
	r := rand.New(rand.NewPCG(seed, 1))
	return &Host{
		Seed: seed, Start: start, Span: 6 * time.Hour,
		Clock:   Sum{Constant(time.Second), Skew(40), Wander(seed, time.Millisecond, 10*time.Minute), Crystal(seed, 0.02, 0.3)},
		Process: ByDay{Of: Poisson(time.Second), Depth: 0.5},
		Delay:   Delays{LAN(r), NewCongestion(seed, time.Hour, 3*time.Minute, 20*time.Millisecond, time.Second)},
		Outages: []Outage{
			{At: time.Hour, For: 20 * time.Minute, Flush: Queued, Rate: 3},
			{At: 3 * time.Hour, For: 20 * time.Minute, Flush: Interleaved, Rate: 5, Batch: 16},
			{At: 5 * time.Hour, For: 5 * time.Minute, Flush: Lost},
		},
		Loss: 0.01, InOrder: seed%2 == 0,
		Stamp: Stamp{Format: message.StampRFC5424, Resolution: time.Millisecond},
		Name:  "web1", Source: netip.MustParseAddr("192.0.2.1"),
	}
}

// digest hashes all that a host says.
func digest(h *Host) (sum uint64, n int) {
	d := fnv.New64a()
	for m := range h.Messages() {
		n++
		for _, x := range []int64{m.Received, m.PreviousRead, m.Sent.Civil} {
			for i := range 8 {
				d.Write([]byte{byte(x >> (8 * i))})
			}
		}
	}
	return d.Sum64(), n
}

func TestSameSeedSameMessages(t *testing.T) {
	h := testHost(1)
	a, n := digest(h)
	for _, same := range []*Host{h, testHost(1)} {
		if b, _ := digest(same); b != a {
			t.Errorf("seed 1 gave %x and then %x, want the same", a, b)
		}
	}
	if c, _ := digest(testHost(2)); c == a || n < 10000 {
		t.Errorf("seeds 1 and 2 gave %x and %x of %d messages, want different ones of 10,000 or more", a, c, n)
	}
}

func TestOrderAndOneSidedness(t *testing.T) {
	for seed := range uint64(4) {
		h := testHost(seed)
		last := int64(0)
		for m := range h.Messages() {
			if m.Received < last {
				t.Fatalf("seed %d: received at %d after %d", seed, m.Received, last)
			}
			last = m.Received
			sent, ok := m.Sent.Instant()
			if !ok {
				t.Fatalf("seed %d: stamp %+v names no moment", seed, m.Sent)
			}
			// the offset has hardly changed since the message was sent
			at := time.Duration(m.Received - h.Start.UnixNano())
			if over := time.Duration(sent-m.Received) - h.Clock.Offset(at); over > at/1000 {
				t.Fatalf("seed %d: the message of %v leads the clock by %v", seed, at, over)
			}
		}
	}
}

func TestClocks(t *testing.T) {
	const s, h = time.Second, time.Hour
	smear := LeapSmear{Leap: 12 * h, Before: 12 * h, After: 12 * h}
	halt := Halt{Of: Constant(2 * s), At: 100 * s, For: 50 * s}
	free := Free{Of: Constant(2 * s), At: 100 * s, For: 10000 * s, Skew: 100}
	tests := []struct {
		name  string
		clock Clock
		at    time.Duration
		want  time.Duration
	}{
		{"constant", Constant(3 * s), h, 3 * s},
		{"skew", Skew(100), 10000 * s, s},
		{"before a step", Step{At: 10 * s, By: -s}, 10*s - 1, 0},
		{"after a step", Step{At: 10 * s, By: -s}, 10 * s, -s},
		{"slew half done", Slew{At: 10 * s, By: s, Rate: 1e6 / 100}, 60 * s, s / 2},
		{"slew done", Slew{At: 10 * s, By: -s, Rate: 1e6 / 100}, 111 * s, -s},
		{"smear in the morning", smear, 6 * h, -s / 4},
		{"smear just before the leap second", smear, 12*h - 1, -s / 2},
		{"smear at the leap second", smear, 12 * h, s / 2},
		{"smear done", smear, 24 * h, 0},
		{"slewed afterwards", LeapSmear{Leap: 12 * h, After: 24 * h}, 24 * h, s / 2},
		{"before a halt", halt, 99 * s, 2 * s},
		{"standing still", halt, 130 * s, 2*s - 30*s},
		{"after a halt", halt, 150 * s, 2*s - 50*s},
		{"still kept", free, 99 * s, 2 * s},
		{"running free", free, 1100 * s, 2*s + s/10},
		{"kept again", free, 10100 * s, 2 * s},
		{"sum", Sum{Constant(s), Step{At: 5 * s, By: s}}, 6 * s, 2 * s},
		{"dead battery", DeadRTC(start, time.Unix(0, 0), 60*s), 59 * s, -time.Duration(start.UnixNano())},
		{"dead battery, corrected", DeadRTC(start, time.Unix(0, 0), 60*s), 60 * s, 0},
	}
	for _, tt := range tests {
		if have := tt.clock.Offset(tt.at); (have - tt.want).Abs() > 2 {
			t.Errorf("%s: offset at %v is %v, want %v", tt.name, tt.at, have, tt.want)
		}
	}
}

// What is asked later doesn't change what was drawn.
func TestRandomClocksDontDependOnTheQuestions(t *testing.T) {
	a, b := Wander(7, time.Millisecond, 10*time.Minute), Wander(7, time.Millisecond, 10*time.Minute)
	b.Offset(20 * time.Hour)
	for at := time.Duration(0); at < 24*time.Hour; at += 7 * time.Minute {
		if a.Offset(at) != b.Offset(at) {
			t.Fatalf("offset at %v is %v, asked in another order %v", at, a.Offset(at), b.Offset(at))
		}
	}
}

func TestWanderIsAsWideAsAsked(t *testing.T) {
	c := Wander(3, time.Millisecond, 10*time.Minute)
	sum, n := 0.0, 0
	for at := time.Duration(0); at < 2000*time.Hour; at += 10 * time.Minute {
		x := c.Offset(at).Seconds()
		sum, n = sum+x*x, n+1
	}
	if sigma := math.Sqrt(sum / float64(n)); math.Abs(sigma-1e-3) > 0.05e-3 {
		t.Errorf("standard deviation %.3g s, want 1 ms", sigma)
	}
}

func TestDisciplineComesBack(t *testing.T) {
	const span = 100 * time.Hour
	away := Away{Every: time.Hour, Least: time.Millisecond, Most: time.Second, Rate: 100}
	d := NewDiscipline(1, span, away, Slews{500, SlewChrony})
	if len(d.Slewed) < 20 {
		t.Fatalf("%d corrections, want about 40", len(d.Slewed))
	}
	for _, c := range d.Slewed {
		before, after := d.Offset(c.At), d.Offset(c.At+c.Lasts)
		if (before+c.By).Abs() > 10 || after.Abs() > 10 {
			t.Errorf("corrected by %v from %v to %v, want from %v to 0", c.By, before, after, -c.By)
		}
	}
}

// times returns when a process speaks within a span, on a clock that is off.
func times(p Process, span time.Duration, c Clock) (all []time.Duration) {
	h := Host{Start: start, Clock: c}
	for at := range p.Times(rand.New(rand.NewPCG(1, 1)), h.ClockAt) {
		if at >= span {
			return all
		}
		all = append(all, at)
	}
	return all
}

func TestProcesses(t *testing.T) {
	const span = 10 * time.Hour
	tests := []struct {
		name    string
		process Process
		want    float64 // messages in the span
		near    float64
	}{
		{"poisson", Poisson(time.Second), 36000, 600},
		{"bursts", Bursts{Every: 20 * time.Second, Size: 20}, 36000, 3000},
		{"cron", Cron{Every: time.Minute, Phase: 7 * time.Second, Size: 3}, 1800, 6},
		{"even", Even{Every: 2 * time.Second}, 18000, 1},
		{"silent", Silent{Of: Even{Every: time.Second}, At: time.Hour, For: time.Hour}, 32400, 1},
		{"between", Between{Of: Even{Every: time.Second}, From: time.Hour, To: 2 * time.Hour}, 3600, 1},
		{"by day", ByDay{Of: Poisson(time.Second), Depth: 1}, 36000 * (0.5 + math.Sin(2*math.Pi*10/24)/(2*math.Pi*10/24)/2), 600},
	}
	for _, tt := range tests {
		have := times(tt.process, span, Constant(3*time.Second))
		if math.Abs(float64(len(have))-tt.want) > tt.near {
			t.Errorf("%s: %d messages, want about %.0f", tt.name, len(have), tt.want)
		}
		if !slices.IsSorted(have) {
			t.Errorf("%s: times are not in order", tt.name)
		}
	}
}

// Cron goes by the host's clock, also when that is set.
func TestDelayOfAWhile(t *testing.T) {
	while := Until{At: 20 * time.Second, Delay: From{At: 10 * time.Second, Delay: Fixed(time.Second)}}
	for at, want := range map[time.Duration]time.Duration{9 * time.Second: 0, 10 * time.Second: time.Second, 19 * time.Second: time.Second, 20 * time.Second: 0} {
		if have := while.Next(nil, at); have != want {
			t.Errorf("the delay at %v is %v, want %v", at, have, want)
		}
	}
}

func TestCronKeepsThePhaseOfItsClock(t *testing.T) {
	clock := Sum{Skew(300), Step{At: 30 * time.Minute, By: -17 * time.Second}}
	h := Host{Start: start, Clock: clock}
	for _, at := range times(Cron{Every: time.Minute, Phase: 20 * time.Second}, 2*time.Hour, clock) {
		into := time.Duration(h.ClockAt(at) % int64(time.Minute))
		if near := into - 20*time.Second; (near < 0 || near > time.Second) && (at-30*time.Minute).Abs() > 2*time.Minute {
			t.Errorf("at %v the clock showed %v of the minute, want 20 s", at, into)
		}
	}
}

func TestSpools(t *testing.T) {
	const down, up = time.Hour, 80 * time.Minute
	tests := []struct {
		name  string
		flush Flush
		batch int
		fresh bool          // messages sent after the outage arrive at once
		empty time.Duration // after the outage
		lost  int
	}{
		{"queued", Queued, 0, false, 20 * time.Minute, 0},
		{"in batches", Queued, 64, false, 20 * time.Minute, 0},
		{"interleaved", Interleaved, 0, true, 10 * time.Minute, 0},
		{"lost", Lost, 0, true, 0, 1200},
	}
	for _, tt := range tests {
		h := &Host{
			Start: start, Span: 4 * time.Hour, Clock: Constant(0), Process: Even{Every: time.Second}, Delay: Fixed(0),
			Outages: []Outage{{At: down, For: up - down, Flush: tt.flush, Rate: 2, Batch: tt.batch}},
		}
		n, last := 0, up
		for f := range h.arrivals() {
			n++
			if f.received > down && f.received < up {
				t.Fatalf("%s: a message arrives at %v, while the host is cut off", tt.name, f.received)
			}
			if f.received > f.sent {
				last = max(last, f.received)
			}
			if at := f.sent; tt.fresh && at >= up && f.received != at {
				t.Fatalf("%s: a fresh message of %v arrives at %v", tt.name, at, f.received)
			}
		}
		if lost := 4*3600 - n; lost != tt.lost {
			t.Errorf("%s: %d messages lost, want %d", tt.name, lost, tt.lost)
		}
		if (last - up - tt.empty).Abs() > time.Minute {
			t.Errorf("%s: the spool is empty at %v, want %v after %v", tt.name, last, tt.empty, up)
		}
	}
}

func TestStamps(t *testing.T) {
	at := time.Date(2026, 7, 4, 12, 34, 56, 789_654_321, time.UTC)
	leapDay := time.Date(2028, 2, 29, 23, 59, 59, 900_000_000, time.UTC)
	tests := []struct {
		name  string
		stamp Stamp
		clock time.Time
		want  string // civil
	}{
		{"truncated to a second", Stamp{Format: message.StampRFC3339}, at, "2026-07-04 12:34:56"},
		{"rounded to a second", Stamp{Format: message.StampRFC3339, Rounded: true}, at, "2026-07-04 12:34:57"},
		{"milliseconds", Stamp{Format: message.StampRFC5424, Resolution: time.Millisecond}, at, "2026-07-04 12:34:56.789"},
		{"rounded milliseconds", Stamp{Format: message.StampRFC5424, Resolution: time.Millisecond, Rounded: true}, at, "2026-07-04 12:34:56.79"},
		{"a zone", Stamp{Format: message.StampRFC5424, ZoneEast: 2 * time.Hour}, at, "2026-07-04 14:34:56"},
		{"no year", Stamp{Format: message.StampBSD}, at, "2000-07-04 12:34:56"},
		{"no year, leap day", Stamp{Format: message.StampBSD}, leapDay, "2000-02-29 23:59:59"},
		{"no year, rounded over the month", Stamp{Format: message.StampBSD, Rounded: true}, leapDay, "2000-03-01 00:00:00"},
		{"before 1970", Stamp{Format: message.StampRFC3339}, time.Date(1969, 12, 31, 23, 59, 58, 5e8, time.UTC), "1969-12-31 23:59:58"},
	}
	for _, tt := range tests {
		have := tt.stamp.write(nil, tt.clock.UnixNano())
		if s := time.Unix(0, have.Civil).UTC().Format("2006-01-02 15:04:05.999999999"); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, s, tt.want)
		}
		if have.HasYear == (tt.stamp.Format == message.StampBSD) {
			t.Errorf("%s: has a year: %v", tt.name, have.HasYear)
		}
	}
}

// A stalled reader takes many messages in one read, and says since when they may have
// waited.
func TestReader(t *testing.T) {
	arrivals := []time.Duration{1, 2, 50, 51, 80, 300}
	flights := func(yield func(flight) bool) {
		for _, at := range arrivals {
			if !yield(flight{sent: at, received: at}) {
				return
			}
		}
	}
	rd := Reader{Busy: 40}
	type read struct{ received, previous time.Duration }
	var have []read
	for f := range rd.read(rand.New(rand.NewPCG(1, 1)), flights) {
		have = append(have, read{f.received, f.previous})
	}
	want := []read{{1, 0}, {2, 2}, {80, 2}, {80, 2}, {80, 80}, {300, 300}}
	if !slices.Equal(have, want) {
		t.Errorf("reads are %v, want %v", have, want)
	}
}

func TestTogether(t *testing.T) {
	a, b := testHost(1), testHost(2)
	_, na := digest(a)
	_, nb := digest(b)
	n, last := 0, int64(0)
	for m := range Together(a, b) {
		if m.Received < last {
			t.Fatalf("received at %d after %d", m.Received, last)
		}
		n, last = n+1, m.Received
	}
	if n != na+nb {
		t.Errorf("%d messages, want %d and %d", n, na, nb)
	}
}

func TestReferenceSamples(t *testing.T) {
	ref := Reference{Seed: 1, Noise: 3 * time.Millisecond, Every: 16 * time.Second, Of: Constant(time.Second)}
	sum, squares, n := 0.0, 0.0, 20000
	for i := range n {
		x := ref.Offset(time.Duration(i)*16*time.Second).Seconds() + 1
		sum, squares = sum+x, squares+x*x
	}
	if mean, sigma := sum/float64(n), math.Sqrt(squares/float64(n)); math.Abs(mean) > 1e-4 || math.Abs(sigma-3e-3) > 1e-4 {
		t.Errorf("samples lie %.3g s off with a standard deviation of %.3g s, want 0 and 3 ms", mean, sigma)
	}
	if ref.Offset(17*time.Second) != ref.Offset(31*time.Second) {
		t.Error("two answers between two samples differ")
	}
}

func BenchmarkMessages(b *testing.B) {
	n := 0
	for b.Loop() {
		h := testHost(uint64(n))
		h.Span = time.Hour
		h.Process = Poisson(100 * time.Millisecond)
		for range h.Messages() {
			n++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/message")
}

// What a host puts on the wire is what the collector gets.
func TestSendings(t *testing.T) {
	h := testHost(3)
	h.Reader = nil
	next, stop := iter.Pull(h.Sendings())
	defer stop()
	for m := range h.Messages() {
		s, ok := next()
		if !ok || m.Received != h.Start.Add(s.Received).UnixNano() || m.Sent != s.Stamp || s.Sent > s.Received {
			t.Fatalf("%+v is sent, %v, and %+v received", s, ok, m)
		}
	}
	if s, ok := next(); ok {
		t.Errorf("%+v is sent, and not received", s)
	}
}

func TestSendingsOf(t *testing.T) {
	hosts := []*Host{testHost(1), testHost(2), testHost(3)}
	var seen [3]int
	last := time.Duration(0)
	for i, s := range SendingsOf(hosts...) {
		if s.Received < last {
			t.Fatalf("%v comes after %v", s.Received, last)
		}
		last = s.Received
		seen[i]++
	}
	for i, h := range hosts {
		if _, n := digest(h); seen[i] != n {
			t.Errorf("host %d sends %d messages, want %d", i, seen[i], n)
		}
	}
}
