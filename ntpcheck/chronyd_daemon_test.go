package ntpcheck

import (
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/skewatch/skewatch/ntpcheck/chronydtest"
)

// TestAskChronyd asks a real chronyd of itself, on its command port and its socket.
func TestAskChronyd(t *testing.T) {
	server := chronydtest.Start(t, chronydtest.Options{Command: true, Stratum: 5})
	for _, address := range []string{server.CommandAddr(), server.CommandSocket()} {
		c, err := askChronyd(t.Context(), address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if !c.Known || !c.Synchronised || c.Stratum != 5 || c.Offset.Abs() > ms || c.Bound > time.Second {
			t.Errorf("%s: %+v, want synchronised at stratum 5", address, c)
		}
	}
}

// TestChronydIsShown has a monitor ask for itself; the first address doesn't answer.
func TestChronydIsShown(t *testing.T) {
	server := chronydtest.Start(t, chronydtest.Options{Command: true})
	m := run(t, Config{Kernel: KernelOff, Chronyd: []string{"/nowhere/chronyd.sock", server.CommandAddr()}})
	await(t, m, 5*time.Second, "chronyd's word", func(s Status) bool {
		return s.Chronyd.Synchronised != nil && *s.Chronyd.Synchronised && *s.Chronyd.Stratum == 3
	})
}

// A chronyd that is silent, or sends nonsense, holds nobody up.
func TestSilentChronyd(t *testing.T) {
	for _, reply := range []string{"", "x", strings.Repeat("x", 104)} {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() {
			for buf := make([]byte, 1024); ; {
				_, from, err := conn.ReadFromUDPAddrPort(buf)
				if err != nil {
					return
				}
				if reply != "" {
					conn.WriteToUDPAddrPort([]byte(reply), from)
				}
			}
		}()
		began := time.Now()
		if c, err := askChronyd(t.Context(), conn.LocalAddr().String()); err == nil || c.Known {
			t.Errorf("answered %q: %+v, %v", reply, c, err)
		}
		if took := time.Since(began); took > 5*chronydTimeout {
			t.Errorf("answered %q: it took %v", reply, took)
		}
	}
}

// TestFalseClaims has the sources contradict the kernel and chronyd: it is shown, and told
// once.
func TestFalseClaims(t *testing.T) {
	log, hook := logtest.NewNullLogger()
	b := newBench(t, 1, KernelAuto)
	var seen announced
	expect := func(what string, told int, want ...string) {
		t.Helper()
		hook.Reset()
		var s Status
		for range 3 {
			s = b.Status()
			seen.update(log, s)
		}
		if len(s.Contradictions) != len(want) {
			t.Fatalf("%s: %q, want %q", what, s.Contradictions, want)
		}
		for i := range want {
			if !strings.Contains(s.Contradictions[i], want[i]) {
				t.Errorf("%s: %q, want %q in it", what, s.Contradictions[i], want[i])
			}
		}
		var have int
		for _, e := range hook.AllEntries() {
			if strings.Contains(e.Message, "and the sources measured") {
				have++
			}
		}
		if have != told {
			t.Errorf("%s: told %d times, want %d", what, have, told)
		}
	}
	b.hear(40 * ms)
	expect("nobody claims anything", 0)
	b.kernel = Kernel{Known: true, Synchronised: true, MaxError: 50 * ms}
	b.chronyd, b.chronydAt = Chronyd{Known: true, Synchronised: true, Offset: 38 * ms, Bound: ms}, time.Now()
	expect("both are right", 0)
	b.kernel.MaxError = 20 * ms
	expect("the kernel is wrong", 1, "the kernel calls")
	b.chronyd.Offset = -40 * ms
	expect("both are wrong", 1, "the kernel calls", "chronyd says that our clock needs -0.040000 s")
	b.kernel.Synchronised, b.chronyd.Synchronised = false, false
	expect("they claim nothing", 0)
	b.chronydAt = time.Now().Add(-time.Hour)
	if s := b.Status().Chronyd; !reflect.DeepEqual(s, ChronydStatus{}) {
		t.Errorf("an hour later chronyd's word is still %+v", s)
	}
}
