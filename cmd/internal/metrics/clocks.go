package metrics

import (
	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/ntpcheck"
)

var (
	verdict     = gauge("verdicts", "Hosts by what is said of their clocks.", "verdict")
	offset      = gauge("host_offset_seconds", "Offset of a host's clock: host minus true time.", "host", "source")
	offsetLow   = gauge("host_offset_low_seconds", "Lower bound of the offset: proved.", "host", "source")
	offsetHigh  = gauge("host_offset_high_seconds", "Upper bound of the offset: it assumes prompt delivery.", "host", "source")
	skew        = gauge("host_skew_ratio", "How fast the host's clock gains, in seconds a second.", "host", "source")
	skewBound   = gauge("host_skew_bound_ratio", "Half-width of the interval around the skew.", "host", "source")
	lastMessage = gauge("host_last_message_timestamp_seconds", "When the host's newest message arrived, Unix time.", "host", "source")
	warned      = gauge("host_warning", "1 while a host is warned of.", "host", "source", "severity")
	omitted     = gauge("omitted_hosts", "Hosts that have no series of their own here, because there are too many.")

	referenceState  = gauge("reference_state", "1 for the state of the collector's own clock, 0 for the others.", "state")
	referenceOffset = gauge("reference_offset_seconds", "What must be added to the collector's clock.")
	referenceBound  = gauge("reference_bound_seconds", "Half-width of the interval around the reference's offset.")
	sourceState     = gauge("source_state", "1 for the state of an NTP source.", "address", "state")
	sourceOffset    = gauge("source_offset_seconds", "What must be added to the collector's clock by a source's word.", "address")
	sourceDistance  = gauge("source_root_distance_seconds", "How far from the truth a source can be, if it is honest.", "address")
)

// fleet sends what is said of the hosts' clocks. Two originators that are shown alike, a
// name and an address that was sent as a name, are one series: the first.
func (w writer) fleet(g *analysis.Glance) {
	for _, v := range analysis.Verdicts() {
		w.send(verdict, uint64(g.Verdicts[v]), v.String())
	}
	w.send(omitted, uint64(g.Omitted))
	seen := map[[2]string]bool{}
	for i := range g.Hosts {
		h := &g.Hosts[i]
		if name := [2]string{h.Host, h.Source}; !seen[name] {
			seen[name] = true
			w.host(h)
		}
	}
}

func (w writer) host(h *analysis.Standing) {
	send := func(f family, value float64) { w.sendFloat(f, value, h.Host, h.Source) }
	if !h.Last.IsZero() {
		send(lastMessage, float64(h.Last.UnixMilli())/1e3)
	}
	if h.Warned != analysis.NoSeverity {
		w.send(warned, 1, h.Host, h.Source, h.Warned.String())
	}
	if !h.Known {
		return
	}
	send(offset, h.Interval.Offset.Seconds())
	send(offsetLow, h.Interval.Low.Seconds())
	send(offsetHigh, h.Interval.High.Seconds())
	if h.SkewBound > 0 {
		send(skew, h.Skew*1e-6)
		send(skewBound, h.SkewBound*1e-6)
	}
}

// reference sends what is known of the collector's own clock.
func (w writer) reference(s *ntpcheck.Status) {
	for _, state := range []ntpcheck.State{ntpcheck.Unsynchronised, ntpcheck.Holdover, ntpcheck.Synchronised} {
		var is uint64
		if s.Reference.State == state {
			is = 1
		}
		w.send(referenceState, is, state.String())
	}
	w.sendKnown(referenceOffset, s.Reference.OffsetSeconds)
	w.sendKnown(referenceBound, s.Reference.BoundSeconds)
	for i := range s.Sources {
		source := &s.Sources[i]
		w.send(sourceState, 1, source.Address, source.State.String())
		w.sendKnown(sourceOffset, source.OffsetSeconds, source.Address)
		w.sendKnown(sourceDistance, source.RootDistanceSeconds, source.Address)
	}
}

func (w writer) sendKnown(f family, value *float64, labels ...string) {
	if value != nil {
		w.sendFloat(f, *value, labels...)
	}
}
