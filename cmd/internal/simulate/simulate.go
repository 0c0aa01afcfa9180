// Package simulate has made-up hosts, whose clocks are known, send real syslog to any
// server, or fill a data directory with what they would have sent; and it holds a report
// about them against the truth.
//
// What the hosts do is package simulation's. Here they get names, formats and transports.
package simulate

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/skewatch/skewatch/analysis/simulation"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/message"
)

// A Host is a made-up host as it stands in the world.
type Host struct {
	simulation.Host
	Transport config.FleetTransport
	Words     string // what is the matter with its clock

	form  form
	model config.FleetHost
	zone  time.Duration // by which its stamps seem ahead, since they name no zone
}

// Hosts makes the hosts of a fleet, which begin to speak at a time and go on for a span.
// Their transports are the described ones, or else the first of those that there are.
func Hosts(f *config.Fleet, start time.Time, span time.Duration, transports []config.FleetTransport) []*Host {
	hosts := make([]*Host, len(f.Hosts))
	for i, model := range f.Hosts {
		if model.Transport == "" {
			model.Transport = transports[0]
		}
		if !model.Source.IsValid() {
			model.Source = netip.AddrFrom4([4]byte{127, 1, byte((i + 1) >> 8), byte(i + 1)})
		}
		hosts[i] = newHost(model, f.Seed<<20+uint64(i), start, span)
	}
	return hosts
}

func newHost(model config.FleetHost, seed uint64, start time.Time, span time.Duration) *Host {
	_, east := start.In(model.Zone.Location()).Zone()
	h := &Host{Transport: model.Transport, form: forms[model.Format], model: model, Words: words(&model)}
	zone := time.Duration(east) * time.Second
	if h.form.zoneless {
		h.zone = zone
	}
	h.Host = simulation.Host{
		Seed: seed, Start: start, Span: span, Name: model.Name, Source: model.Source,
		Clock:   clockOf(&model.Clock, seed, start),
		Process: processOf(&model),
		Delay:   delayOf(&model.Delay),
		Loss:    model.Delay.Loss,
		InOrder: model.Transport != config.FleetUDP,
		Stamp:   simulation.Stamp{Format: h.form.stamp, Resolution: h.form.resolution, ZoneEast: zone},
	}
	h.Host.Transport, h.Trust = carriers[model.Transport], message.TrustHandshake
	if model.Transport == config.FleetUDP {
		h.Trust = message.TrustUDP
	}
	if o := &model.Outage; o.For > 0 {
		h.Outages = []simulation.Outage{{At: o.At, For: o.For, Flush: flushes[o.Flush], Rate: o.Rate}}
	}
	return h
}

var carriers = map[config.FleetTransport]message.Transport{
	config.FleetUDP: message.UDP, config.FleetTCP: message.TCP, config.FleetTCPLF: message.TCP,
	config.FleetTLS: message.TLS, config.FleetRELP: message.RELP,
}

var flushes = map[config.FleetFlush]simulation.Flush{
	config.FleetQueued: simulation.Queued, config.FleetInterleaved: simulation.Interleaved, config.FleetLost: simulation.Lost,
}

// never is longer than any simulation.
const never = time.Duration(1 << 61)

// clockOf puts together a clock.
func clockOf(c *config.FleetClock, seed uint64, start time.Time) simulation.Clock {
	sum := simulation.Sum{simulation.Constant(c.Offset), simulation.Skew(c.Skew)}
	if c.Wander > 0 {
		sum = append(sum, simulation.Wander(seed, c.Wander, 10*time.Minute))
	}
	if c.StepAt > 0 {
		sum = append(sum, simulation.Step{At: c.StepAt, By: c.StepBy})
	}
	if c.DSTAt > 0 {
		sum = append(sum, simulation.Step{At: c.DSTAt, By: time.Hour})
	}
	if !c.Epoch.IsZero() {
		right := c.EpochFor
		if right == 0 {
			right = never
		}
		sum = append(sum, simulation.DeadRTC(start, c.Epoch, right))
	}
	var clock simulation.Clock = sum
	if c.PauseFor > 0 {
		clock = simulation.Halt{Of: clock, At: c.PauseAt, For: c.PauseFor}
	}
	if c.StuckAt > 0 {
		clock = simulation.Halt{Of: clock, At: c.StuckAt, For: never}
	}
	return clock
}

func processOf(h *config.FleetHost) simulation.Process {
	var p simulation.Process
	switch s := &h.Says; s.How {
	case config.FleetEven:
		p = simulation.Even{Every: s.Every, Phase: s.Every}
	case config.FleetCron:
		p = simulation.Cron{Every: s.Every, Size: s.Burst}
	case config.FleetBursts:
		p = simulation.Bursts{Every: s.Every, Size: s.Burst}
	default:
		p = simulation.Poisson(s.Every)
	}
	if c := &h.Clock; c.PauseFor > 0 {
		p = simulation.Silent{Of: p, At: c.PauseAt, For: c.PauseFor}
	}
	return p
}

func delayOf(d *config.FleetDelay) simulation.Delay {
	return simulation.Delays{
		simulation.Jitter{Median: d.Median, Sigma: d.Sigma},
		simulation.Tail{Share: d.Tail, Least: 20 * time.Millisecond, Shape: 1.1, Most: d.TailMost},
	}
}

// Offset returns how far the host's stamps are ahead of true time, as one reads them who
// takes those without a zone for UTC.
func (h *Host) Offset(at time.Duration) time.Duration { return h.Clock.Offset(at) + h.zone }

// Raw returns a message of the host as it stands on the wire, without framing.
func (h *Host) Raw(s simulation.Sending, number uint64) []byte {
	return h.form.write(nil, h.Name, s.Stamp, number)
}

// afterwards says what becomes of an outage's messages.
var afterwards = map[config.FleetFlush]string{
	config.FleetQueued: "then sends what has queued up", config.FleetInterleaved: "then sends what has queued up beside what is new",
	config.FleetLost: "and what it said meanwhile is lost",
}

// words says what is the matter with a host's clock, and with its way to the collector.
func words(h *config.FleetHost) string {
	var all []string
	add := func(holds bool, format string, args ...any) {
		if holds {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	c, o := &h.Clock, &h.Outage
	add(c.Offset > 0, "ahead by %s", plain(c.Offset))
	add(c.Offset < 0, "behind by %s", plain(-c.Offset))
	add(c.Skew != 0, "gains %+g ppm", c.Skew)
	add(c.Wander > 0, "kept right by NTP to about %s", plain(c.Wander))
	add(!c.Epoch.IsZero(), "no battery: begins at %s", c.Epoch.Format(time.DateOnly))
	add(c.EpochFor > 0, "set right after %s", plain(c.EpochFor))
	add(forms[h.Format].zoneless && h.Zone.String() != "UTC", "writes the time of %s and doesn't say so", h.Zone)
	add(c.DSTAt > 0, "goes over to summer time by itself after %s", plain(c.DSTAt))
	add(c.StepAt > 0, "set by %+.3g s after %s", c.StepBy.Seconds(), plain(c.StepAt))
	add(c.PauseFor > 0, "virtual machine halted for %s after %s", plain(c.PauseFor), plain(c.PauseAt))
	add(c.StuckAt > 0, "stands still after %s", plain(c.StuckAt))
	add(h.Format == config.FleetNoStamp, "writes no time at all")
	add(o.For > 0, "cut off for %s after %s, %s", plain(o.For), plain(o.At), afterwards[o.Flush])
	if len(all) == 0 {
		return "right"
	}
	return join(all)
}
