package ntpcheck

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/beevik/ntp"
)

// SourceState is what a survey made of one source.
type SourceState uint8

const (
	// Unreachable sources have not answered lately.
	Unreachable SourceState = iota

	// Refused sources answered with a kiss-o'-death, or that they aren't
	// synchronised, or nonsense.
	Refused

	// Candidate sources answer, but nothing could be decided about them, or they
	// are too vague to vote.
	Candidate

	// Falseticker is a source that the majority contradicts.
	Falseticker

	// Combined sources are part of the reference.
	Combined

	// Selected is the system peer, which gives the reference its stratum and name;
	// its offset is combined with the others'.
	Selected
)

var sourceStates = [...]string{"unreachable", "refused", "candidate", "falseticker", "combined", "selected"}

// String returns the state as reports show it.
func (s SourceState) String() string { return name(sourceStates[:], uint8(s)) }

// MarshalText returns what String does.
func (s SourceState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *SourceState) UnmarshalText(text []byte) error {
	i, err := index(sourceStates[:], "source state", text)
	*s = SourceState(i)
	return err
}

// kind makes one of the states between which a working source comes and goes.
func (s SourceState) kind() SourceState {
	if s == Selected || s == Combined {
		return Candidate
	}
	return s
}

// Status is what `skewatch sources` shows. In JSON a number that isn't known is
// null. Offsets are what must be added to our clock.
type Status struct {
	Reference ReferenceStatus `json:"reference"`
	Sources   []SourceStatus  `json:"sources"`
	Kernel    KernelStatus    `json:"kernel"`
	Chronyd   ChronydStatus   `json:"chronyd"`

	// Contradictions are claims of the kernel or of chronyd that exclude what the
	// sources measured.
	Contradictions []string `json:"contradictions,omitempty"`
}

// ReferenceStatus is a [Reference] in JSON.
type ReferenceStatus struct {
	State         State    `json:"state"`
	OffsetSeconds *float64 `json:"offset_seconds"`
	BoundSeconds  *float64 `json:"bound_seconds"`
	RatePPM       *float64 `json:"rate_ppm"`       // of offset_seconds; positive: our clock loses
	RateBoundPPM  *float64 `json:"rate_bound_ppm"` // half-width, and by what bound_seconds grows
	Stratum       *int     `json:"stratum"`
	Source        string   `json:"source"`
	AgeSeconds    *float64 `json:"age_seconds"`
	Trusted       bool     `json:"trusted"`
	Reason        string   `json:"reason"`
}

// SourceStatus is one source in JSON. An unreachable source keeps the numbers of
// its last replies.
type SourceStatus struct {
	Address             string      `json:"address"` // as configured, with its port
	State               SourceState `json:"state"`
	Stratum             *int        `json:"stratum"`
	PollSeconds         float64     `json:"poll_seconds"`
	Reach               string      `json:"reach"` // the last eight queries as bits, in octal
	OffsetSeconds       *float64    `json:"offset_seconds"`
	DelaySeconds        *float64    `json:"delay_seconds"`
	JitterSeconds       *float64    `json:"jitter_seconds"`
	RootDistanceSeconds *float64    `json:"root_distance_seconds"`
	Authenticated       bool        `json:"authenticated"` // the last answer was proven to be the source's
	Reason              string      `json:"reason"`

	Leap           Leap           `json:"leap"`         // a leap second that the source announces; "" if not known
	ReferenceID    string         `json:"reference_id"` // what the source is measured against; "" if not known
	Authentication Authentication `json:"authentication"`
}

// KernelStatus is a [Kernel] in JSON.
type KernelStatus struct {
	Synchronised    *bool    `json:"synchronised"`
	MaxErrorSeconds *float64 `json:"maxerror_seconds"`
	EstErrorSeconds *float64 `json:"esterror_seconds"`
	Leap            Leap     `json:"leap,omitempty"`
}

