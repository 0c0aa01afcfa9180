// Package responder answers NTP queries from a clock of this process: a reference for
// demonstrations and tests. It measures nothing, so what it says proves nothing about
// that clock.
package responder

import (
	"encoding/binary"
	"errors"
	"net"
	"time"
)

// A Source is what a server says of the clock that it answers from.
type Source struct {
	Stratum byte
	ID      string // up to four letters (RFC 5905, section 7.3, refid)
}

// Local is a clock that nothing keeps right (RFC 5905, figure 12: LOCL).
var Local = Source{Stratum: 10, ID: "LOCL"}

const (
	size      = 48 // octets of a packet without extensions
	client    = 3  // modes
	server    = 4
	precision = 0xec // 2^-20 s
)

// Reply returns what a server says whose clock shows a time, nil to anything but a
// client's query (RFC 5905, section 7.3).
func (s Source) Reply(query []byte, now time.Time) []byte {
	if len(query) < size || query[0]&7 != client {
		return nil
	}
	reply := make([]byte, size)
	reply[0] = query[0]&(7<<3) | server // no leap warning, the client's version
	reply[1] = s.Stratum
	reply[2] = query[2] // poll
	reply[3] = precision
	copy(reply[12:16], s.ID)
	copy(reply[24:32], query[40:48]) // origin
	for _, at := range []int{16, 32, 40} {
		SetTime(reply[at:], now)
	}
	return reply
}

// SetTime writes a timestamp (RFC 5905, section 6) to the start of b.
func SetTime(b []byte, t time.Time) {
	const from1900 = 2_208_988_800
	binary.BigEndian.PutUint32(b, uint32(t.Unix()+from1900))
	binary.BigEndian.PutUint32(b[4:], uint32(uint64(t.Nanosecond())<<32/1e9))
}

// Serve answers queries until the connection is closed.
func (s Source) Serve(conn net.PacketConn) error {
	query := make([]byte, 1024)
	for {
		n, peer, err := conn.ReadFrom(query)
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		if reply := s.Reply(query[:n], time.Now()); reply != nil {
			_, _ = conn.WriteTo(reply, peer) // who gets none asks again
		}
	}
}
