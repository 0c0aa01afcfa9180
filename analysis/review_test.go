package analysis

import (
	"testing"
	"time"
)

// TestSetBackIsFoundSoon: the estimate of a steady clock is looked at every few minutes
// only, but one that was set back must be found in less than three.
func TestSetBackIsFoundSoon(t *testing.T) {
	const at = 2 * time.Hour
	for seed := range uint64(10) {
		h := newHost("web1").coarse()
		h.mean = time.Second
		began := at + time.Duration(seed)*23*time.Second
		h.offset = func(now time.Duration) time.Duration {
			if now < began {
				return 0
			}
			return -20 * time.Second
		}
		f := newFleet()
		found := events(speak(f, began+10*time.Minute, seed, h))
		if len(found) != 1 || found[0].Verdict != Late {
			t.Errorf("seed %d: told %v, want one late", seed, found)
			continue
		}
		if took := found[0].Time.Sub(unixUTC(epoch)) - began; took > 3*time.Minute {
			t.Errorf("seed %d: found after %v", seed, took)
		}
	}
}

// TestSteadyClocksAreSeldomEvaluated: that is what makes a message cheap.
func TestSteadyClocksAreSeldomEvaluated(t *testing.T) {
	h := newHost("web1")
	h.mean = time.Second
	f := newFleet()
	speak(f, time.Hour, 1, h)
	s, evaluated, times := f.originators["web1\x00192.0.2.1"].speakers[0], int64(0), 0
	for at := time.Hour; at < 2*time.Hour; at += 10 * time.Second {
		continued10(f, at, h)
		if s.evaluated != evaluated {
			evaluated = s.evaluated
			times++
		}
	}
	if times > 20 {
		t.Errorf("evaluated %d times in an hour, want one in four minutes", times)
	}
}

// continued10 is ten seconds without the refresh that speak ends with.
func continued10(f *Fleet, from time.Duration, h host) {
	r := newRand(uint64(from))
	for at := from; at < from+10*time.Second; at += time.Second {
		m := h.message(r, at)
		f.Observe(&m)
		f.Tick(epoch+int64(at+time.Second), synchronised)
	}
}

// TestReviewsGoOnWhenOurClockIsSetBack: what was planned for later times must not wait
// until they come again.
func TestReviewsGoOnWhenOurClockIsSetBack(t *testing.T) {
	h := newHost("web1")
	f := newFleet()
	speak(f, 2*time.Hour, 1, h)
	m := h.message(newRand(1), time.Hour)
	f.Observe(&m)
	f.Tick(m.Received, synchronised)
	if f.originators["web1\x00192.0.2.1"].stale {
		t.Error("not reviewed after our clock went back by an hour")
	}
}

// TestRefreshPassesIdleOnesOver: what has sent nothing since its last review isn't reviewed
// for a report, unless what it is judged by has changed.
func TestRefreshPassesIdleOnesOver(t *testing.T) {
	f := newFleet()
	speak(f, 20*time.Minute, 1, newHost("web1"), newHost("web2"))
	now := epoch + 21*minute
	for _, o := range f.originators {
		o.judged.reason = "as before"
	}
	h := newHost("web1")
	m := h.message(newRand(1), 21*time.Minute)
	f.Observe(&m)
	f.Refresh(now, synchronised)
	if have := identityOf(f, "web1").Explanation; have == "as before" {
		t.Error("the one that has spoken isn't reviewed")
	}
	if have := identityOf(f, "web2").Explanation; have != "as before" {
		t.Errorf("the idle one is reviewed: %s", have)
	}
	f.Refresh(now, Reference{})
	if have := identityOf(f, "web2").Explanation; have == "as before" {
		t.Error("none of our clock's sources is left, and the idle one isn't reviewed")
	}
}
