package config

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A Fleet is made-up hosts, as `skewatch simulate` reads them from a YAML file.
type Fleet struct {
	Seed  uint64 // whose random numbers all is drawn from
	Hosts []FleetHost
}

// A FleetHost is what one made-up host says, and when.
type FleetHost struct {
	Name      string
	Transport FleetTransport // "" for that of the first target
	Format    FleetFormat
	Source    netip.Addr // of its own, on loopback; invalid for one that is drawn
	Zone      Zone       // that it writes its stamps in
	Says      FleetSays
	Clock     FleetClock
	Delay     FleetDelay
	Outage    FleetOutage
}

// FleetSays is when a host speaks.
type FleetSays struct {
	How   FleetProcess
	Every time.Duration // in the mean
	Burst int           // messages at once, for bursts and cron
}

// A FleetClock is what is wrong with a host's clock, all of it at once. Times are since
// the beginning; what is 0 doesn't happen.
type FleetClock struct {
	Offset   time.Duration // host minus true time
	Skew     float64       // ppm
	Wander   time.Duration // standard deviation, as of a clock that chrony keeps
	StepAt   time.Duration // when it is set,
	StepBy   time.Duration // and by how much
	DSTAt    time.Duration // from when on it keeps summer time by itself
	Epoch    time.Time     // from which it counts, as one without a battery
	EpochFor time.Duration // until it is set right; 0 for never
	StuckAt  time.Duration // when it stops
	PauseAt  time.Duration // when its virtual machine is halted,
	PauseFor time.Duration // and for how long
}

// FleetDelay is how long messages are on their way.
type FleetDelay struct {
	Median   time.Duration // lognormal
	Sigma    float64       // of the logarithm
	Tail     float64       // the share of messages that are held up for far longer
	TailMost time.Duration // and for how long at most
	Loss     float64       // the share that never arrives
}

// A FleetOutage is a time during which a host doesn't reach the collector.
type FleetOutage struct {
	At, For time.Duration
	Flush   FleetFlush
	Rate    float64 // at which the spool is emptied, messages a second
}

// FleetTransport is how a host sends.
type FleetTransport string

// The transports of made-up hosts.
const (
	FleetUDP   FleetTransport = "udp"
	FleetTCP   FleetTransport = "tcp"    // octets counted (RFC 6587)
	FleetTCPLF FleetTransport = "tcp-lf" // a line a message
	FleetTLS   FleetTransport = "tls"    // RFC 5425
	FleetRELP  FleetTransport = "relp"
)

// FleetFormat is the shape of a host's messages.
type FleetFormat string

// The formats of made-up hosts.
const (
	FleetBSD       FleetFormat = "bsd"        // RFC 3164: whole seconds, no year, no zone
	FleetRFC3339   FleetFormat = "rfc3339"    // rsyslog's ForwardFormat, microseconds
	FleetRFC5424   FleetFormat = "rfc5424"    // microseconds
	FleetRFC5424MS FleetFormat = "rfc5424-ms" // milliseconds
	FleetCisco     FleetFormat = "cisco"      // IOS: milliseconds, no year, no zone
	FleetNoStamp   FleetFormat = "no-stamp"   // RFC 5424 with NILVALUE
)

// FleetProcess is how messages are spread over time.
type FleetProcess string

// The processes of made-up hosts.
const (
	FleetPoisson FleetProcess = "poisson" // at random
	FleetEven    FleetProcess = "even"    // at even intervals
	FleetCron    FleetProcess = "cron"    // at full intervals of the host's own clock
	FleetBursts  FleetProcess = "bursts"  // several within moments
)

// FleetFlush is what becomes of an outage's messages.
type FleetFlush string

// The ways of emptying a spool.
const (
	FleetQueued      FleetFlush = "queued"      // in order, and new messages wait
	FleetInterleaved FleetFlush = "interleaved" // old ones beside new ones
	FleetLost        FleetFlush = "lost"        // there is none
)

// NewFleetHost returns a host with everything that the file may leave out.
func NewFleetHost(name string) FleetHost {
	return FleetHost{
		Name: name, Format: FleetRFC5424, Zone: Zone{"UTC", time.UTC},
		Says:   FleetSays{How: FleetPoisson, Every: time.Second, Burst: 1},
		Delay:  FleetDelay{Median: 300 * time.Microsecond, Sigma: 1, TailMost: time.Second},
		Outage: FleetOutage{Flush: FleetQueued, Rate: 100},
	}
}

