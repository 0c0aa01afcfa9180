package ntpcheck

import (
	"context"
	"strings"
	"testing"
	"time"
)

// A clockReading is by how much our clock is ahead of the monotonic one, for how long the
// machine has slept, and for how long the program was held up between both clocks.
type clockReading struct{ ahead, slept, heldUp time.Duration }

// readings lets a watch see one clockReading after the other, and then the last one for ever.
func readings(all ...clockReading) *StepWatch {
	var now clockReading
	return newStepWatch(func() lead {
		now = all[0]
		if len(all) > 1 {
			all = all[1:]
		}
		return lead{now.ahead, now.heldUp}
	}, func() time.Duration { return now.slept })
}

func TestStepWatch(t *testing.T) {
	const hour = time.Hour
	for _, tt := range []struct {
		name        string
		watch       *StepWatch
		size, slept time.Duration // 0: no step
	}{
		{"nothing happens", readings(clockReading{hour, 0, 0}), 0, 0},
		{"slewed by 5 ms a second", readings(clockReading{0, 0, 0}, clockReading{5 * ms, 0, 0}), 0, 0},
		{"set by a second", readings(clockReading{0, 0, 0}, clockReading{time.Second, 0, 0}), time.Second, 0},
		{"set back by two hours", readings(clockReading{hour, 0, 0}, clockReading{-hour, 0, 0}), -2 * hour, 0},
		{"the program was held up between both clocks", readings(clockReading{0, 0, 0}, clockReading{300 * ms, 0, 300 * ms}, clockReading{-9 * ms, 0, 9 * ms}, clockReading{0, 0, 0}), 0, 0},
		{"it was held up at every try", readings(clockReading{0, 0, 0}, clockReading{-300 * ms, 0, 300 * ms}), 0, 0},
		{"held up while set by a second", readings(clockReading{0, 0, 0}, clockReading{970 * ms, 0, 30 * ms}, clockReading{999 * ms, 0, ms}, clockReading{time.Second, 0, 0}), time.Second, 0},
		{"slept for an hour", readings(clockReading{0, 0, 0}, clockReading{hour + ms, hour, 0}), hour + ms, hour + ms},
		{"slept for an hour and was set by one", readings(clockReading{0, 0, 0}, clockReading{2 * hour, hour, 0}), 2 * hour, hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			step, ok := tt.watch.Look()
			if ok != (tt.size != 0) || step.Size != tt.size || step.Slept != tt.slept {
				t.Errorf("%v, %v; want size %v, slept %v", step, ok, tt.size, tt.slept)
			}
			if step, again := tt.watch.Look(); again {
				t.Errorf("it is seen again: %v", step)
			}
		})
	}
}

// Slewing adds up without ever being a step.
func TestLongSlewIsNoStep(t *testing.T) {
	var ahead time.Duration
	w := newStepWatch(func() lead { return lead{ahead: ahead} }, func() time.Duration { return 0 })
	for range 1000 {
		ahead += 8 * ms
		if step, ok := w.Look(); ok {
			t.Fatalf("slewed by %v: %v", ahead, step)
		}
	}
}

// Readings that are held up a little, one after the other, don't add up to a step.
func TestHeldUpReadingsAddUpToNothing(t *testing.T) {
	n := 0
	w := newStepWatch(func() lead {
		n++
		late := time.Duration(n%4) * 6 * ms
		return lead{-late, late}
	}, func() time.Duration { return 0 })
	for range 1000 {
		if step, ok := w.Look(); ok {
			t.Fatal(step)
		}
	}
}

func TestSystemClockIsNotSet(t *testing.T) {
	w := NewStepWatch()
	for end := time.Now().Add(200 * ms); time.Now().Before(end); {
		if step, ok := w.Look(); ok {
			t.Fatalf("the system's clock was %v", step)
		}
	}
}

func TestNoticeSetsEnds(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- NoticeSets(ctx, func() { t.Error("the clock is said to be set") }) }()
	select {
	case err := <-done:
		t.Skipf("not here: %v", err)
	case <-time.After(50 * ms):
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it doesn't end with its context")
	}
}

// TestStepVoidsWhatWasSaid sets our clock: nobody's word of before counts.
func TestStepVoidsWhatWasSaid(t *testing.T) {
	for _, mode := range []KernelMode{KernelOff, KernelAuto, KernelTrust} {
		t.Run(mode.String(), func(t *testing.T) {
			b := newBench(t, 2, mode)
			b.kernel = Kernel{Known: true, Synchronised: true, MaxError: 20 * ms}
			for range 200 {
				b.hear(4*ms, 4*ms)
				b.wait(time.Second)
			}
			b.wait(time.Hour)
			b.Stepped(Step{At: b.clock, Size: time.Hour})
			r := b.expect("set by an hour", Unsynchronised, 0, 0, "")
			if !strings.Contains(r.Reason, "set by +3600.000 s") {
				t.Errorf("reason %q", r.Reason)
			}
			b.hearOne(0, silence)
			b.expect("one wasn't asked yet", Unsynchronised, 0, 0, "")
			b.hear(-time.Hour, -time.Hour)
			r = b.expect("measured anew", Synchronised, -time.Hour, 5*ms, "a:123")
			if r.Rate.Known || strings.Contains(r.Reason, "set by") {
				t.Errorf("after the step: %+v, want no rate of before, and no word of it", r)
			}
		})
	}
}

// TestStepAsksAgain sets our clock long before the next query is due.
func TestStepAsksAgain(t *testing.T) {
	server := serveNTP(t, func(r []byte) []byte { return r })
	m := run(t, Config{Servers: []string{server.address}, Poll: 30 * time.Second, Kernel: KernelOff})
	await(t, m, 60*time.Second, "four answers", func(Status) bool { return server.queries.Load() >= burst })
	m.Stepped(Step{Size: time.Second})
	await(t, m, 2*time.Second, "asked again", func(s Status) bool {
		return server.queries.Load() > burst && s.Reference.State == Synchronised
	})
}
