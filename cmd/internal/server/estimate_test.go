package server

import (
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
	"github.com/skewatch/skewatch/storage"
)

// TestEstimates wants what was known of a clock when a message was received, and not what is
// known of it now: from the roll-up of those five minutes, or of that hour.
func TestEstimates(t *testing.T) {
	cfg, err := config.Load(nil, []string{"SKEWATCH_DATA=" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	store, err := storage.Open(cfg.Data, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	now := time.Date(2026, 3, 9, 12, 1, 0, 0, time.UTC)
	peer := netip.MustParseAddr("192.0.2.1")
	at := func(back time.Duration) *message.Message {
		m := &message.Message{Received: now.Add(-back).UnixNano(), Source: peer}
		parse.Parse([]byte("<13>1 2026-03-09T12:00:00Z Web1 - - - - x"), m)
		return m
	}
	key := string(analysis.AppendKey(nil, at(0)))
	put := func(start time.Time, offset time.Duration, hourly bool) storage.RollUp {
		r := analysis.RollUp{Start: start.UnixNano(), Messages: 1, First: start.UnixNano(), Last: start.UnixNano(), Known: true, Verdict: analysis.Ahead,
			Interval: analysis.Interval{Offset: offset, Low: offset, High: offset}}
		if hourly {
			r = r.Hourly()
		}
		blob, err := r.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		return storage.RollUp{Start: r.Start, Key: key, Blob: blob}
	}
	if err := store.ReplaceRollUps([]storage.RollUp{
		put(now.Truncate(5*time.Minute).Add(-10*time.Minute), 10*time.Second, false),
		put(now.Truncate(time.Hour).Add(-5*24*time.Hour), 20*time.Second, true),
	}); err != nil {
		t.Fatal(err)
	}
	a := newArchive(store, cfg, log)
	for i := range 100 { // a second apart, in sync, up to now
		m := at(time.Duration(100-i) * time.Second)
		m.Sent.Civil = m.Received
		a.fleet.Observe(m)
	}
	a.fleet.Refresh(now.UnixNano(), analysis.Reference{State: analysis.Synchronised, At: now.UnixNano(), Bound: time.Millisecond})
	e, err := (&desk{archive: a, live: true}).newEstimator()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		back   time.Duration
		offset time.Duration
	}{
		{0, 0},
		{11 * time.Minute, 10 * time.Second},
		{9 * time.Minute, 10 * time.Second},
		{5*24*time.Hour - 30*time.Minute, 20 * time.Second},
		{30 * 24 * time.Hour, 0}, // nothing is left of then
	} {
		m := at(tt.back)
		for range 2 { // found, and remembered
			got := e.of(m)
			if off := got.Interval.Offset - tt.offset; !got.Known || off < -time.Second || off > time.Second || !got.Dated {
				t.Errorf("%v ago the clock is known as %+v, want an offset of %v", tt.back, got, tt.offset)
			}
		}
	}
	stranger := at(0)
	stranger.Host = []byte("other")
	if got := e.of(stranger); got.Known || got.Verdict != analysis.Insufficient.String() {
		t.Errorf("of a host that nobody knows is known %+v", got)
	}
	if shown, err := (&desk{archive: a, live: true}).estimates(api.Query{}); err != nil || shown(stranger) != nil {
		t.Errorf("who doesn't ask for estimates gets them, %v", err)
	}
}
