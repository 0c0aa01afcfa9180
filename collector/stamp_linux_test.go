package collector_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"
	"golang.org/x/sys/unix"

	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
)

// spread sends n messages some milliseconds apart, and returns the time before
// and after the sending of each.
func spread(t *testing.T, conn net.Conn, n, size int) (before, after []time.Time) {
	t.Helper()
	pace := time.NewTicker(3 * time.Millisecond)
	defer pace.Stop()
	for i := range n {
		line := fmt.Sprintf("<13>Nov 20 23:53:09 web1 spread: %d ", i)
		line += strings.Repeat(".", size-len(line)-1) + "\n"
		before = append(before, time.Now())
		write(t, conn, line)
		after = append(after, time.Now())
		<-pace.C
	}
	return before, after
}

// The kernel's stamp of a datagram is its arrival's, however late it is read:
// over loopback, between the call that sent it and its return.
func TestKernelStampsDatagrams(t *testing.T) {
	var s store
	c := listen(t, both(), &s)
	run(t, c)
	s.shut.Lock()
	before, after := spread(t, dialUDP(t, c), 50, 100)
	s.shut.Unlock()
	got := s.wait(t, 50)
	for i, m := range got {
		if m.StampedBy != message.StampedByKernel || m.Received < before[i].UnixNano() || m.Received > after[i].UnixNano() {
			t.Errorf("message %d stamped by %v at %v, sent from %v to %v", i, m.StampedBy, m.ReceivedTime(), before[i].UTC(), after[i].UTC())
		}
		if m.PreviousRead != 0 || m.MinRTT != 0 {
			t.Errorf("a datagram has previous read %d and round trip %v", m.PreviousRead, m.MinRTT)
		}
	}
}

// While the Sink takes what comes, each message on a stream has a read and a
// stamp of its own, and points to the read before.
func TestKernelStampsStreams(t *testing.T) {
	var s store
	c := listen(t, both(), &s)
	run(t, c)
	conn := dialTCP(t, c)
	for i := range 50 {
		before := time.Now()
		write(t, conn, "<13>a\n")
		m := s.wait(t, i+1)[i]
		if m.StampedBy != message.StampedByKernel || m.Received < before.UnixNano() || m.Received > time.Now().UnixNano() {
			t.Errorf("message %d stamped by %v at %v, sent after %v", i, m.StampedBy, m.ReceivedTime(), before.UTC())
		}
		if m.PreviousRead != m.Received {
			t.Errorf("message %d: previous read %d, want %d: it came alone, and so exactly then", i, m.PreviousRead, m.Received)
		}
		if m.MinRTT <= 0 || m.MinRTT > time.Second {
			t.Errorf("message %d: smallest round trip %v", i, m.MinRTT)
		}
	}
}

// What waited in the socket comes in large reads under the stamp of the last
// segment. Each message must still have arrived between PreviousRead and
// Received, also where a read took only a part of what waited.
func TestPreviousReadIsALowerBound(t *testing.T) {
	const n = 60
	var s store
	c := listen(t, both(), &s)
	run(t, c)
	conn := dialTCP(t, c)
	checkLowerBound(t, &s, conn, n)
}

// checkLowerBound sends n messages while the store is shut, and checks that each arrived
// between PreviousRead and Received, and that some share a later one's stamp.
func checkLowerBound(t *testing.T, s *store, conn net.Conn, n int) {
	t.Helper()
	s.shut.Lock()
	before, after := spread(t, conn, n, 500)
	s.shut.Unlock()
	late := 0
	for i, m := range s.wait(t, n) {
		if m.PreviousRead > after[i].UnixNano() && m.PreviousRead != m.Received || m.Received < before[i].UnixNano() {
			t.Errorf("message %d arrived from %v to %v, but has previous read %v and received %v", i,
				before[i].UTC(), after[i].UTC(), time.Unix(0, m.PreviousRead).UTC(), m.ReceivedTime())
		}
		if m.Received > after[i].Add(time.Millisecond).UnixNano() {
			late++
		}
	}
	if late == 0 {
		t.Error("no message shares a later one's stamp: the test has lost its object")
	}
}

