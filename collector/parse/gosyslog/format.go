// Package gosyslog lets a server built on gopkg.in/mcuadros/go-syslog.v2 read its
// messages with package parse:
//
//	server := syslog.NewServer()
//	server.SetFormat(gosyslog.Format{})
//
// The library's own formats put the collector's time where a stamp can't be read,
// and end the process on some input. This one does neither: a handler gets either
// the time that the sender wrote, or none.
//
// # What a handler finds
//
// The keys are the library's. A message in the format of RFC 5424 has priority,
// facility, severity, version, timestamp, hostname, app_name, proc_id, msg_id,
// structured_data and message. Any other has priority, facility, severity,
// timestamp, hostname, tag, proc_id and content. The server adds client and
// tls_peer. The types are the library's too: int, string and time.Time.
//
// Two keys are ours:
//   - skewatch.stamp_format: "rfc5424", "rfc3339", "bsd", "none" or "invalid";
//   - skewatch.sent_civil: the date and time as written, without zone, as
//     "2026-10-11T22:14:15.003", or "10-11T22:14:15" when the sender wrote no year;
//     empty if there is none. A second written as 60 shows as the first of the
//     next minute.
//
// # Where it differs from the library
//   - timestamp is the zero time unless the sender wrote a year, and wrote a zone
//     or one is assumed. The traditional stamp of RFC 3164 has no year, so its
//     timestamp is always zero: use skewatch.sent_civil.
//   - priority, facility and severity are -1 when there is no valid PRI.
//   - What the sender left out, and NILVALUE, is the empty string, never the name
//     of the collector. The sender's address is in client.
//   - Parse never fails. What can't be read stays in message or content.
package gosyslog

import (
	"bufio"
	"time"

	"gopkg.in/mcuadros/go-syslog.v2/format"
)

// Format reads RFC 5424 and RFC 3164 in any mixture, over UDP, and over TCP or TLS
// in both framings of RFC 6587. It implements format.Format.
type Format struct {
	// AssumedZone is taken for stamps that name a year and no zone; nil leaves
	// their timestamp zero.
	AssumedZone *time.Location
}

var _ format.Format = Format{}

// GetParser returns a parser of one message. The parser reads line until its last
// call and keeps nothing of it in what it returns.
func (f Format) GetParser(line []byte) format.LogParser {
	return &Parser{line: line, zone: f.AssumedZone}
}

// GetSplitFunc returns a function that finds the messages of one connection, or the
// one message of a datagram. Each connection needs its own.
func (f Format) GetSplitFunc() bufio.SplitFunc { return new(splitter).split }
