package collector_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
)

// fileOf returns the file of a socket as another process would have it, and closes the
// socket here.
func fileOf(t *testing.T, socket interface {
	File() (*os.File, error)
	Close() error
}) *os.File {
	t.Helper()
	f, err := socket.File()
	if err != nil {
		t.Fatal(err)
	}
	socket.Close()
	return f
}

func bindUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// What a socket held before it was taken over bears no stamp of its arrival, and what
// came later does. Nothing is lost.
func TestInheritedSockets(t *testing.T) {
	udp := bindUDP(t)
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	datagrams, stream := dial(t, "udp", udp.LocalAddr().String()), dial(t, "tcp", tcp.Addr().String())
	write(t, datagrams, "<13>before")
	time.Sleep(10 * time.Millisecond) // a stamp of the read is later than that

	var s store
	c := listen(t, collector.Config{
		Stamps: message.StampedByKernel, Log: quiet(),
		Inherited: []collector.Inherited{{fileOf(t, udp), message.UDP}, {fileOf(t, tcp), message.TCP}},
	}, &s)
	write(t, datagrams, "<13>between")
	run(t, c)
	s.wait(t, 2)
	write(t, datagrams, "<13>after")
	s.wait(t, 3)
	write(t, stream, "<13>over TCP\n")
	got := s.wait(t, 4)
	for i, want := range []struct {
		raw string
		by  message.StampedBy
	}{
		{"<13>before", message.StampedByUser}, {"<13>between", message.StampedByUser},
		{"<13>after", message.StampedByKernel}, {"<13>over TCP", message.StampedByKernel},
	} {
		if string(got[i].Raw) != want.raw || got[i].StampedBy != want.by {
			t.Errorf("message %d is %q stamped by %v, want %q by %v", i, got[i].Raw, got[i].StampedBy, want.raw, want.by)
		}
	}
	if n := len(c.Addrs(message.UDP)); n != 1 {
		t.Errorf("%d UDP addresses, want 1", n)
	}
}

// Where whoever bound the socket had stamping switched on (Timestamping=ns in a systemd
// unit), what it holds is as good as what comes later.
func TestInheritedSocketThatStamps(t *testing.T) {
	udp := bindUDP(t)
	raw, err := udp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) })
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond) // stamping is switched on in the kernel's own time
	conn := dial(t, "udp", udp.LocalAddr().String())
	write(t, conn, "<13>before")
	sent := time.Now()
	time.Sleep(10 * time.Millisecond)
	var s store
	c := listen(t, collector.Config{
		Stamps: message.StampedByKernel, Log: quiet(), Inherited: []collector.Inherited{{fileOf(t, udp), message.UDP}},
	}, &s)
	run(t, c)
	if m := s.wait(t, 1)[0]; m.StampedBy != message.StampedByKernel || m.Received > sent.UnixNano() {
		t.Errorf("stamped by %v at %v, want by the kernel before %v", m.StampedBy, m.ReceivedTime(), sent.UTC())
	}
}

func TestInheritedOtherwise(t *testing.T) {
	path := t.TempDir() + "/socket"
	unixSocket, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []collector.Inherited{
		{fileOf(t, unixSocket), message.TCP}, {plain, message.TCP}, {fileOf(t, bindUDP(t)), message.TCP},
	} {
		if _, err := collector.Listen(collector.Config{Log: quiet(), Inherited: []collector.Inherited{in}}, &store{}); err == nil ||
			!strings.Contains(err.Error(), "take over socket") {
			t.Errorf("Listen with a socket that is no TCP: %v", err)
		} else if e, ok := err.(interface{ Remedy() string }); !ok || e.Remedy() == "" {
			t.Errorf("%v: has no remedy", err)
		}
	}
}

// Datagrams of many senders are spread over the sockets of an address; each sender's keep
// their order.
func TestSocketsShareAnAddress(t *testing.T) {
	const senders, each = 40, 50
	cfg := both()
	cfg.UDPSockets = 4
	var s store
	c := listen(t, cfg, &s)
	run(t, c)
	if n := len(c.Addrs(message.UDP)); n != 1 {
		t.Fatalf("%d UDP addresses, want 1", n)
	}
	for sender := range senders {
		conn := dialUDP(t, c)
		for i := range each {
			write(t, conn, fmt.Sprintf("<13>%d %d", sender, i))
		}
	}
	var next [senders]int
	for _, m := range s.wait(t, senders*each) {
		var sender, i int
		fmt.Sscanf(string(m.Raw), "<13>%d %d", &sender, &i)
		if i != next[sender] {
			t.Fatalf("message %d of sender %d came as number %d", i, sender, next[sender])
		}
		next[sender]++
	}
	if n := socketsInProc(t, c.Addrs(message.UDP)[0].Port()); n != 4 {
		t.Errorf("%d sockets have the address, want 4", n)
	}
}