// LoadFleet reads a file that describes a fleet. The error joins an *Error for each thing
// that is wrong.
func LoadFleet(path string) (*Fleet, error) {
	fleet := &Fleet{Seed: 1}
	l := &loader{config: &Config{origins: map[string]origin{}}, settings: fleet.settings()}
	l.file("fleet", origin{source: fromFlag, name: path})
	if len(l.errs) == 0 {
		l.checkFleet(fleet, path)
	}
	if err := errors.Join(l.errs...); err != nil {
		return nil, err
	}
	return fleet, nil
}

func (f *Fleet) settings() []setting {
	return []setting{
		{key: "seed", binding: one(&f.Seed, seed)},
		{key: "hosts", items: f.items, example: "name: web1"},
	}
}

// items makes room for n hosts and returns the settings of each.
func (f *Fleet) items(n int) [][]setting {
	f.Hosts = make([]FleetHost, n)
	tables := make([][]setting, n)
	for i := range f.Hosts {
		f.Hosts[i] = NewFleetHost("")
		tables[i] = f.Hosts[i].settings(fmt.Sprintf("hosts[%d].", i))
	}
	return tables
}

func (h *FleetHost) settings(at string) []setting {
	c, d, o := &h.Clock, &h.Delay, &h.Outage
	return []setting{
		{key: at + "name", binding: one(&h.Name, fleetName)},
		{key: at + "transport", binding: one(&h.Transport, choice(word, FleetUDP, FleetTCP, FleetTCPLF, FleetTLS, FleetRELP))},
		{key: at + "format", binding: one(&h.Format, choice(word, FleetBSD, FleetRFC3339, FleetRFC5424, FleetRFC5424MS, FleetCisco, FleetNoStamp))},
		{key: at + "source", binding: one(&h.Source, loopback)},
		{key: at + "zone", binding: one(&h.Zone, zone)},
		{key: at + "says.how", binding: one(&h.Says.How, choice(word, FleetPoisson, FleetEven, FleetCron, FleetBursts))},
		{key: at + "says.every", binding: one(&h.Says.Every, duration(time.Millisecond))},
		{key: at + "says.burst", binding: one(&h.Says.Burst, count(1))},
		{key: at + "clock.offset", binding: one(&c.Offset, shift)},
		{key: at + "clock.skew_ppm", binding: one(&c.Skew, number(-mostSkew, mostSkew))},
		{key: at + "clock.wander", binding: one(&c.Wander, duration(0))},
		{key: at + "clock.step_at", binding: one(&c.StepAt, duration(time.Millisecond))},
		{key: at + "clock.step_by", binding: one(&c.StepBy, shift)},
		{key: at + "clock.dst_at", binding: one(&c.DSTAt, duration(time.Millisecond))},
		{key: at + "clock.epoch", binding: one(&c.Epoch, epoch)},
		{key: at + "clock.epoch_for", binding: one(&c.EpochFor, duration(time.Millisecond))},
		{key: at + "clock.stuck_at", binding: one(&c.StuckAt, duration(time.Millisecond))},
		{key: at + "clock.pause_at", binding: one(&c.PauseAt, duration(time.Millisecond))},
		{key: at + "clock.pause_for", binding: one(&c.PauseFor, duration(time.Millisecond))},
		{key: at + "delay.median", binding: one(&d.Median, duration(0))},
		{key: at + "delay.sigma", binding: one(&d.Sigma, number(0, 5))},
		{key: at + "delay.tail", binding: one(&d.Tail, number(0, 1))},
		{key: at + "delay.tail_most", binding: one(&d.TailMost, duration(time.Millisecond))},
		{key: at + "delay.loss", binding: one(&d.Loss, number(0, 0.99))},
		{key: at + "outage.at", binding: one(&o.At, duration(0))},
		{key: at + "outage.for", binding: one(&o.For, duration(time.Millisecond))},
		{key: at + "outage.flush", binding: one(&o.Flush, choice(word, FleetQueued, FleetInterleaved, FleetLost))},
		{key: at + "outage.rate", binding: one(&o.Rate, number(0.01, 1e6))},
	}
}

// mostSkew is the largest skew of a made-up clock, ppm. A crystal that is far out of
// order is off by a few hundred.
const mostSkew = 100_000

