// Package analysis estimates the clocks of hosts from the messages they send,
// says what is wrong with each, and decides when to warn.
//
// Its input is pairs of times: Sent, the stamp that a message's originator wrote,
// and Received, the stamp that the collector took. Everything rests on one fact:
// no message arrives before it is sent. So the lead of a message,
//
//	lead = Sent - Received = offset - delay - truncation,    delay, truncation >= 0
//
// never exceeds the originator's offset, and the offset lies on the upper envelope
// of the leads, not at their mean. A queue that holds messages back for hours
// lowers leads and leaves the envelope alone.
//
// An offset is the originator's clock minus true time: positive when it is ahead.
// A skew is the rate of change of the offset, in ppm: positive when the clock
// gains.
//
// The package does no I/O and never reads a clock: the time of an evaluation is an
// argument.
package analysis

import "time"

const (
	second = int64(time.Second)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// Transit returns the relative transit time of one message (RFC 3550, section
// 6.4.1): the collector's receive time minus the originator's TIMESTAMP.
//
//	transit = delay - offset
//
// It is negative when the originator's clock is ahead by more than the delay, and
// no finer than the stamp's resolution (one second for RFC 3164).
func Transit(sent, received time.Time) time.Duration { return received.Sub(sent) }