func socketsInProc(t *testing.T, port uint16) int {
	t.Helper()
	text, err := os.ReadFile("/proc/net/udp")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), fmt.Sprintf(":%04X 00000000:0000", port))
}

// The sockets share their address with one another, and with nobody else.
func TestAddressInUse(t *testing.T) {
	c := listen(t, both(), &store{})
	run(t, c)
	cfg := both()
	cfg.UDP, cfg.TCP = []string{c.Addrs(message.UDP)[0].String()}, nil
	if _, err := collector.Listen(cfg, &store{}); err == nil || !strings.Contains(err.Error(), "already in use") {
		t.Errorf("a second collector on one address: %v, want it refused", err)
	}
}

// The wildcards of both kinds of IP can be listened on side by side, and that of IPv4 alone
// is IPv4 alone.
func TestBothWildcards(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	wildcard4, wildcard6 := fmt.Sprintf("0.0.0.0:%d", port), fmt.Sprintf("[::]:%d", port)
	cfg := both()
	cfg.UDP, cfg.TCP = []string{wildcard6, wildcard4}, []string{wildcard4, wildcard6}
	var s store
	c := listen(t, cfg, &s)
	stop := run(t, c)
	for _, host := range []string{"127.0.0.1", "::1"} {
		to := net.JoinHostPort(host, fmt.Sprint(port))
		write(t, dial(t, "udp", to), "<13>a")
		write(t, dial(t, "tcp", to), "<13>a\n")
	}
	s.wait(t, 4)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	cfg.UDP, cfg.TCP = nil, []string{"0.0.0.0:0"}
	c = listen(t, cfg, &s)
	run(t, c)
	if conn, err := net.Dial("tcp", fmt.Sprintf("[::1]:%d", c.Addrs(message.TCP)[0].Port())); err == nil {
		conn.Close()
		t.Error("what listens on 0.0.0.0 is reached over IPv6")
	}
}

// Who asks for user stamps gets them, whatever the socket does.
func TestUserStampsOnInheritedSockets(t *testing.T) {
	udp := bindUDP(t)
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	for _, socket := range []interface {
		SyscallConn() (syscall.RawConn, error)
	}{udp, tcp} {
		raw, err := socket.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) })
		if err != nil {
			t.Fatal(err)
		}
	}
	datagrams, stream := dial(t, "udp", udp.LocalAddr().String()), dial(t, "tcp", tcp.Addr().String())
	var s store
	c := listen(t, collector.Config{
		Stamps: message.StampedByUser, Log: quiet(),
		Inherited: []collector.Inherited{{fileOf(t, udp), message.UDP}, {fileOf(t, tcp), message.TCP}},
	}, &s)
	run(t, c)
	write(t, datagrams, "<13>a")
	write(t, stream, "<13>a\n")
	for _, m := range s.wait(t, 2) {
		if m.StampedBy != message.StampedByUser {
			t.Errorf("over %v: stamped by %v, want user", m.Transport, m.StampedBy)
		}
	}
}

// What the kernel dropped before a socket was taken over was lost to somebody else.
func TestInheritedDropsAreNotOurs(t *testing.T) {
	udp := bindUDP(t)
	if err := udp.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	conn := dial(t, "udp", udp.LocalAddr().String())
	for range 500 {
		write(t, conn, "<13>x")
	}
	var s store
	c := listen(t, collector.Config{
		Log: quiet(), Inherited: []collector.Inherited{{fileOf(t, udp), message.UDP}},
	}, &s)
	run(t, c)
	held := len(s.wait(t, 1))
	if held == 500 {
		t.Fatal("the socket held all datagrams: the test has lost its object")
	}
	if n := c.Stats()[message.UDP].DroppedByKernel; n != 0 {
		t.Errorf("%d datagrams count as dropped, want 0", n)
	}
}

// While a queue is put at the stop, senders are told that nobody listens.
func TestLateDatagramsAreRefused(t *testing.T) {
	var s store
	c := listen(t, both(), &s)
	stop := run(t, c)
	conn := dialUDP(t, c)
	s.shut.Lock()
	open := sync.OnceFunc(s.shut.Unlock)
	defer open()
	write(t, conn, "<13>a")
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	poll(t, func() string {
		if _, err := conn.Write([]byte("<13>late")); err == nil {
			return "datagrams vanish in a socket that nobody reads"
		}
		return ""
	})
	open()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// What can't be listened on is told with what to do about it.
func TestRemediesOfAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1:0":            "doesn't have the address",
		"[fe80::1]:0":            "link-local",
		"no-such-host.invalid:0": "doesn't resolve",
	} {
		cfg := both()
		cfg.UDP, cfg.TCP = nil, []string{address}
		_, err := collector.Listen(cfg, &store{})
		var bind *collector.BindError
		if !errors.As(err, &bind) || !strings.Contains(bind.Remedy(), want) {
			t.Errorf("%s: %v, want a remedy with %q", address, err, want)
		}
	}
}