// fleetPairs are settings that mean nothing without another.
var fleetPairs = [][2]string{
	{"clock.step_by", "clock.step_at"}, {"clock.step_at", "clock.step_by"},
	{"clock.pause_for", "clock.pause_at"}, {"clock.pause_at", "clock.pause_for"},
	{"clock.epoch_for", "clock.epoch"},
	{"outage.at", "outage.for"}, {"outage.flush", "outage.for"}, {"outage.rate", "outage.for"},
}

// checkFleet finds what no value shows by itself.
func (l *loader) checkFleet(f *Fleet, path string) {
	if len(f.Hosts) == 0 {
		l.fail("hosts", origin{source: fromFile, name: path}, "", fault{problem: "missing", hint: `write "hosts:", and beneath it "- name: web1"`})
	}
	names := map[string]int{}
	for i := range f.Hosts {
		at := fmt.Sprintf("hosts[%d].", i)
		from := func(name string) origin { return l.config.origins[at+name] }
		name := strings.ToLower(f.Hosts[i].Name)
		if other, taken := names[name]; taken {
			l.fail(at+"name", from("name"), f.Hosts[i].Name, fault{
				problem: fmt.Sprintf("is hosts[%d]'s name too", other), hint: "give each host a name of its own"})
		}
		names[name] = i
		for _, pair := range fleetPairs {
			if from(pair[0]) != (origin{}) && from(pair[1]) == (origin{}) {
				l.fail(at+pair[0], from(pair[0]), "", fault{problem: "means nothing alone", hint: fmt.Sprintf("write %s too", placed(pair[1]))})
			}
		}
	}
}

// fleetName is the kind of names of hosts, which stand in all formats: so they have no
// spaces and colons, and don't look like a part of a stamp.
var fleetName = verbatim(func(text string) *fault {
	const known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	if text == "" || len(text) > 63 || strings.Trim(text, known) != "" || !strings.ContainsAny(text[:1], known[:52]) {
		return &fault{problem: "not a host's name", hint: `write a letter, and up to 62 letters, digits and - _ . such as "web1"`}
	}
	return nil
})

// seed is the kind of seeds of random numbers.
var seed = kind[uint64]{
	format: func(n uint64) string { return strconv.FormatUint(n, 10) },
	parse: func(text string) (uint64, *fault) {
		n, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			return 0, &fault{problem: "not a whole number", hint: "write digits only, such as 7"}
		}
		return n, nil
	},
}

// number returns the kind of numbers from least to most.
func number(least, most float64) kind[float64] {
	return kind[float64]{
		format: func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) },
		parse: func(text string) (float64, *fault) {
			v, err := strconv.ParseFloat(text, 64)
			switch {
			case err != nil || math.IsNaN(v):
				return 0, &fault{problem: "not a number", hint: fmt.Sprintf("write one from %g to %g, without a unit", least, most)}
			case v < least || v > most:
				return 0, &fault{problem: fmt.Sprintf("not from %g to %g", least, most)}
			}
			return v, nil
		},
	}
}

// shift is the kind of spans of time with a sign: days, or other units.
var shift = kind[time.Duration]{format: formatDuration, parse: func(text string) (time.Duration, *fault) {
	span := text
	if text != "" && strings.Contains("+-", text[:1]) {
		span = text[1:]
	}
	d, ok := ParseSpan(span)
	if !ok {
		return 0, &fault{problem: "not a span of time", hint: `write a sign, a number and a unit (ms, s, m, h, d), such as "-3.2s", "+1h" or "-365d"`}
	}
	if strings.HasPrefix(text, "-") {
		d = -d
	}
	return d, nil
}}

// epoch is the kind of dates that clocks without a battery begin from.
var epoch = kind[time.Time]{
	format: func(t time.Time) string { return t.Format(time.DateOnly) },
	parse: func(text string) (time.Time, *fault) {
		t, err := time.Parse(time.DateOnly, text)
		if err != nil || t.Year() < 1970 || t.Year() > 2100 {
			return t, &fault{problem: "not a date from 1970 to 2100", hint: `write it as "2000-01-01"`}
		}
		return t, nil
	},
}

// loopback is the kind of addresses of this machine alone.
var loopback = kind[netip.Addr]{format: netip.Addr.String, parse: func(text string) (netip.Addr, *fault) {
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.IsLoopback() {
		return addr, &fault{problem: "not a loopback address", hint: `write one such as "127.1.0.7"`}
	}
	return addr, nil
}}