// Every datagram is stored or counted as dropped, to the last one.
func TestKernelDropsAreCounted(t *testing.T) {
	const sent = 3000
	cfg := both()
	cfg.ReceiveBuffer = 64 << 10
	var s store
	c := listen(t, cfg, &s)
	run(t, c)
	conn := dialUDP(t, c)
	s.shut.Lock()
	for range sent {
		write(t, conn, "<13>a")
	}
	dropped := c.Stats()[message.UDP].DroppedByKernel
	if proc := dropsInProc(t, c); dropped == 0 || dropped != proc {
		t.Errorf("dropped by kernel: %d, want %d as in /proc/net/udp and not 0", dropped, proc)
	}
	s.shut.Unlock()
	s.wait(t, sent-int(dropped))
	poll(t, func() string {
		if got := c.Stats()[message.UDP]; got.Stored+got.DroppedByKernel != sent {
			return fmt.Sprintf("%d stored + %d dropped, want %d", got.Stored, got.DroppedByKernel, sent)
		}
		return ""
	})
}

// dropsInProc reads what the kernel publishes about the collector's UDP sockets.
func dropsInProc(t *testing.T, c *collector.Collector) (drops uint64) {
	t.Helper()
	udp := c.Addrs(message.UDP)
	local, sockets := fmt.Sprintf(":%04X", udp[0].Port()), 0
	f, err := os.Open("/proc/net/udp")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if strings.HasSuffix(fields[1], local) {
			var of uint64
			fmt.Sscan(fields[len(fields)-1], &of)
			drops += of
			sockets++
		}
	}
	if sockets == 0 {
		t.Fatalf("no socket %s in /proc/net/udp", local)
	}
	return drops
}

// A clock that isn't the kernel's makes kernel stamps useless: they would be
// judged by a reference that was measured against the other one.
func TestForeignClockFallsBack(t *testing.T) {
	log, hook := test.NewNullLogger()
	cfg := both()
	cfg.Log = log
	cfg.Now = func() time.Time { return time.Now().Add(37 * time.Second) }
	var s store
	c := listen(t, cfg, &s)
	run(t, c)
	if got := c.Stamps(); got != message.StampedByUser {
		t.Errorf("Stamps = %v, want user", got)
	}
	if e := hook.LastEntry(); e == nil || !strings.Contains(e.Message, "no kernel receive stamps") {
		t.Errorf("log entry %v, want that there are no kernel stamps", e)
	}
	write(t, dialUDP(t, c), "<13>a")
	if m := s.wait(t, 1)[0]; m.StampedBy != message.StampedByUser || time.Until(m.ReceivedTime()) < 30*time.Second {
		t.Errorf("stamped by %v at %v, want by the clock 37 s ahead", m.StampedBy, m.ReceivedTime())
	}
}

func TestLowPortNeedsARight(t *testing.T) {
	if start, _ := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); strings.TrimSpace(string(start)) != "1024" {
		t.Skipf("ports from %s up are free for all here", start)
	}
	for _, cfg := range []collector.Config{{UDP: []string{"127.0.0.1:514"}}, {TCP: []string{"127.0.0.1:514"}}} {
		cfg.Log = quiet()
		err := listenWithoutRights(cfg)
		var bind *collector.BindError
		if !errors.Is(err, os.ErrPermission) || !errors.As(err, &bind) {
			t.Fatalf("Listen on port 514 without the right: %v", err)
		}
		for _, want := range []string{"setcap cap_net_bind_service=+ep", "AmbientCapabilities=CAP_NET_BIND_SERVICE", "--listen-udp :5514"} {
			if !strings.Contains(bind.Remedy(), want) {
				t.Errorf("remedy %q, want %q in it", bind.Remedy(), want)
			}
		}
	}
}

// listenWithoutRights calls Listen on a thread that has given up its
// capabilities. The thread ends with its goroutine, which stays locked to it.
func listenWithoutRights(cfg collector.Config) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			result <- fmt.Errorf("capset: %w", err)
			return
		}
		_, err := collector.Listen(cfg, &store{})
		result <- err
	}()
	return <-result
}
