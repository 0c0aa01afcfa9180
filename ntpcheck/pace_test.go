package ntpcheck

import (
	"testing"
	"time"
)

// hearTimes lets every source give the same offset n times, at its own interval.
func (b *bench) hearTimes(n int, offset time.Duration) {
	for range n {
		b.wait(b.sources[0].poll)
		for i := range b.sources {
			b.hearOne(i, offset)
		}
	}
}

func (b *bench) expectPoll(what string, want time.Duration) {
	b.t.Helper()
	for _, s := range b.sources {
		if s.poll != want {
			b.t.Errorf("%s: %s is asked every %v, want %v", what, s.address(), s.poll, want)
		}
	}
}

// newSlowBench has the defaults' intervals.
func newSlowBench(t *testing.T, sources int) *bench {
	b := newBench(t, sources, KernelOff)
	b.cfg.Poll, b.cfg.Holdover = DefaultPoll, DefaultHoldover
	for _, s := range b.sources {
		s.pace = newPace(&b.cfg)
	}
	return b
}

func TestPollAdapts(t *testing.T) {
	b := newSlowBench(t, 4)
	b.hearTimes(1, 0)
	b.expectPoll("at first", 16*time.Second)
	b.hearTimes(steadyReplies, 0)
	b.expectPoll("after eight that agree", 32*time.Second)
	b.hearTimes(10*steadyReplies, 0)
	b.expectPoll("after many", maxPoll)
	b.expect("at the longest interval", Synchronised, 0, 5*ms, "a:123")
	b.wait(maxPoll + 3*time.Second)
	if r := b.Reference(); r.State != Synchronised || r.Offset != 0 || r.Bound <= 5*ms || r.Bound > 5*ms+15405*time.Microsecond {
		t.Errorf("just before the next answer: %v %v ± %v, want synchronised 0s ± more than 5 ms, and what 15 ppm add at the most", r.State, r.Offset, r.Bound)
	}

	b.hearOne(0, 3*ms)
	if b.sources[0].poll != DefaultPoll || b.sources[1].poll != maxPoll {
		t.Errorf("one source moved: asked every %v, another every %v", b.sources[0].poll, b.sources[1].poll)
	}
}

func TestPollShortensWhenNeeded(t *testing.T) {
	b := newSlowBench(t, 4)
	b.hearTimes(20*steadyReplies, 0)
	b.wait(maxPoll)
	b.hear(0, 0, silence, 0)
	if have := b.sources[2]; have.poll != DefaultPoll || b.sources[0].poll != maxPoll {
		t.Errorf("one is silent: asked every %v, the others every %v", have.poll, b.sources[0].poll)
	}
	b.expectSources("after one lost reply", Selected, Combined, Combined, Combined)
	for range 4 {
		b.wait(DefaultPoll)
		b.hearOne(2, silence)
	}
	b.expectSources("after four more", Selected, Combined, Unreachable, Combined)
	b.wait(maxPoll)
	b.hear(0, silence)
	b.wait(4 * DefaultPoll)
	b.hear(0, silence)
	b.expectPoll("when two are left", DefaultPoll)
	for i, s := range b.sources {
		if i == 3 && len(s.again) == 0 {
			t.Errorf("%s still sleeps", s.address())
		}
	}
}

// With a short holdover, the interval must not outgrow it.
func TestPollStaysBelowHoldover(t *testing.T) {
	b := newBench(t, 1, KernelOff) // 10 s of holdover
	b.hearTimes(10*steadyReplies, 0)
	if poll := b.sources[0].poll; poll != 10*time.Second/pollsPerHoldover {
		t.Errorf("asked every %v, want a third of the holdover", poll)
	}
	b.wait(b.sources[0].poll)
	b.hearOne(0, silence)
	b.expect("after one lost reply", Synchronised, 0, 5*ms+50*time.Microsecond, "a:123")
}

func TestMoved(t *testing.T) {
	e := estimate{offset: 10 * ms, delay: 20 * ms, jitter: ms}
	for _, tt := range []struct {
		name          string
		offset, delay time.Duration
		want          bool
	}{
		{"the same", 10 * ms, 20 * ms, false},
		{"within four times the jitter", 14 * ms, 20 * ms, false},
		{"beyond", 15 * ms, 20 * ms, true},
		{"below", 5 * ms, 20 * ms, true},
		{"as far as a longer round trip explains", 40 * ms, 80 * ms, false},
		{"a shorter one explains nothing", 15 * ms, 10 * ms, true},
	} {
		if have := e.moved(sample{offset: tt.offset, delay: tt.delay}); have != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, have, tt.want)
		}
	}
}

// A source that sleeps long is asked at once when it is needed.
func TestWakes(t *testing.T) {
	m, err := New(Config{Servers: []string{"a"}, Poll: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	s := m.sources[0]
	s.poll = time.Hour
	rested := make(chan bool)
	go func() { rested <- sleep(t.Context(), time.Hour, s.again) }()
	m.mu.Lock()
	s.hurried()
	m.mu.Unlock()
	select {
	case ok := <-rested:
		if !ok {
			t.Error("it was woken to do nothing")
		}
	case <-time.After(5 * time.Second):
		t.Error("it still sleeps after 5s")
	}
}

// Key exchanges that fail are made less and less often: with a server that refuses down
// to the longest interval, with a silent one not so far, since it may return.
func TestExchangeWait(t *testing.T) {
	for _, tt := range []struct {
		failures int
		refused  bool
		want     time.Duration
	}{
		{1, false, 16 * time.Second}, {2, false, 32 * time.Second}, {3, false, 32 * time.Second},
		{1, true, 16 * time.Second}, {3, true, 64 * time.Second}, {100, true, maxPoll},
	} {
		s := &source{pace: pace{poll: DefaultPoll}, failures: tt.failures, refused: tt.refused}
		if have := s.exchangeWait(); have != tt.want {
			t.Errorf("after %d failures (refused: %v) it waits %v, want %v", tt.failures, tt.refused, have, tt.want)
		}
	}
}
