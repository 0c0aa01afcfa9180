package analysis

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// bits returns the encoded state, which tells any two states apart.
func bits(t testing.TB, s *State) []byte {
	t.Helper()
	b, err := s.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// testimonies splits a host's messages over collectors at random and returns each
// one's states as it went along.
func testimonies(r *rand.Rand, collectors int) []Evidence {
	h := newHost("web1")
	if r.IntN(2) == 0 {
		h = h.coarse()
	}
	states := make([]*State, collectors)
	for i := range states {
		states[i] = NewState()
	}
	var given []Evidence
	at := time.Duration(0)
	for n := range 60 {
		at += time.Duration(r.ExpFloat64() * float64(30*time.Second))
		i := r.IntN(collectors)
		m := h.message(r, at)
		sent, _ := Instant(m.Sent, m.Received, time.UTC)
		states[i].Add(Observation{Sent: sent, Received: m.Received})
		if r.IntN(10) == 0 || n == 59 {
			var copied State
			if err := copied.UnmarshalBinary(mustBits(states[i])); err != nil {
				panic(err)
			}
			given = append(given, Evidence{fmt.Sprint("collector", i): {Version: uint64(n + 1), State: &copied}})
		}
	}
	return given
}

func mustBits(s *State) []byte {
	b, _ := s.AppendBinary(nil) // it never fails
	return b
}

// Merging is associative, commutative and idempotent to the bit: whatever the order,
// the grouping and the repetitions, the same evidence folds to the same state.
func TestMergeIsBitIdentical(t *testing.T) {
	Long(t)
	const splits = 10_000
	for seed := range uint64(splits) {
		r := rand.New(rand.NewPCG(seed, 4))
		given := testimonies(r, 1+r.IntN(4))
		want := Evidence{}
		for _, e := range given {
			want.Merge(e)
		}
		have := Evidence{}
		for range 2 + r.IntN(2) { // each time in another order, so with repetitions
			part := Evidence{}
			for _, i := range r.Perm(len(given)) {
				part.Merge(given[i])
				if r.IntN(3) == 0 {
					have.Merge(part)
					part = Evidence{}
				}
			}
			have.Merge(part)
			have.Merge(have)
		}
		if a, b := bits(t, have.Fold()), bits(t, want.Fold()); !bytes.Equal(a, b) {
			t.Fatalf("seed %d: states differ by the order of merging", seed)
		}
	}
}

// What two collectors saw together gives the estimate of one that saw all.
func TestFoldAgreesWithOneCollector(t *testing.T) {
	p := DefaultParams()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 8))
		h := newHost("web1").coarse()
		one, parts := NewState(), [2]*State{NewState(), NewState()}
		for at := time.Duration(0); at < 2*time.Hour; at += time.Duration(r.ExpFloat64() * float64(time.Second)) {
			m := h.message(r, at)
			sent, _ := Instant(m.Sent, m.Received, time.UTC)
			o := Observation{Sent: sent, Received: m.Received}
			one.Add(o)
			parts[r.IntN(2)].Add(o)
		}
		all := Evidence{"a": {1, parts[0]}, "b": {1, parts[1]}}.Fold()
		have, want := all.Evaluate(all.last, Path{}, &p), one.Evaluate(one.last, Path{}, &p)
		if d := (have.Offset - want.Offset).Abs(); d > time.Millisecond || have.Messages != want.Messages {
			t.Errorf("seed %d: offset %v of %d messages, want %v of %d", seed, have.Offset, have.Messages, want.Offset, want.Messages)
		}
	}
}

func TestStateCodingFindsDamage(t *testing.T) {
	s := testimonies(rand.New(rand.NewPCG(1, 1)), 1)[0]["collector0"].State
	b := bits(t, s)
	var have State
	if err := have.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bits(t, &have), b) {
		t.Error("a decoded state encodes differently")
	}
	for i := range b {
		damaged := bytes.Clone(b)
		damaged[i] ^= 1 << (i % 8)
		if err := new(State).UnmarshalBinary(damaged); !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d flipped: error %v, want ErrDamaged", i, err)
		}
		if err := new(State).UnmarshalBinary(b[:i]); err == nil {
			t.Errorf("cut to %d bytes: no error", i)
		}
	}
}
