package analysis_test

import (
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/ntpcheck"
)

// An observatory is a collector with a clock of its own and what NTP says of it.
type observatory struct {
	name  string
	clock simulation.Clock // nil if it is true
	noise time.Duration
	bound time.Duration

	// rough says that the correction is beyond its bound, so that some of the noise
	// reaches the estimates: as much as is left of it in a line through the samples.
	rough bool
}

// roughly is what that may be in the median.
const roughly = 500 * time.Microsecond

const sampleNoise = 3 * time.Millisecond

// slowCollector loses 20 ppm, which adds up to a fifth of a second.
const slowCollector = simulation.Skew(-20)

var observatories = []observatory{
	{name: "true clock, perfect reference"},
	{name: "true clock, 3 ms of noise", noise: sampleNoise, bound: 3 * sampleNoise},
	{name: "20 ppm slow, perfect reference", clock: slowCollector},
	{name: "20 ppm slow, 3 ms of noise", clock: slowCollector, noise: sampleNoise, bound: 3 * sampleNoise, rough: true},
}

// seen is what a collector made of one host.
type seen struct {
	errors sample
	width  sample // of the interval, less the reference's own share
	tally
}

func (o *observatory) run(seed uint64) seen {
	r := random(seed)
	path := simulation.LAN(r)
	h := plainHost(seed, r, 3*time.Hour, []time.Duration{time.Second, time.Millisecond}[r.IntN(2)], path)
	setClock(h, simulation.Constant(spanOf(between(r, -2, 2))), simulation.Skew(between(r, -50, 50)))
	h.MinRTT, h.Collector = path.MinRTT(), o.clock
	ntp := simulation.Reference{Seed: seed, Noise: o.noise, Every: 16 * time.Second, Of: o.clock}
	known := track(h.Start, &ntp, o.bound)
	var ref analysis.Reference
	var s seen
	var stated analysis.Interval
	var newest time.Duration
	w := fleetWatch{
		start: h.Start, span: h.Span, every: 4 * time.Second, messages: h.Messages(),
		each: func(m *message.Message) { newest = time.Duration(m.Received - h.Start.UnixNano()) },
		reference: func(at time.Duration) analysis.Reference {
			ref = known(at)
			return ref
		},
		look: func(at time.Duration, f *analysis.Fleet, v verdict) {
			i, ok := intervalOf(f)
			if fresh := i != stated; ok && fresh && at >= time.Hour { // what stands longer is as old as it is
				truth := h.Clock.Offset(newest)
				s.errors = append(s.errors, (i.Offset - truth).Abs().Seconds())
				s.width = append(s.width, (i.High - i.Low - 2*ref.Bound).Seconds())
				s.count(i, truth)
			}
			stated = i
		},
	}
	w.run()
	return s
}

// track returns what a line through the samples so far says at a time.
func track(start time.Time, ntp *simulation.Reference, bound time.Duration) func(time.Duration) analysis.Reference {
	var t ntpcheck.Track
	return func(at time.Duration) analysis.Reference {
		now := start.Add(at)
		t.Add(start.Add(at-at%ntp.Every), ntp.Offset(at), bound+time.Microsecond, ntp.Every)
		r := analysis.Reference{State: analysis.Synchronised, Offset: ntp.Offset(at), Bound: bound, At: now.UnixNano(), RateBound: 15}
		if offset, bound, ok := t.At(now, time.Minute); ok {
			r.Offset, r.Bound = offset, bound
			r.Rate, r.RateBound = t.Rate().PPM, t.Rate().Bound
		}
		return r
	}
}

func TestNoisyReference(t *testing.T) {
	analysis.Long(t)
	tab := newTable("collector", "error", "width", "held", "low too high")
	all := make([]seen, len(observatories))
	for i, o := range observatories {
		for _, s := range gather(sized(8, 60), func(_ int, seed uint64) seen { return o.run(seed) }) {
			all[i].errors = append(all[i].errors, s.errors...)
			all[i].width = append(all[i].width, s.width...)
			all[i].add(s.tally)
		}
		tab.row(o.name, all[i].errors.errors(), all[i].width.errors(), held(all[i].tally), all[i].tooHigh)
	}
	t.Log(tab)
	for i := 0; i < len(all); i += 2 {
		without, with := &all[i], &all[i+1]
		if observatories[i+1].rough {
			if got := with.errors.quantile(0.5); !(got <= without.errors.quantile(0.5)+roughly.Seconds()) {
				t.Errorf("%s: median error %s, without noise %s: want no more than %v on top", observatories[i+1].name,
					inUnits(got), inUnits(without.errors.quantile(0.5)), roughly)
			}
		} else {
			about(t, observatories[i+1].name+": median error", with.errors.quantile(0.5), without.errors.quantile(0.5))
			about(t, observatories[i+1].name+": 95th percentile", with.errors.quantile(0.95), without.errors.quantile(0.95))
		}
		about(t, observatories[i+1].name+": width", with.width.quantile(0.5), without.width.quantile(0.5))
		if with.outside > without.outside+max(1, with.looked/1000) {
			t.Errorf("%s: %d intervals don't hold, %d without noise", observatories[i+1].name, with.outside, without.outside)
		}
	}
}

// about checks that a figure with noise is within 10 % of that without.
func about(t *testing.T, what string, with, without float64) {
	t.Helper()
	if !(with <= 1.1*without) {
		t.Errorf("%s: %s, without noise %s: want within 10 %%", what, inUnits(with), inUnits(without))
	}
}
