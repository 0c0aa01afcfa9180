package server

import (
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/ntpcheck"
)

// A collectorClock is a timescale and the clocks that it is made of: true time, and by how
// much the user clock and the kernel's are ahead of it.
type collectorClock struct {
	t            *testing.T
	scale        timescale
	truth        time.Time
	user, kernel time.Duration
}

func newCollectorClock(t *testing.T) *collectorClock { return &collectorClock{t: t, truth: noon} }

func (c *collectorClock) wait(d time.Duration) { c.truth = c.truth.Add(d) }

// set sets both clocks.
func (c *collectorClock) set(by time.Duration) {
	c.user, c.kernel = c.user+by, c.kernel+by
	c.scale.stepped(by, c.kernel-c.user, c.truth.Add(c.user))
}

// stamp returns a message that is stamped now.
func (c *collectorClock) stamp(by message.StampedBy) message.Message {
	ahead := c.user
	if by == message.StampedByKernel {
		ahead = c.kernel
	}
	return message.Message{StampedBy: by, Received: c.truth.Add(ahead).UnixNano(), Host: []byte("web1")}
}

// measure lets the sources tell the user clock's offset, and returns the messages that
// waited for that.
func (c *collectorClock) measure() []heldMessage {
	offset, bound := -c.user.Seconds(), 1e-3
	released, _ := c.scale.settle(measuredStatus(offset, bound), c.truth, false)
	return released
}

func measuredStatus(offset, bound float64) ntpcheck.ReferenceStatus {
	return ntpcheck.ReferenceStatus{State: ntpcheck.Synchronised, Source: "a:123", OffsetSeconds: &offset, BoundSeconds: &bound}
}

// placed returns the fleet's time of a message that doesn't wait, less true time.
func (c *collectorClock) placed(m message.Message, sent time.Time) time.Duration {
	c.t.Helper()
	if c.scale.place(&m, c.truth.Add(c.user).UnixNano()) {
		c.t.Fatal("the message waits for a measurement")
	}
	return time.Duration(m.Received - sent.UnixNano())
}

var ownSteps = []time.Duration{time.Second, -time.Second, 2 * time.Hour, -2 * time.Hour, 20 * time.Millisecond}

// TestFleetTimeRunsOn sets the clocks to and fro: a message stamped at any time has the same
// place in the fleet's time as if they hadn't been set.
func TestFleetTimeRunsOn(t *testing.T) {
	c := newCollectorClock(t)
	c.measure()
	for _, size := range ownSteps {
		c.wait(time.Minute)
		early, sent := c.stamp(message.StampedByKernel), c.truth
		c.wait(100 * time.Millisecond)
		c.set(size)
		c.wait(50 * time.Millisecond)
		late, then := c.stamp(message.StampedByUser), c.truth
		now := c.truth.Add(c.user).UnixNano()
		for _, m := range []message.Message{early, late} {
			if !c.scale.place(&m, now) {
				t.Fatalf("set by %v: a message doesn't wait until that is measured", size)
			}
		}
		if r := c.scale.reference(ntpcheck.ReferenceStatus{State: ntpcheck.Synchronised}, 0); r.State != analysis.Unsynchronised {
			t.Errorf("set by %v: the reference is %v, want it held", size, r.State)
		}
		released := c.measure()
		if len(released) != 2 {
			t.Fatalf("set by %v: %d messages were released, want 2", size, len(released))
		}
		for i, at := range []time.Time{sent, then} {
			if off := time.Duration(released[i].Received - at.UnixNano()); off != 0 {
				t.Errorf("set by %v: message %d is placed %v off", size, i, off)
			}
		}
		if off := c.placed(c.stamp(message.StampedByKernel), c.truth); off != 0 {
			t.Errorf("set by %v: a message after it is placed %v off", size, off)
		}
		offset := -c.user.Seconds()
		if r := c.scale.reference(ntpcheck.ReferenceStatus{OffsetSeconds: &offset, BoundSeconds: new(float64)}, 0); r.Offset != 0 {
			t.Errorf("set by %v: the fleet's time has the offset %v, want none", size, r.Offset)
		}
	}
}

// TestDoubtfulStampsLookLate places what may have been stamped on either side of a step: it
// may look held up, never early.
func TestDoubtfulStampsLookLate(t *testing.T) {
	for _, size := range ownSteps {
		for waited := time.Duration(0); waited < 3*time.Second; waited += 50 * time.Millisecond {
			c := newCollectorClock(t)
			m, sent := c.stamp(message.StampedByUser), c.truth
			c.wait(waited / 2)
			c.set(size)
			c.measure()
			c.wait(waited / 2)
			if off := c.placed(m, sent); off < 0 {
				t.Errorf("set by %v, read %v after its stamp: placed %v early", size, waited, -off)
			}
			fresh := c.stamp(message.StampedByUser)
			if off := c.placed(fresh, c.truth); off < 0 || off > max(0, size) {
				t.Errorf("set by %v, stamped %v later: placed %v off", size, waited/2, off)
			}
		}
	}
}

// TestSleep lets the machine stand still for a minute while true time goes on: its clock is
// put right, and the monotonic clock knows nothing of it.
func TestSleep(t *testing.T) {
	c := newCollectorClock(t)
	c.measure()
	c.wait(time.Minute)
	c.scale.stepped(time.Minute, 0, c.truth) // the clock jumps, to what is right
	m := c.stamp(message.StampedByUser)
	c.scale.place(&m, c.truth.UnixNano())
	released := c.measure()
	if off := time.Duration(released[0].Received - c.truth.UnixNano()); off != 0 {
		t.Errorf("after the sleep a message is placed %v off", off)
	}
}

