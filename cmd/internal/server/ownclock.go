package server

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/ntpcheck"
)

// lookEvery is how often our own clock is held against the monotonic one, and the
// kernel's against this process's, whatever comes. It is looked at before each batch too.
const lookEvery = time.Second

// An ownClock notices what happens to the clock that stamps messages.
type ownClock struct {
	looking sync.Mutex
	watch   *ntpcheck.StepWatch  // nil: nobody looks
	compare func() time.Duration // by how much the kernel's clock is ahead of the user clock
	differ  bool                 // it was told that they differ
}

// watchClock looks at our own clock until the context ends.
func (k *keeper) watchClock(ctx context.Context) {
	go func() {
		if err := ntpcheck.NoticeSets(ctx, k.look); err != nil {
			k.log.WithError(err).Debug("the system doesn't tell when its clock is set: that is noticed within a second")
		}
	}()
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			k.look()
			k.compareClocks()
		}
	}
}

// look holds our clock against the monotonic one. When it was set, a new epoch begins
// before another message is placed, and the sources are asked again.
func (k *keeper) look() {
	own := &k.own
	own.looking.Lock()
	defer own.looking.Unlock()
	if own.watch == nil {
		return
	}
	step, ok := own.watch.Look()
	if !ok {
		return
	}
	lead := own.compare()
	if lead != 0 {
		k.monitor.JudgeUserClock()
	}
	k.monitor.Stepped(step)
	k.mu.Lock()
	k.scale.stepped(step.Size-step.Slept, lead, time.Now())
	k.mu.Unlock()
	k.note(k.monitor.Status())
	k.happened(step.Size, fmt.Sprintf("our own clock was %v: the sources are asked again, and verdicts are held meanwhile", step))
	k.tellLead(lead)
}

// compareClocks notices when the kernel's clock isn't the user clock any more.
func (k *keeper) compareClocks() {
	own := &k.own
	own.looking.Lock()
	defer own.looking.Unlock()
	if own.watch != nil {
		k.tellLead(own.compare())
	}
}

// tellLead tells once that the kernel's clock is ahead of the user clock, if it is. The
// collector stamps by the user clock from then on, and so that one is to be measured.
func (k *keeper) tellLead(lead time.Duration) {
	if lead == 0 || k.own.differ {
		return
	}
	k.own.differ = true
	k.monitor.JudgeUserClock()
	k.happened(lead, fmt.Sprintf("the kernel's clock and this process's differ by %+.3f s: the kernel's receive stamps are of no use, and messages are stamped when they are read",
		lead.Seconds()))
}

// happened logs and keeps what happened to our own clock, by how much. The next judgement notes
// the reference's state, whatever it is.
func (k *keeper) happened(by time.Duration, text string) {
	k.log.WithField("seconds", by.Seconds()).Warn(text)
	k.find(k.now(), by, text)
	k.resample.Store(true)
}

// heed keeps what was noticed of the sources, which the monitor has logged.
func (k *keeper) heed() {
	for _, n := range k.monitor.Notices(k.heeded) {
		k.heeded = n.ID
		k.find(n.Time, n.Offset, n.Text)
	}
}

// find makes a finding of what happened to our own clock at a time that it showed.
func (k *keeper) find(at time.Time, by time.Duration, text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.found = append(k.found, analysis.Finding{
		Key: analysis.CollectorKey, Collector: &analysis.Happening{At: k.scale.fleet(at).UTC(), Seconds: by.Seconds(), Text: text},
	})
}

// place takes messages as evidence, in the fleet's time. The caller holds mu.
func (a *archive) place(batch []message.Message) {
	now := a.now().UnixNano()
	for i := range batch {
		m := batch[i] // the batch is the collector's
		if !a.scale.place(&m, now) {
			a.fleet.Observe(&m)
		}
	}
}

// settle takes the messages as evidence that waited for a measurement of our clock, once
// it is there; or in any case, if it must.
func (k *keeper) settle(r ntpcheck.ReferenceStatus, must bool) {
	k.mu.Lock()
	released, off := k.scale.settle(r, time.Now(), must)
	for i := range released {
		k.fleet.Observe(&released[i].Message)
	}
	k.mu.Unlock()
	if off != 0 {
		k.happened(-off, fmt.Sprintf("by the sources our own clock was set by %+.3f s more than was seen: while no server ran, or the machine slept", -off.Seconds()))
	}
}

const (
	// farOff is by how much our own clock may be off when something is due by it: a machine
	// that doesn't keep the time while it is off has it set soon after its start.
	farOff = time.Minute

	// knownWithin is how long after the start is waited for it to be known.
	knownWithin = 2 * time.Minute
)

// knowsTime reports whether what is due by our own clock is due: reports, and the ends of
// mutes. It is once the clock is known to show the time, or that was waited for long enough.
func (k *keeper) knowsTime(ref ntpcheck.ReferenceStatus) bool {
	return tellsTime(ref) || time.Since(k.began) >= knownWithin
}

// tellsTime reports whether our own clock is known to show the time, so that a report can say
// how right it is.
func tellsTime(ref ntpcheck.ReferenceStatus) bool {
	known := ref.State != ntpcheck.Unsynchronised && ref.OffsetSeconds != nil
	return ref.Trusted || known && math.Abs(*ref.OffsetSeconds) < farOff.Seconds()
}

// An ownSample is an entry of the reference's history: what was known of our own clock, and
// by how much it was ahead of the fleet's time.
type ownSample struct {
	ntpcheck.Status
	Shift int64 `json:"shift_ns,omitempty"`
}
