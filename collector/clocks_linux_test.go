package collector_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"

	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
)

// TestUserStampsTakeOver sets the clock of the process while messages come over UDP and
// TCP: what comes two seconds later is stamped by it.
func TestUserStampsTakeOver(t *testing.T) {
	for _, ahead := range []time.Duration{37 * time.Second, -5 * time.Millisecond} {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			log, hook := test.NewNullLogger()
			var shift atomic.Int64
			cfg := both()
			cfg.Log = log
			cfg.Now = func() time.Time { return time.Now().Add(time.Duration(shift.Load())) }
			var s store
			c := listen(t, cfg, &s)
			run(t, c)
			udp, tcp := dialUDP(t, c), dialTCP(t, c)
			write(t, udp, "<13>a")
			write(t, tcp, "<13>b\n")
			for _, m := range s.wait(t, 2) {
				if m.StampedBy != message.StampedByKernel {
					t.Fatalf("%q is stamped by %v, want kernel", m.Raw, m.StampedBy)
				}
			}
			if lead := c.CompareClocks(); lead != 0 {
				t.Fatalf("the kernel's clock is said to be %v ahead", lead)
			}
			shift.Store(int64(ahead))
			takenOver(t, c)
			if lead := c.CompareClocks(); (lead + ahead).Abs() > 2*time.Millisecond {
				t.Errorf("the kernel's clock is said to be %v ahead, want %v", lead, -ahead)
			}
			if e := hook.LastEntry(); e == nil || !strings.Contains(e.Message, "differ") {
				t.Errorf("log entry %v, want that both clocks differ", e)
			}
			write(t, udp, "<13>c")
			write(t, tcp, "<13>d\n")
			for _, m := range s.wait(t, 4)[2:] {
				if off := m.ReceivedTime().Sub(cfg.Now()).Abs(); m.StampedBy != message.StampedByUser || off > time.Second {
					t.Errorf("%q is stamped by %v, %v off; want by the clock that was set", m.Raw, m.StampedBy, off)
				}
			}
		})
	}
}

func takenOver(t *testing.T, c *collector.Collector) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Second); c.Stamps() == message.StampedByKernel; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the kernel still stamps after 2 s")
		}
	}
}