// TestOnlyTheUserClockIsSet keeps the kernel's stamps in their place.
func TestOnlyTheUserClockIsSet(t *testing.T) {
	for _, size := range ownSteps {
		c := newCollectorClock(t)
		c.measure()
		c.user += size
		c.scale.stepped(size, c.kernel-c.user, c.truth.Add(c.user))
		c.measure()
		for _, by := range []message.StampedBy{message.StampedByKernel, message.StampedByUser} {
			c.wait(time.Second)
			if off := c.placed(c.stamp(by), c.truth); off != 0 {
				t.Errorf("user clock set by %v: what the %v clock stamps is placed %v off", size, by, off)
			}
		}
	}
}

// TestNobodyMeasures sets the clock while no source answers: after a while the monotonic
// clock is believed.
func TestNobodyMeasures(t *testing.T) {
	c := newCollectorClock(t)
	c.set(time.Hour)
	m := c.stamp(message.StampedByUser)
	c.scale.place(&m, c.truth.Add(c.user).UnixNano())
	began := c.truth.Add(c.user)
	none := ntpcheck.ReferenceStatus{}
	if released, _ := c.scale.settle(none, began.Add(settleWithin/2), false); released != nil {
		t.Fatal("a message is released although nothing was measured")
	}
	released, _ := c.scale.settle(none, began.Add(settleWithin), false)
	if len(released) != 1 || released[0].Received != c.truth.UnixNano() {
		t.Errorf("released %+v, want one message at true time", released)
	}
}

// TestSetWhileDown sets our clock while no server runs: the first measurement shows it.
func TestSetWhileDown(t *testing.T) {
	for _, size := range []time.Duration{0, time.Millisecond, time.Second, -2 * time.Hour} {
		c := newCollectorClock(t)
		c.set(time.Hour) // in the earlier run
		c.measure()
		last := ownSample{Status: ntpcheck.Status{Reference: measuredStatus(-c.user.Seconds(), 1e-3)}, Shift: int64(time.Hour)}
		at := c.truth.UnixNano() // in the fleet's time, which is true
		c.wait(time.Minute)
		c.user, c.kernel = c.user+size, c.kernel+size
		c.scale = timescale{}
		c.scale.begin(last, at, c.truth.Add(c.user))
		m := c.stamp(message.StampedByUser)
		if !c.scale.place(&m, c.truth.Add(c.user).UnixNano()) {
			t.Fatalf("set by %v: a message doesn't wait for the first measurement", size)
		}
		released := c.measure()
		want := time.Duration(0)
		if size == time.Millisecond {
			want = size // within the bounds: it is left to the reference
		}
		if off := time.Duration(released[0].Received - c.truth.UnixNano()); off != want {
			t.Errorf("set by %v while no server ran: a message is placed %v off, want %v", size, off, want)
		}
	}
}

// TestSetRightAfterAStart has our clock be wrong at the start, be set right after nobody has
// measured it for a while, and be measured then: the fleet's time is that of before.
func TestSetRightAfterAStart(t *testing.T) {
	for _, size := range []time.Duration{3 * time.Hour, -3 * time.Hour} {
		c := newCollectorClock(t)
		last := ownSample{Status: ntpcheck.Status{Reference: measuredStatus(0, 1e-3)}}
		at := c.truth.UnixNano()
		c.wait(time.Minute)
		c.user, c.kernel = size, size
		c.scale.begin(last, at, c.truth.Add(c.user))
		c.wait(settleWithin)
		c.scale.settle(ntpcheck.ReferenceStatus{}, c.truth.Add(c.user), false)
		c.wait(time.Minute)
		c.set(-size)
		c.measure()
		if off := c.placed(c.stamp(message.StampedByUser), c.truth); off != 0 {
			t.Errorf("%v ahead at the start, and set right: a message is placed %v off", size, off)
		}
	}
}

// TestEpochOutlivesRestart sets our clock by two hours, and kills the server later: what is
// replayed and what comes then is placed as before.
func TestEpochOutlivesRestart(t *testing.T) {
	const size = 2 * time.Hour
	data := t.TempDir()
	h := openHistory(t, data)
	h.receive("web1", noon, 60, 0)
	set := noon.Add(time.Minute + size)
	h.scale.stepped(size, 0, set)
	h.at(set)
	h.settle(ntpcheck.ReferenceStatus{}, true)
	h.receive("web1", set.Add(time.Second), 60, -size)
	h.happened(size, "our own clock was set")
	h.review()
	h.commit()
	h.receive("web1", set.Add(time.Minute+time.Second), 60, -size) // replayed
	h.close()

	h = openHistory(t, data)
	h.at(set.Add(3 * time.Minute))
	h.receive("web1", set.Add(2*time.Minute+time.Second), 60, -size)
	row := rows(t, h.desk, api.Query{})[0]
	if want := noon.Add(4 * time.Minute); !row.First.Equal(noon) || !row.Last.Equal(want) || row.Messages != 240 {
		t.Errorf("%d messages from %v to %v, want 240 from %v to %v", row.Messages, row.First, row.Last, noon, want)
	}
	if len(row.Steps) > 0 {
		t.Errorf("the host is said to have stepped: %+v", row.Steps)
	}
	r, err := h.desk.Report(t.Context(), api.ReportQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if e := r.Header.Reference.Events; len(e) != 1 || e[0].Seconds != size.Seconds() || !e[0].At.Equal(noon.Add(time.Minute)) {
		t.Errorf("the header tells of our own clock: %+v, want one step of %v", e, size)
	}
}
