package ntpcheck

import (
	"context"
	"errors"
	"net"
	"time"
)

// What a stranger can ask an NTP server besides the time. Each request is the
// smallest there is.
var (
	// monlist asks ntpd for the addresses of its last 600 clients (mode 7,
	// implementation 3, request 42): the largest answer for the smallest question.
	monlist = []byte{0x17, 0, 3, 42, 0, 0, 0, 0}

	// readvar asks for a server's variables, which tell its version and system
	// (mode 6, opcode 2, RFC 9327, section 2).
	readvar = []byte{0x16, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}
)

const (
	// auditPause is how long an answer may pause until it is over.
	auditPause = time.Second

	// auditLimit is how many datagrams of an answer are counted.
	auditLimit = 200
)

// An Exposure is what a server tells a stranger.
type Exposure struct {
	Monlist ControlAnswer // mode 7
	Readvar ControlAnswer // mode 6
}

// Any says that the server answers one of the requests.
func (e Exposure) Any() bool { return e.Monlist.Answers() || e.Readvar.Answers() }

// A ControlAnswer is what came back for one request.
type ControlAnswer struct {
	Asked   int  // octets sent
	Octets  int  // that came back
	Packets int  // they came in
	Refused bool // what came is an error
}

// Answers says that the server did what it was asked.
func (a ControlAnswer) Answers() bool { return a.Packets > 0 && !a.Refused }

// Factor is how many octets come back for each that is sent. Somebody who forges the
// sender's address makes that many times the traffic for a third.
func (a ControlAnswer) Factor() float64 { return float64(a.Octets) / float64(max(a.Asked, 1)) }

// Audit asks a server, host:port, whether it serves strangers by mode 7 and mode 6.
// It sends one datagram of each, and takes some seconds. The error says in a few words why
// the server can't be asked.
func Audit(ctx context.Context, address string) (e Exposure, err error) {
	if e.Monlist, err = control(ctx, address, monlist, isMode7); err == nil {
		e.Readvar, err = control(ctx, address, readvar, isMode6)
	}
	if err != nil {
		return Exposure{}, errors.New(describe(err, auditPause))
	}
	return e, nil
}

// A reading says whether a datagram is a reply to a request, and whether that is an
// error.
type reading func(packet []byte) (reply, refused bool)

// isMode7 reads the head of a mode 7 packet: the response bit, and the error beside
// the number of items.
func isMode7(p []byte) (reply, refused bool) {
	return len(p) >= 8 && p[0]&0x87 == 0x87, len(p) >= 8 && p[4]>>4 != 0
}

// isMode6 reads the head of a mode 6 packet: response and error bit.
func isMode6(p []byte) (reply, refused bool) {
	return len(p) >= 12 && p[0]&7 == 6 && p[1]&0x80 != 0, len(p) >= 12 && p[1]&0x40 != 0
}

func control(ctx context.Context, address string, request []byte, read reading) (ControlAnswer, error) {
	var d net.Dialer
	a := ControlAnswer{Asked: len(request)}
	conn, err := d.DialContext(ctx, "udp", address)
	if err != nil {
		return a, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := conn.Write(request); err != nil {
		return a, err
	}
	return a, a.collect(conn, read)
}

// collect counts what comes until it pauses.
func (a *ControlAnswer) collect(conn net.Conn, read reading) error {
	packet := make([]byte, 64<<10)
	for a.Packets < auditLimit {
		if err := conn.SetReadDeadline(time.Now().Add(auditPause)); err != nil {
			return err
		}
		n, err := conn.Read(packet)
		var netErr net.Error
		if errors.As(err, &netErr) && netErr.Timeout() {
			return nil
		}
		if err != nil {
			return err
		}
		if reply, refused := read(packet[:n]); reply {
			a.Packets, a.Octets, a.Refused = a.Packets+1, a.Octets+n, a.Refused || refused
		}
	}
	return nil
}
