package ntpcheck

import (
	"fmt"
	"time"
)

// State says how far our own clock may judge others.
type State uint8

const (
	// Unsynchronised means that nothing is known about our clock: it must not
	// judge.
	Unsynchronised State = iota

	// Holdover means that the last measurement is still used, with a bound that
	// grows.
	Holdover

	// Synchronised means that a majority of the sources, or the kernel, vouches
	// for the offset at this moment.
	Synchronised
)

var states = [...]string{"unsynchronised", "holdover", "synchronised"}

// String returns the state as reports show it.
func (s State) String() string { return name(states[:], uint8(s)) }

// MarshalText returns what String does.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *State) UnmarshalText(text []byte) error {
	i, err := index(states[:], "reference state", text)
	*s = State(i)
	return err
}

// KernelSource is the Source of a [Reference] that rests on the kernel's word or
// the operator's.
const KernelSource = "kernel"

// A Reference is what is known about our own clock at one moment.
type Reference struct {
	State State

	// Offset is what must be added to our clock to get true time (RFC 5905); it
	// is positive when our clock is behind. 0 while unsynchronised.
	Offset time.Duration

	// Bound is the half-width of the interval around Offset in which the truth
	// lies: the root distance of the combined sources, and for each second since
	// 15 microseconds more, or Rate.Bound where the sources told that better. It
	// means nothing while unsynchronised.
	Bound time.Duration

	// Rate is how fast Offset changes.
	Rate Rate

	// Stratum is our own: one more than the system peer's. 0 if not known.
	Stratum int

	// Source is the address of the system peer, KernelSource, or "" for none.
	Source string

	// Age is the time since the last usable reply; 0 without any.
	Age time.Duration

	// Trusted says that nothing was measured: our clock is taken as true on the
	// operator's word. Bound is then the kernel's maximum error, or 0 where the
	// kernel doesn't call itself synchronised: a word comes without an error.
	Trusted bool

	// Reason says why the state isn't synchronised, or on what else than sources
	// it rests; "" where nothing needs saying.
	Reason string
}

// reference decides the state from what the sources say now, what they said
// last, and the kernel.
func (m *Monitor) reference(s survey, now time.Time) Reference {
	if s.agreed {
		return m.measured(s.combined, Synchronised, "", now)
	}
	if s.reason = m.anew() + s.reason; m.unasked() || s.doubted {
		return m.unsynchronised(s.reason, now)
	}
	if m.cfg.Kernel == KernelTrust {
		return trusted(m.cfg.ReadKernel(), s.reason)
	}
	held := !m.last.newest.IsZero() && now.Sub(m.last.newest) <= m.cfg.Holdover
	if m.cfg.Kernel == KernelAuto && s.reachable == 0 {
		k := m.cfg.ReadKernel()
		if k.Synchronised && !(held && m.last.contradicts(k, now)) {
			return vouched(k, s.reason)
		}
		if k.Known && !k.Synchronised {
			s.reason += "; the kernel was asked too, and says that its clock is not synchronised"
		}
	}
	if held {
		return m.measured(m.last, Holdover, s.reason, now)
	}
	return m.unsynchronised(s.reason, now)
}

// measured is the reference by what the sources say or said: by the line through the
// last hours where there is one, which both its own bound and theirs hold for.
func (m *Monitor) measured(c combination, state State, reason string, now time.Time) Reference {
	r := c.reference(state, reason, now)
	r.Rate = m.track.Rate()
	if offset, bound, ok := m.track.At(now, freshPolls*m.cfg.Poll); ok {
		r.Bound = min(bound, r.Bound+(offset-r.Offset).Abs())
		r.Offset = offset
	}
	return r
}

func (c combination) reference(state State, reason string, now time.Time) Reference {
	return Reference{
		State:   state,
		Offset:  c.offset,
		Bound:   c.boundAt(now),
		Stratum: int(c.stratum) + 1,
		Source:  c.source,
		Age:     max(now.Sub(c.newest), 0),
		Reason:  reason,
	}
}

func (c combination) boundAt(now time.Time) time.Duration {
	return c.bound + dispersion(now.Sub(c.asOf))
}

// contradicts says that the sources measured our clock to be off by more than the
// kernel admits.
func (c combination) contradicts(k Kernel, now time.Time) bool {
	return c.offset.Abs() > c.boundAt(now)+k.MaxError
}

// vouched is the reference by the word of the kernel.
func vouched(k Kernel, reason string) Reference {
	return Reference{
		State:  Synchronised,
		Bound:  max(k.MaxError, minDistance),
		Source: KernelSource,
		Reason: "by the kernel's word: " + reason,
	}
}

// trusted is the reference by the word of the operator.
func trusted(k Kernel, reason string) Reference {
	r := Reference{State: Synchronised, Source: KernelSource, Trusted: true}
	r.Reason = "the local clock is trusted on the operator's word: " + reason
	if k.Synchronised {
		r.Bound = max(k.MaxError, minDistance)
	}
	return r
}

func (m *Monitor) unsynchronised(reason string, now time.Time) Reference {
	if m.last.newest.IsZero() {
		return Reference{Reason: reason}
	}
	age := now.Sub(m.last.newest)
	return Reference{
		Age:    age,
		Reason: fmt.Sprintf("%s; last synchronised %v ago", reason, age.Round(time.Second)),
	}
}

func index(names []string, what string, text []byte) (int, error) {
	for i, n := range names {
		if n == string(text) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("unknown %s %q", what, text)
}
