package analysis_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
	"github.com/skewatch/skewatch/collector/message"
)

// TestNoVoteByZones has the whole fleet go over to another zone's time at once, as on the
// day of a DST change.
func TestNoVoteByZones(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -15 * time.Minute, -time.Hour}[:sized(2, 3)] {
		eachPace(t, 1, 10, func(seed uint64, p pace) *council {
			return newCouncil(t, seed, councilSize, p).shift(councilSize, councilEvent, by)
		}, func(t *testing.T, c *council, p pace) {
			c.wants(t, 0, 0, councilSize, councilSize)
			if n := c.having(analysis.WrongZone); n != councilSize {
				t.Errorf("by %v: %d hosts are in a wrong zone, want %d", by, n, councilSize)
			}
		})
	}
}

// TestNoVoteByFlush cuts the collector's network off for some minutes: all hosts flush what
// has gathered, at their own rates or all at one.
func TestNoVoteByFlush(t *testing.T) {
	for _, out := range []time.Duration{3 * time.Minute, 20 * time.Second, 10 * time.Minute}[:sized(1, 3)] {
		for _, rate := range []float64{1.2, 5, 0} {
			for _, flush := range []simulation.Flush{simulation.Queued, simulation.Interleaved, simulation.Lost} {
				t.Run(fmt.Sprintf("%v at %v by %d", out, rate, flush), func(t *testing.T) {
					eachPace(t, 1, 4, func(seed uint64, p pace) *council {
						c := newCouncil(t, seed, 10, p)
						for i, h := range c.hosts {
							own := rate
							if own == 0 {
								own = 1.1 + float64(i*i)/20
							}
							h.Outages = []simulation.Outage{{At: councilEvent, For: out, Flush: flush, Rate: own / p.mean.Seconds(), Batch: i % 2 * 16}}
						}
						return c
					}, func(t *testing.T, c *council, p pace) { c.wants(t, 0, 0, 0, 0) })
				})
			}
		}
	}
}

// TestNoVoteInSoak lets a fleet of well kept hosts speak for a day behind one network that
// is congested, by less than what is a move of its own, with outages of their own and one that all share.
func TestNoVoteInSoak(t *testing.T) {
	analysis.Long(t)
	raised := 0
	for i, c := range gather(sized(1, 40), func(_ int, seed uint64) *council {
		c := newCouncil(t, seed, 8, paces[seed%4]).lasting(soakDay)
		shared := simulation.NewCongestion(seed, 2*time.Hour, 3*time.Minute, 20*time.Millisecond, 820*time.Millisecond)
		for k, h := range c.hosts {
			kept := healthyHost(seed*100 + uint64(k))
			kept.Start, kept.Name, kept.Source, kept.Stamp.Resolution = h.Start, h.Name, h.Source, h.Stamp.Resolution
			kept.Trust, kept.Process = message.TrustHandshake, h.Process
			kept.Delay = simulation.Delays{kept.Delay, shared}
			own := kept.Outages[0]
			common := simulation.Outage{At: 20 * time.Hour, For: 10 * time.Minute, Flush: own.Flush, Rate: own.Rate, Batch: own.Batch}
			if own.At+3*own.For < common.At {
				kept.Outages = append(kept.Outages, common)
			}
			c.hosts[k] = kept
		}
		return c.run()
	}) {
		raised += len(c.raised)
		if len(c.raised) > 0 {
			t.Logf("seed %d: %s", *seed+uint64(i), c)
		}
	}
	if raised > 0 {
		t.Errorf("%d findings about the collector, want none", raised)
	}
}

// TestVoteAtLeapSecond has all hosts smear a leap second that the collector's kernel
// inserts. While they smear nothing moves at once. At the second itself the collector's
// clock does: it is set back by one, and who can see so little says so.
func TestVoteAtLeapSecond(t *testing.T) {
	analysis.Long(t)
	leap := simulation.LeapSmear{Leap: 3 * time.Hour, Before: 3 * time.Hour, After: 3 * time.Hour}
	for _, p := range []pace{paces[0], paces[2]} {
		for _, c := range gather(sized(1, 10), func(_ int, seed uint64) *council {
			c := newCouncil(t, seed, 6, p).lasting(6 * time.Hour)
			for _, h := range c.hosts {
				setClock(h, leap)
			}
			return c.run()
		}) {
			c.warnings = slices.DeleteFunc(c.warnings, func(f told) bool { return f.Event.Verdict == analysis.Drifting || f.Event.Kind == analysis.Clear }) // they do, by true time
			seen := 0
			if p.resolution < time.Second {
				seen = 1
			}
			if len(c.raised) != seen || hostsOf(c.warnings) > 0 {
				t.Errorf("%v: %d findings about the collector, want %d, and %d warnings: %s", p, len(c.raised), seen, len(c.warnings), c)
			}
			for _, f := range c.raised {
				if off := f.at - leap.Leap; off < 0 || off > time.Minute || (f.Event.Common.Size-time.Second).Abs() > 200*time.Millisecond {
					t.Errorf("%v: told %v after the leap second of a move of %v", p, off, f.Event.Common.Size)
				}
			}
		}
	}
}

