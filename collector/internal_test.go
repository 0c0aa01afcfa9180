package collector

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// A peer that doesn't read holds a write up until the deadline, and no further write at all.
func TestUnreadWrite(t *testing.T) {
	ours, theirs := net.Pipe() // nobody reads theirs
	defer theirs.Close()
	defer ours.Close()
	c := &promptConn{Conn: ours}
	began := time.Now()
	written := make(chan error, 1)
	go func() {
		_, err := c.Write([]byte("x"))
		written <- err
	}()
	c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond)) // before the write or while it waits
	if err := <-written; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) > writeWithin/2 {
		t.Fatalf("write: %v after %v, want it to end at the deadline", err, time.Since(began))
	}
	began = time.Now()
	c.SetWriteDeadline(time.Time{})
	if _, err := c.Write([]byte("x")); err == nil || time.Since(began) > writeWithin/2 {
		t.Errorf("a second write: %v after %v, want it to fail at once", err, time.Since(began))
	}
}

// crypto/tls answers key updates within Read: its writes are bounded where it makes them.
func TestConnectionsBoundTheirWrites(t *testing.T) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	conn, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stamped, err := newStampedConn(conn, time.Now, new(atomic.Bool))
	if err != nil {
		t.Fatal(err)
	}
	r := &recordReader{stampedConn: stamped}
	began := time.Now()
	r.SetWriteDeadline(began.Add(50 * time.Millisecond))
	for err == nil {
		_, err = r.Write(make([]byte, 1<<20)) // more than both sockets hold, in the end
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) > writeWithin/2 {
		t.Errorf("write to a peer that doesn't read: %v after %v, want it to end at the deadline", err, time.Since(began))
	}
	began = time.Now()
	r.SetWriteDeadline(began.Add(4 * time.Second))
	if _, err := r.Write(make([]byte, 1<<20)); err == nil || time.Since(began) > 2*time.Second {
		t.Errorf("the next write: %v after %v, want it to fail at once", err, time.Since(began))
	}
}

func TestNetworkOfPeer(t *testing.T) {
	for _, tt := range []struct{ peer, want string }{
		{"192.0.2.7", "192.0.2.7/32"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"fe80::1%eth0", "fe80::/64"},
	} {
		if got := networkOf(netip.MustParseAddr(tt.peer)); got.String() != tt.want {
			t.Errorf("networkOf(%s) = %v, want %s", tt.peer, got, tt.want)
		}
	}
}

func TestFamilyOfAddress(t *testing.T) {
	cfg := Config{
		UDP: []string{"0.0.0.0:514", "[::]:514", "[::]:515"}, TCP: []string{"[::]:514"},
		TLS: []string{"0.0.0.0:6514"}, RELP: []string{"[::]:6514"},
	}
	for _, tt := range []struct {
		transport     message.Transport
		address, want string
	}{
		{message.UDP, "0.0.0.0:514", "4"},
		{message.UDP, "192.0.2.1:514", "4"},
		{message.UDP, "[::]:514", "6"},
		{message.UDP, "[::]:515", ""},
		{message.UDP, ":514", ""},
		{message.UDP, "[2001:db8::1]:514", ""},
		{message.TCP, "[::]:514", ""},
		{message.RELP, "[::]:6514", "6"},
		{message.TCP, "localhost:514", ""},
	} {
		if got := cfg.family(tt.transport, tt.address); got != tt.want {
			t.Errorf("family of %v %s is %q, want %q", tt.transport, tt.address, got, tt.want)
		}
	}
}

// What is no duration in 32 bits is one in 64: the default of a week above all.
func TestDefaultsAreValid(t *testing.T) {
	cfg := Config{}.withDefaults()
	if err := cfg.validate(); err != nil {
		t.Error(err)
	}
}
