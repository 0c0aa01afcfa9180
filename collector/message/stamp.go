package message

import "time"

// A Stamp is the TIMESTAMP of a message as its originator wrote it. What the
// sender did not write (a zone, a year) is not filled in: package analysis
// settles those by evidence over many messages.
type Stamp struct {
	// Civil is the date and time as written, in nanoseconds since 1970-01-01
	// 00:00:00 on the originator's own calendar and in its own zone: the digits
	// read as if they were UTC. Without HasYear the year is YearUnknown. It means
	// nothing when Format is StampNone or StampInvalid.
	Civil int64

	// ZoneEast is how far the originator's zone lies east of UTC, in seconds, if
	// HasZone.
	ZoneEast int32

	Format StampFormat

	// Digits is the number of digits written after the second: 0 to 9.
	Digits uint8

	HasYear bool
	HasZone bool

	// LeapSecond says that the second was written as 60. Civil then stands at the
	// beginning of the following minute.
	LeapSecond bool
}

// YearUnknown is the year in Civil of a stamp that has none. It is a leap year,
// so that every day a year can have has its place.
const YearUnknown = 2000

// Usable reports whether the stamp is a readable date and time, and so evidence
// of a clock.
func (s Stamp) Usable() bool { return s.Format != StampNone && s.Format != StampInvalid }

// Resolution returns the weight of the last digit written: one second for
// RFC 3164, a microsecond for six decimals. The clock behind the stamp may be
// coarser.
func (s Stamp) Resolution() time.Duration {
	r := time.Second
	for range s.Digits {
		r /= 10
	}
	return max(r, 1)
}

// Instant returns the moment the stamp names, in Unix nanoseconds, if it carries
// its year and its zone.
func (s Stamp) Instant() (unixNano int64, ok bool) {
	if !s.Usable() || !s.HasYear || !s.HasZone {
		return 0, false
	}
	return s.Civil - int64(s.ZoneEast)*int64(time.Second), true
}

// StampFormat is the shape in which a stamp was written.
type StampFormat uint8

// The shapes of stamps. The numbers are stored: new shapes go to the end.
const (
	StampNone    StampFormat = iota // no stamp, or NILVALUE: the sender names no time
	StampInvalid                    // something stands in the stamp's place that is no date and time
	StampRFC5424                    // RFC 5424, section 6.2.3
	StampRFC3339                    // a date in digits in the place of an RFC 3164 one: RFC 3339, or near it
	StampBSD                        // RFC 3164, section 4.1.2: "Oct 11 22:14:15"
	StampBSDYear                    // the same with a year: "Oct 11 2026 22:14:15"
	StampEpoch                      // seconds since 1970 in UTC: "1791756855.123"
)

var stampFormats = [...]string{"none", "invalid", "rfc5424", "rfc3339", "bsd", "bsd-year", "epoch"}

// String returns the name under which reports show the format.
func (f StampFormat) String() string { return name(stampFormats[:], uint8(f)) }

// StampedBy is the clock that took a receive stamp.
type StampedBy uint8

// The clocks that take receive stamps. The numbers are stored.
const (
	StampedByUser   StampedBy = iota // this process, after the read returned
	StampedByKernel                  // the kernel, when the packet arrived (SO_TIMESTAMPNS)
)

var stampedBy = [...]string{"user", "kernel"}

func (s StampedBy) String() string { return name(stampedBy[:], uint8(s)) }

// Transport is how a message came in.
type Transport uint8

// The transports. The numbers are stored.
const (
	UDP Transport = iota
	TCP
	TLS
	RELP
	RELPTLS

	Transports int = iota // how many there are
)

var transports = [Transports]string{"udp", "tcp", "tls", "relp", "relp-tls"}

func (t Transport) String() string { return name(transports[:], uint8(t)) }

// Trust is how hard it is to send a message under a peer's address. Evidence of
// a lower class never changes a verdict that rests on a higher one.
type Trust uint8

// The classes of trust, in rising order. The numbers are stored.
const (
	TrustUDP         Trust = iota // anybody can write the source address of a datagram
	TrustHandshake                // the peer answered at its address (TCP)
	TrustCertificate              // the peer proved its name (TLS client certificate)
)

var trusts = [...]string{"udp", "handshake", "certificate"}

func (t Trust) String() string { return name(trusts[:], uint8(t)) }

func name(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return "unknown"
}
