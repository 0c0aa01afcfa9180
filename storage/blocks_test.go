package storage

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/skewatch/skewatch/collector/message"
)

// readByBlocks returns the messages that q selects, read block by block, in order of
// Sequence, and which blocks there are.
func readByBlocks(t *testing.T, s *Store, q Query) (all []message.Message, blocks []Block, err error) {
	t.Helper()
	r, err := s.Read()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	listed := r.Blocks(t.Context(), q, func(b *Block) error { blocks = append(blocks, *b); return nil })
	var into BlockBuffer
	for i := range blocks {
		err = cmp.Or(err, r.ReadBlock(&blocks[i], &q, &into, func(m *message.Message) error {
			kept := *m
			kept.Raw, kept.Host = slices.Clone(m.Raw), slices.Clone(m.Host)
			all = append(all, kept)
			return nil
		}))
	}
	slices.SortFunc(all, func(a, b message.Message) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return all, blocks, cmp.Or(listed, err)
}

// TestReadingByBlocks holds what blocks hold, and say that they hold, against Messages.
func TestReadingByBlocks(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{SealEvery: 1})
	f := fleet{rand.New(rand.NewPCG(1, 2)), 100, true}
	for range 3 {
		if err := s.Append(f.messages(3000, message.TCP)); err != nil {
			t.Fatal(err)
		}
		awaitSealed(t, s)
	}
	pattern, err := NewPattern("port [0-9]*7")
	if err != nil {
		t.Fatal(err)
	}
	var first message.Message
	err = s.Messages(t.Context(), Query{After: 5000}, func(m *message.Message) error {
		first = *m
		first.Host = slices.Clone(m.Host)
		return errors.New("enough")
	})
	if first.Sequence != 5001 {
		t.Fatalf("the first after 5000 is %d, %v", first.Sequence, err)
	}
	for _, q := range []Query{
		{}, {After: 4000}, {Host: string(first.Host)}, {Since: first.Received}, {Until: first.Received}, {Pattern: pattern},
		{SentSince: first.Received},
	} {
		have, blocks, err := readByBlocks(t, s, q)
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		err = s.Messages(t.Context(), q, func(m *message.Message) error {
			if i >= len(have) || have[i].Sequence != m.Sequence || string(have[i].Raw) != string(m.Raw) || have[i].Received != m.Received || have[i].Sent != m.Sent {
				t.Fatalf("%+v: message %d is missing, or another", q, m.Sequence)
			}
			i++
			return nil
		})
		if err != nil || i != len(have) {
			t.Errorf("%+v: blocks have %d messages, want %d, %v", q, len(have), i, err)
		}
		if q.Host != "" && len(blocks) > 3 {
			t.Errorf("%d blocks may hold a host's messages, want one a round", len(blocks))
		}
	}
	checkHeaders(t, s)
}

// checkHeaders holds what blocks say of themselves against their messages.
func checkHeaders(t *testing.T, s *Store) {
	t.Helper()
	r, err := s.Read()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var into BlockBuffer
	err = r.Blocks(context.Background(), Query{}, func(b *Block) error {
		rows := 0
		err := r.ReadBlock(b, &Query{}, &into, func(m *message.Message) error {
			rows++
			sent, ok := m.Sent.Instant()
			far := ok && (sent < m.Received-dayNS || sent > m.Received+dayNS)
			if m.Received < b.Earliest || m.Received > b.Latest || b.Originators != nil && !slices.Contains(b.Originators, HostHash(m)) ||
				ok && !far && (sent < b.SentEarliest || sent > b.SentLatest) || (far || !m.Sent.Usable()) && b.Outliers == 0 {
				t.Errorf("message %d isn't as %+v says", m.Sequence, b)
			}
			return nil
		})
		if rows != b.Rows {
			t.Errorf("%d messages are read of %+v", rows, b)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestReadingUnsealed reads messages of the tail while they are sealed.
func TestReadingUnsealed(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	f := fleet{rand.New(rand.NewPCG(3, 4)), 10, false}
	if err := s.Append(f.messages(500, message.UDP)); err != nil {
		t.Fatal(err)
	}
	syncStore(t, s)
	have, blocks, err := readByBlocks(t, s, Query{})
	if err != nil || len(have) != 500 || blocks[0].Outliers == 0 {
		t.Errorf("%d messages in %d blocks, %v, want 500, of which nobody knows when they were sent", len(have), len(blocks), err)
	}
}
