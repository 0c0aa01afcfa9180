package simulate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/config"
)

// A Pace says how fast things happen to the built-in hosts.
type Pace struct {
	Unit  time.Duration // what happens comes a dozen to three dozen of these after the beginning
	Every time.Duration // between two messages of a host, in the mean
	Skew  float64       // ppm, of the clock that runs away
}

// The paces: one at which people can watch, and one for a day.
var (
	Watched = Pace{Unit: time.Second, Every: 300 * time.Millisecond, Skew: 180}
	Daily   = Pace{Unit: 20 * time.Minute, Every: 2 * time.Second, Skew: 8}
)

// MostBuiltIn is how many built-in hosts there can be: each has a connection.
const MostBuiltIn = 1000

// BuiltIn returns a fleet of so many hosts: a dozen kinds, over and over. Each of a dozen
// but two has something else wrong with its clock.
func BuiltIn(hosts int, seed uint64, p Pace, transports []config.FleetTransport) *config.Fleet {
	f := &config.Fleet{Seed: seed}
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range hosts {
		k := kinds[i%len(kinds)]
		name := k.name
		if round := i / len(kinds); round > 0 {
			name = fmt.Sprintf("%s-%d", name, round+1)
		}
		h := config.NewFleetHost(name)
		h.Transport = preferred(k.transports, transports)
		h.Format = k.format
		h.Says.Every = time.Duration(float64(p.Every) * (0.7 + 0.6*r.Float64()))
		if k.change != nil {
			k.change(&h, p)
		}
		f.Hosts = append(f.Hosts, h)
	}
	return f
}

// A kind is a kind of built-in host.
type kind struct {
	name       string
	transports []config.FleetTransport // the best first
	format     config.FleetFormat
	change     func(h *config.FleetHost, p Pace)
}

var (
	overTCP  = []config.FleetTransport{config.FleetTCP, config.FleetTLS, config.FleetRELP, config.FleetTCPLF, config.FleetUDP}
	overUDP  = []config.FleetTransport{config.FleetUDP, config.FleetTCP}
	overRELP = []config.FleetTransport{config.FleetRELP, config.FleetTCP, config.FleetTLS, config.FleetUDP}
	overLF   = []config.FleetTransport{config.FleetTCPLF, config.FleetTCP, config.FleetUDP}
)

var kinds = []kind{
	{"web1", overTCP, config.FleetRFC5424, func(h *config.FleetHost, _ Pace) {
		h.Clock.Wander = 2 * time.Millisecond
	}},
	{"db1", overRELP, config.FleetRFC3339, func(h *config.FleetHost, p Pace) {
		h.Clock.Wander = time.Millisecond
		h.Outage.At, h.Outage.For, h.Outage.Rate = 20*p.Unit, 12*p.Unit, 50
	}},
	{"cam7", overUDP, config.FleetBSD, func(h *config.FleetHost, _ Pace) {
		h.Clock.Offset = 37500 * time.Millisecond
	}},
	{"app2", overTCP, config.FleetRFC5424MS, func(h *config.FleetHost, _ Pace) {
		h.Clock.Offset = -3200 * time.Millisecond
		h.Delay.Tail = 0.01
	}},
	{"lab5", overLF, config.FleetRFC3339, func(h *config.FleetHost, p Pace) {
		h.Clock.Skew = p.Skew
	}},
	{"mail1", overUDP, config.FleetBSD, func(h *config.FleetHost, _ Pace) {
		h.Zone = config.FixedZone(time.Hour)
	}},
	{"sw1", overUDP, config.FleetCisco, func(h *config.FleetHost, p Pace) {
		h.Clock.DSTAt = 15 * p.Unit
	}},
	{"nas2", overUDP, config.FleetRFC3339, func(h *config.FleetHost, _ Pace) {
		h.Clock.Epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	}},
	{"gw3", overTCP, config.FleetRFC5424, func(h *config.FleetHost, p Pace) {
		h.Clock.StepAt, h.Clock.StepBy = 12*p.Unit, 8*time.Second
	}},
	{"ups3", overUDP, config.FleetRFC3339, func(h *config.FleetHost, p Pace) {
		h.Clock.StuckAt = 15 * p.Unit
	}},
	{"vm4", overTCP, config.FleetRFC5424, func(h *config.FleetHost, p Pace) {
		h.Clock.PauseAt, h.Clock.PauseFor = 22*p.Unit, 12700*time.Millisecond
	}},
	{"iot9", overUDP, config.FleetNoStamp, nil},
}

// preferred returns the first transport of the better ones that there is, else any.
func preferred(better, there []config.FleetTransport) config.FleetTransport {
	for _, t := range better {
		if slices.Contains(there, t) {
			return t
		}
	}
	return there[0]
}