// electorates are fleets in which everything that moves together doesn't have most votes.
var electorates = []struct {
	name string
	make func(c *council)
	told int // hosts that are warned of at least: others may share their clock
}{
	{"four peers", func(c *council) { c.hosts = c.hosts[:4]; c.shift(4, councilEvent, 5*time.Second) }, 4},
	{"all behind one peer", func(c *council) {
		for _, h := range c.hosts {
			h.Source = netip.MustParseAddr("192.0.2.1")
		}
		c.shift(councilSize, councilEvent, 5*time.Second)
	}, 1},
	{"all in one /64", func(c *council) {
		for i, h := range c.hosts {
			h.Source = netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))
		}
		c.shift(councilSize, councilEvent, 5*time.Second)
	}, councilSize},
	{"all over UDP", func(c *council) {
		for _, h := range c.hosts {
			h.Trust, h.Transport = message.TrustUDP, message.UDP
		}
		c.shift(councilSize, councilEvent, 5*time.Second)
	}, councilSize},
	{"many hosts behind few peers", func(c *council) {
		for i, h := range c.hosts[:len(c.hosts)*2/3] {
			h.Source = netip.AddrFrom4([4]byte{192, 0, 2, byte(i%4 + 101)})
		}
		c.shift(len(c.hosts)*2/3, councilEvent, 5*time.Second)
	}, 4},
	{"each by its own", func(c *council) {
		for i, h := range c.hosts {
			setClock(h, simulation.Step{At: councilEvent, By: time.Duration(3+3*i) * time.Second})
		}
	}, councilSize},
	{"one after the other", func(c *council) {
		for i, h := range c.hosts {
			setClock(h, simulation.Step{At: councilEvent - 5*time.Minute + time.Duration(i)*20*time.Second, By: 5 * time.Second})
		}
	}, councilSize},
	{"new hosts", func(c *council) {
		for _, h := range c.hosts[:len(c.hosts)*2/3] { // from shortly before the move on
			h.Process = simulation.Silent{Of: h.Process, For: councilEvent - 25*time.Second}
		}
		c.shift(len(c.hosts)*2/3, councilEvent, 5*time.Second)
	}, councilSize * 2 / 3},
}

func TestNoVoteWithoutMostPeers(t *testing.T) {
	for _, e := range electorates {
		t.Run(e.name, func(t *testing.T) {
			for _, p := range paces[:sized(1, 2)] {
				for _, c := range gather(sized(1, 10), func(_ int, seed uint64) *council {
					c := newCouncil(t, seed, councilSize, p)
					e.make(c)
					return c.run()
				}) {
					if told := hostsOf(c.warnings); len(c.raised) > 0 || told < e.told {
						t.Errorf("%v: %d findings about the collector and %d hosts warned of, want none and at least %d: %s", p, len(c.raised), told, e.told, c)
					}
				}
			}
		})
	}
}

// TestVoteIgnoresInvented floods a fleet with invented hosts that move together, over UDP
// from everywhere and over connections from a few peers: nobody else's verdict is held, and
// when a true host moves with them it is told at once.
func TestVoteIgnoresInvented(t *testing.T) {
	invented := sized(40, 200)
	for _, c := range gather(sized(1, 20), func(_ int, seed uint64) *council {
		c := newCouncil(t, seed, 12, paces[2])
		c.shift(1, councilEvent, 5*time.Second)
		crowd := newCouncil(t, seed+1<<30, invented, paces[2]).shift(invented, councilEvent, 5*time.Second)
		for i, h := range crowd.hosts {
			h.Name, h.Source = fmt.Sprintf("invented%d", i), netip.AddrFrom4([4]byte{198, 51, byte(i), 1})
			h.Trust = message.TrustUDP
			if i%4 == 0 {
				h.Trust, h.Source = message.TrustHandshake, netip.AddrFrom4([4]byte{203, 0, 113, byte(i % 5)})
			}
		}
		c.hosts = append(c.hosts, crowd.hosts...)
		return c.run()
	}) {
		told := map[string]time.Duration{}
		for _, f := range c.warnings {
			told[f.Host] = f.at
		}
		maps.DeleteFunc(told, func(host string, _ time.Duration) bool { return host[0] == 'i' })
		if after := told["host0"] - councilEvent; len(c.raised) > 0 || len(told) != 1 || after > time.Minute {
			t.Errorf("%d findings about the collector, and %v warned of; want none, and host0: %s", len(c.raised), told, c)
		}
		for _, i := range c.fleet.Identities() {
			if i.Host[0] == 'h' && i.Host != "host0" && i.Verdict != analysis.InSync && i.Verdict != analysis.Backlogged {
				t.Errorf("%s is %v (%s), want in-sync", i.Host, i.Verdict, i.Explanation)
			}
		}
	}
}
