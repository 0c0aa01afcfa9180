// Package message defines a syslog message as skewatch keeps it: the bytes that
// arrived, when and how they arrived, and what the sender said about time.
//
// It is the vocabulary that the rooms of the house share and imports the
// standard library only.
package message

import (
	"net/netip"
	"slices"
	"time"
)

// A Message is one syslog message as it was received.
//
// Host, AppName, ProcID, MsgID, StructuredData and Text are parts of Raw, not
// copies. They and Raw belong to whoever made the Message; a receiver that keeps
// any of them beyond the call must copy the bytes.
type Message struct {
	// Sequence is the store's number for the message: from 1, in the order of
	// storing, without gaps. It is 0 until the message is stored.
	Sequence uint64

	// Received is when the message arrived, in Unix nanoseconds of the clock that
	// StampedBy names. It is the reading itself: no correction by the NTP
	// reference is ever added to it.
	Received int64

	// PreviousRead is the receive stamp of an earlier read of the same stream: the
	// last before this message that took all the socket held. The message arrived
	// after PreviousRead and not after Received, since a stream read bears the stamp
	// of its last segment only. It equals Received when the message was the last in
	// such a read itself, and so is as old as its stamp says; it is 0 for a datagram
	// and on a connection's first read.
	PreviousRead int64

	// MinRTT is the smallest round trip to the peer that the kernel had measured
	// when a stream was accepted; 0 if not known.
	MinRTT time.Duration

	Source    netip.Addr // the peer, without its port; IPv4 is never mapped into IPv6
	StampedBy StampedBy
	Transport Transport
	Trust     Trust

	// Raw is the message as it was sent, bit for bit, without the transport's
	// framing.
	Raw []byte

	// Truncated says that Raw is only the beginning of the message: it was longer than
	// the limit, or its connection ended too soon.
	Truncated bool

	Priority Priority
	Sent     Stamp

	Host           []byte // HOSTNAME as sent; empty if there is none
	AppName        []byte // APP-NAME (RFC 5424) or the TAG's name (RFC 3164)
	ProcID         []byte // PROCID, or what stands in the TAG's brackets
	MsgID          []byte
	StructuredData []byte // as sent, escapes and brackets included; empty for NILVALUE
	Text           []byte // MSG, without its byte order mark

	TimeQuality TimeQuality
}

// ReceivedTime returns Received as a time in UTC.
func (m *Message) ReceivedTime() time.Time { return time.Unix(0, m.Received).UTC() }

// Priority is the PRI of a message: facility times 8 plus severity (RFC 5424,
// section 6.2.1), 0 to 191, or NoPriority.
type Priority int16

// NoPriority stands for a message without a valid PRI.
const NoPriority Priority = -1

var facilities = [...]string{
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news",
	"uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

var severities = [...]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

// Severities returns the severities' keywords, the most severe first: each stands at the
// place of its number.
func Severities() []string { return slices.Clone(severities[:]) }

// Facility returns the facility's keyword in lower case, "" without a priority.
func (p Priority) Facility() string {
	if p < 0 || int(p>>3) >= len(facilities) {
		return ""
	}
	return facilities[p>>3]
}

// Severity returns the severity's keyword in lower case, "" without a priority.
func (p Priority) Severity() string {
	if p < 0 || int(p>>3) >= len(facilities) {
		return ""
	}
	return severities[p&7]
}

// TimeQuality is what an RFC 5424 originator claims about its own clock in the
// structured data element timeQuality (RFC 5424, section 7.1), or a Cisco device by
// the mark before its stamp. It is a claim, kept beside the measurement, and never
// overrides it.
type TimeQuality struct {
	TZKnown  Claim // tzKnown: the originator knows its time zone
	IsSynced Claim // isSynced: its clock is synchronised to a reliable source

	// SyncAccuracy is the largest error it believes to have; 0 if not stated. It
	// means nothing unless IsSynced is ClaimedTrue.
	SyncAccuracy time.Duration
}

// Claim is the answer of an originator to a yes-or-no question about itself.
type Claim uint8

// The answers an originator may give.
const (
	NotClaimed Claim = iota
	ClaimedFalse
	ClaimedTrue
)