// ChronydStatus is a [Chronyd] in JSON.
type ChronydStatus struct {
	Synchronised  *bool    `json:"synchronised"`
	OffsetSeconds *float64 `json:"offset_seconds"`
	BoundSeconds  *float64 `json:"bound_seconds"`
	Stratum       *int     `json:"stratum"`
	Source        string   `json:"source,omitempty"`
}

func (c Chronyd) status() ChronydStatus {
	if !c.Known {
		return ChronydStatus{}
	}
	s := ChronydStatus{Synchronised: &c.Synchronised}
	if c.Synchronised {
		s.OffsetSeconds, s.BoundSeconds = seconds(c.Offset), seconds(c.Bound)
		s.Stratum, s.Source = &c.Stratum, c.Source
	}
	return s
}

func (r Reference) status() ReferenceStatus {
	s := ReferenceStatus{State: r.State, Source: r.Source, Trusted: r.Trusted, Reason: r.Reason}
	if r.State != Unsynchronised {
		s.OffsetSeconds = seconds(r.Offset)
		s.BoundSeconds = seconds(r.Bound)
	}
	if r.State != Unsynchronised && r.Source != KernelSource {
		s.RateBoundPPM = &r.Rate.Bound
		if r.Rate.Known {
			s.RatePPM = &r.Rate.PPM
		}
	}
	if r.State != Unsynchronised || r.Age > 0 {
		s.AgeSeconds = seconds(r.Age)
	}
	if r.Stratum > 0 {
		s.Stratum = &r.Stratum
	}
	return s
}

func sourceStatuses(views []view) []SourceStatus {
	statuses := make([]SourceStatus, len(views))
	for i, v := range views {
		statuses[i] = v.status()
	}
	return statuses
}

func (v view) status() SourceStatus {
	s := SourceStatus{
		Address:     v.address(),
		State:       v.state,
		PollSeconds: v.poll.Seconds(),
		Reach:       fmt.Sprintf("%o", v.reach),
		Reason:      v.reason,

		Authenticated:  v.auth.State == AuthenticationOK,
		Authentication: v.auth,
	}
	if s.Reason == "" {
		s.Reason = v.problem
	}
	if len(v.filter) == 0 {
		return s
	}
	stratum := int(v.stratum)
	s.Stratum = &stratum
	s.Leap, s.ReferenceID = announcedLeap(v.leap), referenceName(v.stratum, v.referenceID)
	s.OffsetSeconds = seconds(v.offset)
	s.DelaySeconds = seconds(v.delay)
	s.RootDistanceSeconds = seconds(v.distance)
	if len(v.filter) > 1 {
		s.JitterSeconds = seconds(v.jitter)
	}
	return s
}

func (k Kernel) status() KernelStatus {
	if !k.Known {
		return KernelStatus{}
	}
	return KernelStatus{&k.Synchronised, seconds(k.MaxError), seconds(k.EstError), k.Leap}
}

func seconds(d time.Duration) *float64 {
	s := d.Seconds()
	return &s
}

var announcedLeaps = [...]Leap{ntp.LeapNoWarning: LeapNone, ntp.LeapAddSecond: LeapInsert, ntp.LeapDelSecond: LeapDelete}

// announcedLeap is what a source said; only valid replies get that far.
func announcedLeap(l ntp.LeapIndicator) Leap {
	if int(l) < len(announcedLeaps) {
		return announcedLeaps[l]
	}
	return ""
}

// referenceName writes a reference ID (RFC 5905, section 7.3): the name of a
// primary server's clock, and otherwise the upstream's IPv4 address, or what looks
// like one: four octets of a hash.
func referenceName(stratum uint8, id uint32) string {
	octets := binary.BigEndian.AppendUint32(nil, id)
	if stratum > 1 {
		return netip.AddrFrom4([4]byte(octets)).String()
	}
	printable := func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return -1
		}
		return r
	}
	return strings.Map(printable, string(octets))
}
