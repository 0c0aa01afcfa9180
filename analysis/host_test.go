package analysis

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// epoch is when the tests' hosts begin to speak.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano()

// A host is a sender with a clock that is known.
type host struct {
	name       string
	peer       string
	trust      message.Trust
	format     message.StampFormat
	resolution time.Duration
	offset     func(at time.Duration) time.Duration // by the true time since epoch
	delay      func(r *rand.Rand, at time.Duration) time.Duration
	mean       time.Duration // between messages

	speaks   func(at time.Duration) bool // nil for always
	yearless bool
	minRTT   time.Duration
	quality  message.TimeQuality
}

// newHost returns a healthy host on a quiet network: RFC 5424 over TCP, a message in
// 250 ms, delays around 0.3 ms.
func newHost(name string) host {
	return host{
		name: name, peer: "192.0.2.1", trust: message.TrustHandshake, format: message.StampRFC5424,
		resolution: time.Microsecond, mean: 250 * time.Millisecond,
		offset: constant(0),
		delay: func(r *rand.Rand, _ time.Duration) time.Duration {
			return time.Duration(float64(300*time.Microsecond) * math.Exp(r.NormFloat64()))
		},
	}
}

func constant(d time.Duration) func(time.Duration) time.Duration {
	return func(time.Duration) time.Duration { return d }
}

// skewed returns an offset that starts at d and grows by ppm.
func skewed(d time.Duration, ppm float64) func(time.Duration) time.Duration {
	return func(at time.Duration) time.Duration { return d + time.Duration(ppm*1e-6*float64(at)) }
}

// coarse makes the host write RFC 3164 stamps.
func (h host) coarse() host {
	h.format, h.resolution = message.StampBSD, time.Second
	return h
}

// message returns the message that the host sends at a true time.
func (h *host) message(r *rand.Rand, at time.Duration) message.Message {
	digits := uint8(0)
	for d := h.resolution; d < time.Second; d *= 10 {
		digits++
	}
	clock := epoch + int64(at+h.offset(at))
	civil := clock - clock%int64(h.resolution)
	if h.yearless {
		t := unixUTC(civil)
		civil = time.Date(message.YearUnknown, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC).UnixNano()
	}
	return message.Message{
		MinRTT: h.minRTT, TimeQuality: h.quality,
		Received: epoch + int64(at+h.delay(r, at)),
		Source:   netip.MustParseAddr(h.peer), Trust: h.trust, Host: []byte(h.name), StampedBy: message.StampedByKernel,
		Sent: message.Stamp{
			Format: h.format, Digits: digits, Civil: civil, HasYear: !h.yearless, HasZone: h.format != message.StampBSD,
		},
	}
}

// speak sends the host's messages of a span at random intervals into the fleet,
// which is ticked once a second, and returns what was found.
func speak(f *Fleet, span time.Duration, seed uint64, hosts ...host) []Finding {
	return speakWatched(f, span, seed, func(time.Duration) {}, hosts...)
}

// speakWatched calls watch each minute besides.
func speakWatched(f *Fleet, span time.Duration, seed uint64, watch func(at time.Duration), hosts ...host) []Finding {
	return speakBetween(f, 0, span, seed, watch, hosts...)
}

// continued is speak from a later time on.
func continued(f *Fleet, from, to time.Duration, seed uint64, hosts ...host) []Finding {
	return speakBetween(f, from, to, seed, func(time.Duration) {}, hosts...)
}

func speakBetween(f *Fleet, from, to time.Duration, seed uint64, watch func(at time.Duration), hosts ...host) []Finding {
	r := newRand(seed)
	next := make([]time.Duration, len(hosts))
	for i := range next {
		next[i] = from
	}
	var found []Finding
	for at := from; at < to; at += time.Second {
		for i := range hosts {
			h := &hosts[i]
			for ; next[i] < at+time.Second; next[i] += time.Duration(r.ExpFloat64() * float64(h.mean)) {
				if h.speaks == nil || h.speaks(next[i]) {
					m := h.message(r, next[i])
					f.Observe(&m)
				}
			}
		}
		found = append(found, f.Tick(epoch+int64(at+time.Second), synchronised)...)
		if at > 0 && at%time.Minute == 0 {
			watch(at)
		}
	}
	return append(found, f.Refresh(epoch+int64(to), synchronised)...)
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

var synchronised = Reference{State: Synchronised, Bound: 100 * time.Microsecond}

func newFleet() *Fleet { return fleetOf(HostRule{}) }

// fleetOf returns a fleet with one rule for all hosts, whose tolerance is a second
// unless it says otherwise.
func fleetOf(rule HostRule, roster ...Named) *Fleet {
	if rule.Tolerance == (Tolerance{}) {
		rule.Tolerance = Tolerance{Warn: time.Second, Crit: 5 * time.Second}
	}
	return NewFleet(Config{
		Params: DefaultParams(), Hold: 10 * time.Second, Roster: roster,
		Rule: func(string, netip.Addr) HostRule { return rule },
	})
}

// restored returns a fleet that goes on from a snapshot of another.
func restored(t *testing.T, f *Fleet) *Fleet {
	t.Helper()
	again := NewFleet(f.config)
	for _, o := range f.originators {
		o.changed = true
	}
	f.changed = true
	again.Restore(f.Snapshot().Originators, func(err error) { t.Fatal(err) })
	return again
}

// identityOf returns what is said of a host; the zero Identity if it isn't known.
func identityOf(f *Fleet, name string) Identity {
	for _, i := range f.Identities() {
		if i.Host == name {
			return i
		}
	}
	return Identity{}
}

// during returns that a host speaks from one time to another only.
func during(from, to time.Duration) func(time.Duration) bool {
	return func(at time.Duration) bool { return from <= at && at < to }
}

// only returns the fleet's one identity.
func only(t *testing.T, f *Fleet) Identity {
	t.Helper()
	all := f.Identities()
	if len(all) != 1 {
		t.Fatalf("%d originators, want 1: %v", len(all), all)
	}
	return all[0]
}

// rollUpOf returns the open roll-up of a host.
func rollUpOf(t *testing.T, f *Fleet, key string) RollUp {
	t.Helper()
	o := f.originators[key]
	if o == nil {
		t.Fatalf("no originator %q", key)
	}
	return o.open
}

func events(found []Finding) []Event {
	var all []Event
	for _, f := range found {
		if f.Event != nil {
			all = append(all, *f.Event)
		}
	}
	return all
}
