package testbed

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// An arrival is one message as it came out of the transport's framing.
type arrival struct {
	at   time.Time
	text string
}

// A listener is the plainest collector there is: it keeps what arrives.
type listener struct {
	address string
	closed  func() error

	mu       sync.Mutex
	arrivals []arrival
}

// listen starts a collector on a loopback address ("127.0.0.1:0" for any port).
func listen(t testing.TB, transport, address string) *listener {
	t.Helper()
	if transport == "udp" {
		return listenUDP(t, address)
	}
	return listenTCP(t, address)
}

func listenUDP(t testing.TB, address string) *listener {
	t.Helper()
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{address: conn.LocalAddr().String(), closed: conn.Close}
	t.Cleanup(l.close)
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, _, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			l.keep(string(buffer[:n]))
		}
	}()
	return l
}

func listenTCP(t testing.TB, address string) *listener {
	t.Helper()
	accepting, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return accept(t, accepting)
}

// accept starts a collector on a listener.
func accept(t testing.TB, accepting net.Listener) *listener {
	t.Helper()
	l := &listener{address: accepting.Addr().String(), closed: accepting.Close}
	t.Cleanup(l.close)
	go func() {
		for {
			conn, err := accepting.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			go l.keepFrames(bufio.NewReader(conn))
		}
	}()
	return l
}

func (l *listener) close() { _ = l.closed() }

func (l *listener) keepFrames(r *bufio.Reader) {
	for {
		text, err := readFrame(r)
		if err != nil {
			return
		}
		l.keep(text)
	}
}

// readFrame reads one message in either framing of RFC 6587.
func readFrame(r *bufio.Reader) (string, error) {
	first, err := r.Peek(1)
	if err != nil {
		return "", err
	}
	if first[0] == '<' {
		return r.ReadString('\n')
	}
	count, err := r.ReadString(' ')
	length, bad := strconv.Atoi(strings.TrimSuffix(count, " "))
	if err := errors.Join(err, bad); err != nil {
		return "", err
	}
	text := make([]byte, length)
	_, err = io.ReadFull(r, text)
	return "counted:" + string(text), err
}

func (l *listener) keep(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrivals = append(l.arrivals, arrival{time.Now(), strings.TrimSuffix(text, "\n")})
}

// await returns what has arrived as soon as it is at least n messages.
func (l *listener) await(t testing.TB, n int) []arrival {
	t.Helper()
	var got []arrival
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		l.mu.Lock()
		got = l.arrivals[:len(l.arrivals):len(l.arrivals)]
		l.mu.Unlock()
		if len(got) >= n {
			return got
		}
	}
	t.Fatalf("%d messages arrived within %v, want %d: %v", len(got), patience, n, got)
	return nil
}
