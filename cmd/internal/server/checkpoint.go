package server

import (
	"encoding/json"
	"slices"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/storage"
)

// A checkpoint is what has changed since the one before: it is written whole, in one
// transaction, or not at all.
type checkpoint struct {
	at       int64  // when it was taken, Unix ns
	sequence uint64 // the newest message that it includes
	analysis.Snapshot
	found   []analysis.Finding
	samples []storage.ReferenceSample
	orders  uint64 // so many orders about mutes are in it
}

// checkpoint writes what has changed. What couldn't be written goes first the next
// time: the fleet doesn't tell it again.
func (a *archive) checkpoint() error {
	if err := a.write(); err != nil {
		return err
	}
	a.take()
	return a.write()
}

// take sends what has changed on its way to the disk.
func (a *archive) take() {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.fleet.Snapshot()
	s.Originators = slices.Concat(s.Originators, a.mutes.Snapshot(), a.ruleStates())
	a.unwritten = &checkpoint{a.scale.fleet(a.now()).UnixNano(), a.observed, s, append(a.found, a.said...), a.samples, a.orders}
	a.found, a.said, a.samples = nil, nil, nil
}

// write writes the checkpoint that is on its way, if there is one.
func (a *archive) write() error {
	a.mu.Lock()
	c := a.unwritten
	a.mu.Unlock()
	if c == nil {
		return nil
	}
	changes, err := c.changes()
	if err != nil {
		return err
	}
	if err := a.store.Checkpoint(changes); err != nil {
		return err
	}
	a.mu.Lock()
	a.unwritten, a.ordersKept = nil, c.orders
	a.mu.Unlock()
	if len(c.found) > 0 {
		a.told.ring()
		a.notify(c.found, changes.Findings)
	}
	return nil
}

// changes returns the checkpoint in the form that the store keeps.
func (c *checkpoint) changes() (storage.Changes, error) {
	s := storage.Changes{Sequence: c.sequence, Reference: c.samples}
	for _, b := range c.Originators {
		s.States = append(s.States, storage.State(b))
	}
	for _, r := range c.RollUps {
		blob, err := r.RollUp.AppendBinary(nil)
		if err != nil {
			return s, err
		}
		s.RollUps = append(s.RollUps, storage.RollUp{Start: r.RollUp.Start, Key: r.Key, Blob: blob})
	}
	for _, f := range c.found {
		blob, err := json.Marshal(f)
		if err != nil {
			return s, err
		}
		s.Findings = append(s.Findings, storage.Finding{At: c.at, Blob: blob})
	}
	return s, nil
}

// rollUps returns those that the store may not have, or not as they are now: of each
// originator all from the first such on, in order of time, and the open one last. The
// caller holds mu.
func (a *archive) rollUps() []analysis.KeyedRollUp {
	live := a.fleet.RollUps()
	if a.unwritten == nil {
		return live
	}
	begin := firstStarts(live)
	var all []analysis.KeyedRollUp
	for _, r := range a.unwritten.RollUps {
		if start, ok := begin[r.Key]; !ok || r.RollUp.Start < start {
			all = append(all, r)
		}
	}
	return append(all, live...)
}

// firstStarts returns where the first roll-up of each originator starts.
func firstStarts(rollUps []analysis.KeyedRollUp) map[string]int64 {
	starts := make(map[string]int64)
	for _, r := range rollUps {
		if _, ok := starts[r.Key]; !ok {
			starts[r.Key] = r.RollUp.Start
		}
	}
	return starts
}
