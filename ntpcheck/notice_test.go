package ntpcheck

import (
	"slices"
	"testing"
	"time"

	"github.com/beevik/ntp"
	logtest "github.com/sirupsen/logrus/hooks/test"
)

// expectNotices checks the kinds of what was noticed since the last call.
func (b *bench) expectNotices(what string, after *uint64, want ...NoticeKind) {
	b.t.Helper()
	var have []NoticeKind
	for _, n := range b.Notices(*after) {
		*after = n.ID
		have = append(have, n.Kind)
		if n.Text == "" || !n.Time.Equal(b.clock) {
			b.t.Errorf("%s: %+v, want a text, and the time %v", what, n, b.clock)
		}
	}
	if !slices.Equal(have, want) {
		b.t.Errorf("%s: noticed %v, want %v", what, have, want)
	}
}

func (b *bench) hearSample(i int, s sample) {
	s.at, s.delay = b.clock, 10*ms
	b.record(b.sources[i], s, nil)
}

func TestNoticesChangesOnce(t *testing.T) {
	b := newBench(t, 4, KernelOff)
	var seen uint64
	b.hear(0, 0, 0, 0)
	b.expectNotices("all agree", &seen)

	b.hearSample(1, sample{stratum: 3})
	b.expectNotices("a stratum", &seen, NoticeStratum)
	b.hearSample(1, sample{stratum: 3})
	b.expectNotices("the same", &seen)
	b.hearSample(1, sample{stratum: 3, leap: ntp.LeapAddSecond})
	b.expectNotices("a leap second", &seen, NoticeLeap)
	b.hearSample(2, sample{stratum: 1})
	b.expectNotices("a better stratum is selected", &seen, NoticeStratum, NoticeSystemPeer)
	b.record(b.sources[0], sample{}, &refusal{auth: true, reason: "unsigned"})
	b.expectNotices("no authentication was asked for", &seen)
	b.sources[0].auth.Kind = "key"
	b.record(b.sources[0], sample{}, &refusal{auth: true, reason: "unsigned"})
	b.record(b.sources[0], sample{}, &refusal{auth: true, reason: "unsigned"})
	b.expectNotices("unsigned", &seen, NoticeAuthentication)
}

func TestNoticesFalseticker(t *testing.T) {
	b := newBench(t, 3, KernelOff)
	var seen uint64
	for range 3 {
		b.hear(0, time.Minute, 0)
	}
	b.expectNotices("a liar", &seen, NoticeFalseticker)
	n := b.Notices(0)[0]
	if n.Source != "b:123" || n.Offset != time.Minute || n.Value != "+60.000000" || n.ID != 1 {
		t.Errorf("%+v, want the liar and its offset", n)
	}
}

func TestNoticesJumpOfTheReference(t *testing.T) {
	b := newBench(t, 1, KernelOff)
	var seen uint64
	b.hear(0)
	b.wait(time.Minute)
	b.hear(9 * ms) // within 5 ms and 0.9 ms, and 5 ms and the jitter
	b.expectNotices("within the bounds", &seen)
	b.sources[0].filter = nil // else the jitter covers it
	b.hear(time.Second)
	b.hear(time.Second)
	b.expectNotices("a second", &seen, NoticeOffsetJump)
}

func TestNoticesSharedUpstream(t *testing.T) {
	upstream := sample{stratum: 2, referenceID: 0xc0000201} // 192.0.2.1
	b := newBench(t, 3, KernelOff)
	var seen uint64
	b.hearSample(0, upstream)
	b.expectNotices("one alone", &seen)
	b.hearSample(1, upstream)
	b.expectNotices("the third isn't asked yet", &seen)
	b.hearSample(2, sample{stratum: 2, referenceID: 0xc0000202})
	b.expectNotices("two upstreams", &seen)
	b.hearSample(2, upstream)
	b.hearSample(0, upstream)
	b.expectNotices("one upstream", &seen, NoticeSharedUpstream)
	if n := b.Notices(seen - 1)[0]; n.Value != "192.0.2.1" {
		t.Errorf("%+v, want the upstream's address", n)
	}
	for i := range 3 {
		b.hearSample(i, sample{stratum: 1, referenceID: 0x47505300})
	}
	if name := b.survey(b.clock).upstream(); name != "" {
		t.Errorf("three primary servers share %q, want nothing", name)
	}
	for i := range 3 {
		b.hearSample(i, sample{stratum: 4, referenceID: 0x7f7f0101})
	}
	if name := b.survey(b.clock).upstream(); name != "" {
		t.Errorf("three local clocks share %q, want nothing", name)
	}
}

func TestNoticesAreBounded(t *testing.T) {
	b := newBench(t, 1, KernelOff)
	for i := range keptNotices + 100 {
		b.hearSample(0, sample{stratum: uint8(1 + i%2)})
	}
	all := b.Notices(0)
	if len(all) != keptNotices || all[0].ID != 100 || all[keptNotices-1].ID != keptNotices+99 {
		t.Errorf("%d are kept, from %d to %d", len(all), all[0].ID, all[len(all)-1].ID)
	}
	if n := b.Notices(keptNotices + 99); len(n) != 0 {
		t.Errorf("%d after the last", len(n))
	}
	log, hook := logtest.NewNullLogger()
	if last := announceNotices(log, all, 0); last != keptNotices+99 || len(hook.AllEntries()) != keptNotices {
		t.Errorf("%d are logged, up to %d", len(hook.AllEntries()), last)
	}
}
