package gosyslog

import (
	"fmt"
	"net"
	"testing"
	"time"

	syslog "gopkg.in/mcuadros/go-syslog.v2"
	"gopkg.in/mcuadros/go-syslog.v2/format"
)

const patience = 10 * time.Second

// serve starts the library's server over loopback UDP and TCP, on one port.
func serve(t *testing.T) (address string, received <-chan format.LogParts) {
	t.Helper()
	channel := make(syslog.LogPartsChannel, 16)
	server := syslog.NewServer()
	server.SetFormat(Format{})
	server.SetHandler(syslog.NewChannelHandler(channel))
	address = listen(t, server)
	if err := server.Boot(); err != nil {
		t.Fatalf("starting the server: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Kill(); err != nil {
			t.Errorf("stopping the server: %v", err)
		}
		server.Wait()
	})
	return address, channel
}

// listen tries free ports until one is free for both: the library tells no address.
func listen(t *testing.T, server *syslog.Server) (address string) {
	t.Helper()
	for range 20 {
		probe, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatalf("looking for a free port: %v", err)
		}
		address = probe.Addr().String()
		probe.Close()
		if server.ListenTCP(address) != nil {
			continue
		}
		if err := server.ListenUDP(address); err != nil {
			t.Fatalf("listening on udp %s: %v", address, err)
		}
		return address
	}
	t.Fatal("no free port")
	return ""
}

func dial(t *testing.T, network, address string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout(network, address, patience)
	if err != nil {
		t.Fatalf("dialling %s %s: %v", network, address, err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func next(t *testing.T, received <-chan format.LogParts) format.LogParts {
	t.Helper()
	select {
	case parts := <-received:
		return parts
	case <-time.After(patience):
		t.Fatal("no message in time")
		return nil
	}
}

func checkPart(t *testing.T, parts format.LogParts, key string, want any) {
	t.Helper()
	if !samePart(parts[key], want) {
		t.Errorf("%s = %#v, want %#v", key, parts[key], want)
	}
}

func TestServerUDP(t *testing.T) {
	address, received := serve(t)
	conn := dial(t, "udp", address)

	fmt.Fprint(conn, "<38>2026-11-20T23:53:09.807954+00:00 web1 sshd[12]: two\nlines\n")
	parts := next(t, received)
	checkPart(t, parts, "timestamp", time.Date(2026, 11, 20, 23, 53, 9, 807954000, time.UTC))
	checkPart(t, parts, "hostname", "web1")
	checkPart(t, parts, "content", "two\nlines")
	checkPart(t, parts, "client", conn.LocalAddr().String())

	fmt.Fprint(conn, "<13>1 - web2 su - - - x")
	parts = next(t, received)
	checkPart(t, parts, "timestamp", time.Time{})
	checkPart(t, parts, "hostname", "web2")
	checkPart(t, parts, "message", "x")
}

// Each of these datagrams ends the process with one of the library's own formats.
func TestServerSurvives(t *testing.T) {
	address, received := serve(t)
	conn := dial(t, "udp", address)
	for _, line := range []string{"<13>", "<13>Oct 11 22:14:15 host", "-5 abc"} {
		fmt.Fprint(conn, line)
		checkPart(t, next(t, received), "tag", "")
	}
}

func TestServerTCP(t *testing.T) {
	address, received := serve(t)
	conn := dial(t, "tcp", address)

	fmt.Fprint(conn, "<13>Oct 11 22:14:15 web1 su: by line\n12 <13>by count\n<13>no line end")
	parts := next(t, received)
	checkPart(t, parts, "content", "by line")
	checkPart(t, parts, "skewatch.sent_civil", "10-11T22:14:15")
	checkPart(t, next(t, received), "content", "by count")
	conn.Close()
	checkPart(t, next(t, received), "content", "no line end")
}

// What follows a count that is none must not pass for messages.
func TestServerClosesBrokenStream(t *testing.T) {
	address, _ := serve(t)
	conn := dial(t, "tcp", address)
	fmt.Fprint(conn, "99999999 <13>x")
	conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := conn.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("reading from the server: %v, want a closed connection", err)
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}
