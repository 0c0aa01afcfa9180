package storage

import (
	"slices"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

func nanos(t *testing.T, text string) int64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixNano()
}

// TestQueryBySent stores each message alone, in a block of its own, and among others.
func TestQueryBySent(t *testing.T) {
	tests := []struct {
		raw, received string
		sent          []string // how the stamp is read
	}{
		{"<14>1 2026-03-01T12:00:00.25Z web1 a - - - x", "2026-03-01T12:00:01Z", []string{"2026-03-01T12:00:00.25Z"}},
		{"<14>1 2026-03-01T14:00:00+02:00 web1 a - - - x", "2026-03-01T12:00:01Z", []string{"2026-03-01T12:00:00Z"}},
		{"<14>Mar  1 12:00:00 web1 a: x", "2026-03-01T12:00:01Z", []string{"2026-03-01T12:00:00Z"}},
		{"<14>Dec 31 23:59:59 web1 a: x", "2026-01-01T00:00:01Z", []string{"2025-12-31T23:59:59Z"}},
		{"<14>Jan  1 00:00:01 web1 a: x", "2025-12-31T23:59:59Z", []string{"2026-01-01T00:00:01Z"}},
		{"<14>Aug 15 12:00:00 web1 a: x", "2026-03-01T12:00:01Z", []string{"2026-08-15T12:00:00Z"}},
		{"<14>Oct 15 12:00:00 web1 a: x", "2026-03-01T12:00:01Z", []string{"2025-10-15T12:00:00Z"}},
		{"<14>Aug 30 20:00:00 web1 a: x", "2026-03-01T12:00:01Z", []string{"2025-08-30T20:00:00Z", "2026-08-30T20:00:00Z"}},
		{"<14>Feb 29 12:00:00 web1 a: x", "2024-03-01T12:00:00Z", []string{"2024-02-29T12:00:00Z"}},
		{"<14>Feb 29 12:00:00 web1 a: x", "2023-01-01T12:00:00Z", []string{"2024-02-29T12:00:00Z"}},
		{"<14>Feb 29 12:00:00 web1 a: x", "2026-03-01T12:00:00Z", nil},
		{"<14>1 1970-01-01T00:00:07Z web1 a - - - x", "2026-03-01T12:00:01Z", []string{"1970-01-01T00:00:07Z"}},
		{"<14>1 - web1 a - - - x", "2026-03-01T12:00:01Z", nil},
		{"<14>1 2026-02-30T12:00:00Z web1 a - - - x", "2026-03-01T12:00:01Z", nil},
	}
	var all []message.Message
	s := openStore(t, t.TempDir(), Options{SealEvery: 1})
	for _, tt := range tests {
		m := message.Message{Received: nanos(t, tt.received)}
		parse.Parse([]byte(tt.raw), &m)
		all = append(all, m)
		if err := s.Append([]message.Message{m}); err != nil {
			t.Fatal(err)
		}
		awaitSealed(t, s)
	}
	together := openStore(t, t.TempDir(), Options{})
	if err := together.Append(all); err != nil {
		t.Fatal(err)
	}
	syncStore(t, together)
	for i, tt := range tests {
		n := uint64(i + 1)
		for _, store := range []*Store{s, together} {
			found := func(q Query) bool {
				have, err := sequences(t, store, q)
				if err != nil {
					t.Fatal(err)
				}
				return slices.Contains(have, n)
			}
			for _, text := range tt.sent {
				at := nanos(t, text)
				if !found(Query{SentSince: at, SentUntil: at + 1}) {
					t.Errorf("%s received %s isn't found at %s", tt.raw, tt.received, text)
				}
				if len(tt.sent) == 1 && (found(Query{SentSince: at + 1}) || found(Query{SentUntil: at})) {
					t.Errorf("%s received %s is found beside %s", tt.raw, tt.received, text)
				}
			}
			if len(tt.sent) == 0 && (found(Query{SentSince: 1}) || found(Query{SentUntil: 1 << 62})) {
				t.Errorf("%s received %s is found by a stamp that can't be used", tt.raw, tt.received)
			}
		}
	}
	if have, err := sequences(t, together, Query{}); err != nil || len(have) != len(tests) {
		t.Errorf("without a range %d are found, %v, want %d", len(have), err, len(tests))
	}
}

// TestSentSkipsBlocks asks whether a block has to be read at all.
func TestSentSkipsBlocks(t *testing.T) {
	h := blockHeader{last: 1, latest: 1, sentEarliest: 100, sentLatest: 200}
	for _, tt := range []struct {
		q        Query
		outliers uint32
		want     bool
	}{
		{Query{SentSince: 200}, 0, true},
		{Query{SentSince: 201}, 0, false},
		{Query{SentUntil: 101}, 0, true},
		{Query{SentUntil: 100}, 0, false},
		{Query{SentSince: 201}, 1, true},
		{Query{}, 0, true},
	} {
		h.sentOutliers = tt.outliers
		if have := tt.q.mayMatchBlock(&h); have != tt.want {
			t.Errorf("%+v in a block from 100 to 200 with %d outliers: %v, want %v", tt.q, tt.outliers, have, tt.want)
		}
	}
}
