package simulation

import (
	"math/rand/v2"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// A Stamp is how a host writes down what its clock shows.
type Stamp struct {
	Format     message.StampFormat
	Resolution time.Duration // a power of ten of a nanosecond; 0 means a second
	Rounded    bool          // to the nearest, where others truncate
	ZoneEast   time.Duration // the zone it writes its stamps in

	// Garbage is the share of stamps that are ahead by anything, in the mean by an
	// hour.
	Garbage float64
}

// write returns the stamp of a message sent when the host's clock showed a Unix time
// in nanoseconds.
func (s *Stamp) write(r *rand.Rand, clock int64) message.Stamp {
	if s.Garbage > 0 && r.Float64() < s.Garbage {
		clock += int64(exponential(r, time.Hour))
	}
	q := int64(s.Resolution)
	if q == 0 {
		q = int64(time.Second)
	}
	if s.Rounded {
		clock += q / 2
	}
	civil := clock - modulo(clock, q) + int64(s.ZoneEast)
	m := message.Stamp{Format: s.Format, Digits: digits(q), Civil: civil}
	if s.Format == message.StampBSD {
		m.Civil = withoutYear(civil)
		return m
	}
	m.HasYear, m.HasZone, m.ZoneEast = true, true, int32(s.ZoneEast/time.Second)
	return m
}

// modulo returns the remainder of x by q > 0 that is never negative.
func modulo(x, q int64) int64 { return (x%q + q) % q }

// digits returns how many decimals a resolution needs.
func digits(q int64) (n uint8) {
	for ; q < int64(time.Second); q *= 10 {
		n++
	}
	return n
}

// withoutYear moves a civil time into the year that stands for none.
func withoutYear(civil int64) int64 {
	t := time.Unix(0, civil).UTC()
	in := time.Date(message.YearUnknown, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	return in.UnixNano()
}
