package ntpcheck

import (
	"os"
	"strings"
	"testing"
	"time"
)

// A bench is a monitor whose clock and replies are in the test's hand.
type bench struct {
	*Monitor
	t      *testing.T
	clock  time.Time
	kernel Kernel
}

func newBench(t *testing.T, sources int, mode KernelMode) *bench {
	t.Helper()
	b := &bench{t: t, clock: epoch}
	names := []string{"a", "b", "c", "d", "e"}[:sources]
	m, err := New(Config{
		Servers: names, Poll: time.Second, Holdover: 10 * time.Second, Kernel: mode,
		Now:        func() time.Time { return b.clock },
		ReadKernel: func() Kernel { return b.kernel },
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Monitor = m
	return b
}

const silence = time.Duration(-1 << 63)

// hear lets each source give an offset, or nothing.
func (b *bench) hear(offsets ...time.Duration) {
	for i, offset := range offsets {
		b.hearOne(i, offset)
	}
}

func (b *bench) hearOne(i int, offset time.Duration) {
	if offset == silence {
		b.record(b.sources[i], sample{}, os.ErrDeadlineExceeded)
		return
	}
	b.record(b.sources[i], sample{at: b.clock, offset: offset, delay: 10 * ms, stratum: 2}, nil)
}

func (b *bench) wait(d time.Duration) { b.clock = b.clock.Add(d) }

func (b *bench) expect(what string, state State, offset, bound time.Duration, source string) Reference {
	b.t.Helper()
	r := b.Reference()
	if r.State != state || !near(r.Offset, offset) || !near(r.Bound, bound) || r.Source != source {
		b.t.Errorf("%s: %v %v ± %v from %q, want %v %v ± %v from %q",
			what, r.State, r.Offset, r.Bound, r.Source, state, offset, bound, source)
	}
	if r.State != Synchronised && r.Reason == "" {
		b.t.Errorf("%s: no reason given", what)
	}
	return r
}

func (b *bench) expectSources(what string, want ...SourceState) {
	b.t.Helper()
	for i, s := range b.Status().Sources {
		if s.State != want[i] {
			b.t.Errorf("%s: source %s is %v (%s), want %v", what, s.Address, s.State, s.Reason, want[i])
		}
	}
}

func TestHoldoverThenUnsynchronised(t *testing.T) {
	b := newBench(t, 1, KernelOff)
	r := b.expect("before any answer", Unsynchronised, 0, 0, "")
	if r.Age != 0 || r.Stratum != 0 {
		t.Errorf("nothing was heard, yet age %v and stratum %d", r.Age, r.Stratum)
	}
	b.hear(40 * ms)
	r = b.expect("one of one", Synchronised, 40*ms, 5*ms, "a:123")
	if r.Stratum != 3 {
		t.Errorf("stratum %d, want one more than the peer's 2", r.Stratum)
	}
	b.wait(4 * time.Second)
	b.expect("four polls later", Synchronised, 40*ms, 5*ms+60*time.Microsecond, "a:123")
	b.wait(time.Second)
	r = b.expect("five polls later", Holdover, 40*ms, 5*ms+75*time.Microsecond, "a:123")
	if r.Age != 5*time.Second {
		t.Errorf("age %v, want 5s", r.Age)
	}
	b.wait(5 * time.Second)
	b.expect("at the end of the holdover", Holdover, 40*ms, 5*ms+150*time.Microsecond, "a:123")
	b.wait(time.Second)
	r = b.expect("after it", Unsynchronised, 0, 0, "")
	if r.Age != 11*time.Second {
		t.Errorf("age %v, want 11s", r.Age)
	}
	b.hear(41 * ms)
	b.expect("it returns", Synchronised, 41*ms, 5*ms+1*ms, "a:123") // jitter: 1 ms between both
}

func TestLiarIsNamed(t *testing.T) {
	b := newBench(t, 3, KernelOff)
	b.hear(0, 100*time.Second, 2*ms)
	b.expect("two of three", Synchronised, 1*ms, 5*ms, "a:123")
	b.expectSources("two of three", Selected, Falseticker, Combined)
	if reason := b.Status().Sources[1].Reason; !strings.Contains(reason, "99.999 s") {
		t.Errorf("the falseticker's reason %q doesn't say how far it is off", reason)
	}
}

func TestFirstAnswerDoesNotDecideAlone(t *testing.T) {
	b := newBench(t, 3, KernelOff)
	b.hearOne(1, 100*time.Second)
	b.expect("a liar answers first", Unsynchronised, 0, 0, "")
	b.expectSources("a liar answers first", Unreachable, Candidate, Unreachable)
	b.hearOne(0, 0)
	b.expect("one against one", Unsynchronised, 0, 0, "")
	b.hearOne(2, silence)
	b.expect("one against one, the third silent", Unsynchronised, 0, 0, "")
	b.expectSources("one against one", Candidate, Candidate, Unreachable)
	b.hearOne(2, 0)
	b.expect("two of three", Synchronised, 0, 5*ms, "a:123")
}

func TestOneAnswersAndAllWereAsked(t *testing.T) {
	b := newBench(t, 3, KernelOff)
	b.hear(silence, 7*ms, silence)
	b.expect("one of three answers", Synchronised, 7*ms, 5*ms, "b:123")
}

func TestLiarDoesNotInherit(t *testing.T) {
	b := newBench(t, 3, KernelOff)
	b.hear(0, 100*time.Second, 0)
	b.wait(2 * time.Second)
	b.hearOne(1, 100*time.Second)
	b.wait(3 * time.Second)
	r := b.expect("only the liar is left", Holdover, 0, 5*ms+75*time.Microsecond, "a:123")
	if !strings.Contains(r.Reason, "b:123") {
		t.Errorf("reason %q doesn't name the liar", r.Reason)
	}
	for range 10 {
		b.wait(time.Second)
		b.hearOne(1, 100*time.Second)
	}
	b.expect("and is for long", Unsynchronised, 0, 0, "")
	b.hearOne(0, silence)
	b.hearOne(2, ms)
	b.expect("an honest one returns: one against one", Unsynchronised, 0, 0, "")
}

func TestSystemPeerStays(t *testing.T) {
	b := newBench(t, 2, KernelOff)
	b.hear(0, 0)
	b.wait(time.Second)
	b.record(b.sources[1], sample{at: b.clock, delay: 4 * ms, stratum: 2}, nil)
	if r := b.Reference(); r.Source != "a:123" {
		t.Errorf("a nearer source of the same stratum took over: %s", r.Source)
	}
	b.record(b.sources[1], sample{at: b.clock, delay: 4 * ms, stratum: 1}, nil)
	if r := b.Reference(); r.Source != "b:123" || r.Stratum != 2 {
		t.Errorf("peer %s, stratum %d; want b:123 for its lower stratum", r.Source, r.Stratum)
	}
}

func TestVagueSourceHasNoVote(t *testing.T) {
	b := newBench(t, 1, KernelOff)
	b.record(b.sources[0], sample{at: b.clock, stratum: 2, rootDispersion: 2 * time.Second}, nil)
	b.expect("root distance 2 s", Unsynchronised, 0, 0, "")
	b.expectSources("root distance 2 s", Candidate)
}

func TestKernel(t *testing.T) {
	good := Kernel{Known: true, Synchronised: true, MaxError: 20 * ms}
	unsynchronised := Kernel{Known: true, MaxError: 16 * time.Second}
	for _, tt := range []struct {
		name    string
		mode    KernelMode
		kernel  Kernel
		offsets []time.Duration
		state   State
		bound   time.Duration
		source  string
	}{
		{"auto, synchronised, silence", KernelAuto, good, []time.Duration{silence, silence}, Synchronised, 20 * ms, KernelSource},
		{"auto, unsynchronised, silence", KernelAuto, unsynchronised, []time.Duration{silence, silence}, Unsynchronised, 0, ""},
		{"auto, not known, silence", KernelAuto, Kernel{}, []time.Duration{silence, silence}, Unsynchronised, 0, ""},
		{"auto, too sure of itself", KernelAuto, Kernel{Known: true, Synchronised: true}, []time.Duration{silence, silence}, Synchronised, minDistance, KernelSource},
		{"auto, sources agree", KernelAuto, good, []time.Duration{0, 0}, Synchronised, 5 * ms, "a:123"},
		{"auto, sources contradict", KernelAuto, good, []time.Duration{0, time.Minute}, Unsynchronised, 0, ""},
		{"off, synchronised", KernelOff, good, []time.Duration{silence, silence}, Unsynchronised, 0, ""},
		{"trust, unsynchronised", KernelTrust, unsynchronised, []time.Duration{silence, silence}, Synchronised, 0, KernelSource},
		{"trust, synchronised", KernelTrust, good, []time.Duration{silence, silence}, Synchronised, 20 * ms, KernelSource},
		{"trust, sources contradict", KernelTrust, good, []time.Duration{0, time.Minute}, Synchronised, 20 * ms, KernelSource},
		{"trust, sources agree", KernelTrust, good, []time.Duration{0, 0}, Synchronised, 5 * ms, "a:123"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, 2, tt.mode)
			b.kernel = tt.kernel
			b.hear(tt.offsets...)
			r := b.expect("", tt.state, 0, tt.bound, tt.source)
			if asked := strings.Contains(r.Reason, "the kernel was asked"); asked != (tt.mode == KernelAuto && tt.kernel == unsynchronised && tt.state == Unsynchronised) {
				t.Errorf("reason %q", r.Reason)
			}
			if want := tt.mode == KernelTrust && tt.source == KernelSource; r.Trusted != want {
				t.Errorf("trusted %v, want %v", r.Trusted, want)
			}
		})
	}
}

func TestKernelDoesNotOverruleTheLastMeasurement(t *testing.T) {
	b := newBench(t, 1, KernelAuto)
	b.kernel = Kernel{Known: true, Synchronised: true, MaxError: 20 * ms}
	b.hear(5 * time.Second)
	b.wait(5 * time.Second)
	b.expect("the kernel denies a measured offset", Holdover, 5*time.Second, 5*ms+75*time.Microsecond, "a:123")
	b.wait(6 * time.Second)
	b.expect("which has expired", Synchronised, 0, 20*ms, KernelSource)
}

func TestNoSources(t *testing.T) {
	b := newBench(t, 0, KernelAuto)
	r := b.expect("nothing to ask", Unsynchronised, 0, 0, "")
	if r.Reason != "no NTP source is configured" {
		t.Errorf("reason %q", r.Reason)
	}
}
