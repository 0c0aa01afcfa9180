package analysis

import (
	"maps"
	"slices"
)

// Evidence is what several collectors know of one speaker: the newest state of each.
// Joining two states adds their counts, so that joining one with itself would count
// its messages twice; Evidence can be merged in any order and any number of times,
// and always comes to the same.
type Evidence map[string]Testimony

// A Testimony is one collector's state in one version of it. A collector numbers the
// states it gives out, and never gives two the same number.
type Testimony struct {
	Version uint64
	State   *State
}

// Merge takes over what is newer in o. It keeps o's states without copying them.
func (e Evidence) Merge(o Evidence) {
	for collector, theirs := range o {
		if ours, ok := e[collector]; !ok || theirs.Version > ours.Version {
			e[collector] = theirs
		}
	}
}

// Fold joins all states into one, as if one collector had seen all messages.
func (e Evidence) Fold() *State {
	all := NewState()
	for _, collector := range slices.Sorted(maps.Keys(e)) {
		all.join(e[collector].State)
	}
	return all
}

// join adds the evidence of another state. It isn't idempotent: see Evidence.
func (s *State) join(o *State) {
	if o.messages == 0 {
		return
	}
	if s.messages == 0 || o.first < s.first {
		s.first, s.firstSent = o.first, o.firstSent
	}
	s.messages += o.messages
	s.resolution = min(s.resolution, o.resolution)
	s.finer += o.finer
	s.finerPlace = max(s.finerPlace, o.finerPlace)
	s.cluster = max(s.cluster, o.cluster)
	if o.last > s.last {
		s.last, s.interval, s.tide, s.silence, s.repeat, s.late = o.last, o.interval, clone(o.tide), o.silence, o.repeat, o.late
	}
	if o.segment > s.segment { // the level that began last is the present one
		s.segment, s.floor, s.ceiling = o.segment, o.floor, o.ceiling
	}
	s.manyAt, s.freeSince = max(s.manyAt, o.manyAt), max(s.freeSince, o.freeSince)
	s.turnsFrom, s.turnsTo = max(s.turnsFrom, o.turnsFrom), max(s.turnsTo, o.turnsTo)
	s.news = s.news || o.news
	s.lattice.join(&o.lattice, s.resolution)
	switch {
	case s.phases == nil:
		s.phases = clone(o.phases)
	case o.phases != nil:
		s.phases.join(o.phases)
	}
}

// clone returns a copy of what is pointed to.
func clone[T any](v *T) *T {
	if v == nil {
		return nil
	}
	copied := *v
	return &copied
}

// join adds the buckets of another lattice, level by level and oldest first, so that
// the newer of two that meet in a slot is put there last.
func (t *lattice) join(o *lattice, resolution int64) {
	for l := range o {
		for _, b := range sortedBuckets(o[l]) {
			t.push(l, b, resolution)
		}
	}
}

func sortedBuckets(buckets []bucket) []bucket {
	used := slices.DeleteFunc(slices.Clone(buckets), func(b bucket) bool { return b.n == 0 })
	slices.SortFunc(used, func(a, b bucket) int { return int(a.at - b.at) })
	return used
}

// join adds the generations of other phases. Of two that meet the newer stays.
func (p *phases) join(o *phases) {
	for i := range o {
		g, from := &p[i], &o[i]
		switch {
		case from.span > g.span:
			*g = *from
		case from.span == g.span:
			for bin := range from.n {
				g.n[bin] += from.n[bin]
				g.max[bin] = max(g.max[bin], from.max[bin])
			}
		}
	}
}
