package analysis

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Mutes are stored under keys that no originator has: those end in an address.
const (
	muteKey     = "\x00\x00mutes\x00"   // of the silences, and of findings about mutes
	openPrefix  = "\x00\x00warning\x00" // of an open warning, before its originator's key
	openPostfix = "\x00"                // behind that
)

// OfMutes reports whether a key of a snapshot is one of Mutes.
func OfMutes(key string) bool {
	return key == muteKey || strings.HasPrefix(key, openPrefix) && strings.HasSuffix(key, openPostfix)
}

// A muteTable is what is stored under muteKey.
type muteTable struct {
	Last     uint64
	Silences []Mute
}

// Snapshot returns what has changed since the last call. That call's snapshot must be
// stored by now, and this one with what Heed and the others have returned.
func (m *Mutes) Snapshot() []Blob {
	var all []Blob
	if m.tableChanged {
		all = append(all, Blob{muteKey, encodeJSON(muteTable{m.last, m.Silences()})})
	}
	for key := range m.changed {
		b := Blob{Key: openPrefix + key + openPostfix}
		if w := m.open[key]; w != nil {
			b.Blob = encodeJSON(w)
		}
		all = append(all, b)
	}
	m.tableChanged = false
	clear(m.changed)
	return all
}

// Restore puts back what a snapshot had under a key of OfMutes.
func (m *Mutes) Restore(b Blob) error {
	if b.Key == muteKey {
		var t muteTable
		if err := json.Unmarshal(b.Blob, &t); err != nil {
			return fmt.Errorf("restore the silences: %w", err)
		}
		m.last = t.Last
		for _, s := range t.Silences {
			m.put(&s, true)
		}
		m.tableChanged = false
		return nil
	}
	w := new(OpenWarning)
	if err := json.Unmarshal(b.Blob, w); err != nil {
		return fmt.Errorf("restore an open warning: %w", err)
	}
	m.open[w.Key] = w
	if w.Acknowledged != nil {
		m.seen[w.Key] = w
	}
	return nil
}

// Adopt takes in a finding of before mutes were kept, in the order of findings: what events
// leave open is open.
func (m *Mutes) Adopt(told *Finding) {
	if told.Event != nil {
		m.heed(told, time.Time{})
	}
	m.tableChanged = true
}

// encodeJSON returns what can always be coded as JSON.
func encodeJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("analysis: " + err.Error())
	}
	return b
}

// Present returns what a warning of a verdict says of an originator's clock now. It reports
// false where nothing is known, or that isn't the verdict at the moment.
func (f *Fleet) Present(key string, v Verdict) (i Interval, text string, ok bool) {
	o := f.originators[key]
	if o == nil || o.judged.verdict != v {
		return Interval{}, "", false
	}
	return o.interval, o.judged.reason + o.company(&f.config.Params), true
}
