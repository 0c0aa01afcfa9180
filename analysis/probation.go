package analysis

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/rand/v2"
)

// What a name has to do on probation. Nobody keeps that up for many invented ones.
const (
	probationMessages = 16
	probationSpan     = 2 * minute
)

// trialForgotten is after which silence a trial is the first to be replaced.
const trialForgotten = hour

// A trial is what is kept of a name on probation, in 16 bytes.
type trial struct {
	tag         uint32 // a part of the name's hash
	first, last uint32 // receive times, Unix seconds
	messages    uint8  // this many or more; 0 marks a free place
	seconds     uint8  // different ones in which it spoke, this many or more
}

// ways is how many trials share a set.
const ways = 8

// A probation is a table of fixed size. A name has its place in one set, by a hash that
// outsiders can't foretell. A new name replaces the one there that has spoken in the
// fewest seconds: a flood of names that are sent once, or in one burst, replaces its own.
// Among equals chance decides, so that no host's first message is lost for certain.
type probation struct {
	seed   [32]byte
	size   int        // how many sets there are: a power of two
	sets   []trials   // nil before the first trial
	hash   hash.Hash  // likewise
	random *rand.Rand // likewise
	sum    [sha256.Size]byte
}

// newProbation returns one with four places for each originator of the table, or more.
func newProbation(originators int, seed [32]byte) probation {
	p := probation{seed: seed, size: 1}
	for p.size*ways < 4*originators {
		p.size *= 2
	}
	return p
}

// open makes the table: most fleets never need it.
func (p *probation) open() {
	p.sets = make([]trials, p.size)
	p.hash = sha256.New()
	p.random = rand.New(rand.NewChaCha8(p.seed))
}

// note counts a message under a key. It reports whether the key has stood its probation,
// and whether this is its first message, as far as is known.
func (p *probation) note(key []byte, received int64) (passed, first bool) {
	if p.sets == nil {
		p.open()
	}
	set, tag := p.place(key)
	now := uint32(received / second)
	t := set.find(tag)
	if first = t == nil; first {
		t = set.weakest(now, p.random)
		*t = trial{tag: tag, first: now}
	}
	t.hear(now)
	return t.passed(now), first
}

// forget frees the place of a key.
func (p *probation) forget(key []byte) {
	if p.sets == nil {
		return
	}
	set, tag := p.place(key)
	if t := set.find(tag); t != nil {
		*t = trial{}
	}
}

// count returns how many names are on probation and haven't been silent for long.
func (p *probation) count(at int64) (n int) {
	for i := range p.sets {
		for k := range p.sets[i] {
			if p.sets[i][k].standing(uint32(at/second)) > 0 {
				n++
			}
		}
	}
	return n
}

// place returns the set that a key belongs to, and its tag there.
func (p *probation) place(key []byte) (*trials, uint32) {
	p.hash.Reset()
	p.hash.Write(p.seed[:]) // never fails, here and below
	p.hash.Write(key)
	sum := binary.LittleEndian.Uint64(p.hash.Sum(p.sum[:0]))
	return &p.sets[sum&uint64(p.size-1)], uint32(sum >> 32)
}

// trials are one set.
type trials [ways]trial

// find returns the trial with a tag, nil if there is none.
func (s *trials) find(tag uint32) *trial {
	for i := range s {
		if s[i].tag == tag && s[i].messages > 0 {
			return &s[i]
		}
	}
	return nil
}

// weakest returns the trial to be replaced next.
func (s *trials) weakest(now uint32, random *rand.Rand) *trial {
	least, equals := &s[0], 0
	for i := range s {
		switch have, lowest := s[i].standing(now), least.standing(now); {
		case have < lowest:
			least, equals = &s[i], 1
		case have == lowest:
			if equals++; random.IntN(equals) == 0 {
				least = &s[i]
			}
		}
	}
	return least
}

// standing ranks a trial among others: 0 if its place is free, or as good as that.
func (t *trial) standing(now uint32) uint8 {
	if t.messages == 0 || magnitude(int64(now)-int64(t.last)) > trialForgotten/second {
		return 0
	}
	return t.seconds
}

func (t *trial) hear(now uint32) {
	if now != t.last {
		t.last = now
		t.seconds += min(1, ^t.seconds)
	}
	t.messages += min(1, ^t.messages)
}

// passed reports whether the probation is over. Whole seconds have to be one more than
// the span to be certain.
func (t *trial) passed(now uint32) bool {
	return t.messages >= probationMessages && int64(now)-int64(t.first) > probationSpan/second
}
