package rules

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// A State is what is kept of one key of a rule, under a name of its own.
type State struct {
	Key  string
	Blob []byte // nil: nothing any more
}

// StatePrefix begins the Key of every State, and no key of an originator.
const StatePrefix = "\x00rule\x00"

// stored is a window as it is kept.
type stored struct {
	Version  int          `json:"v"`
	Of       []string     `json:"of"`
	Touched  int64        `json:"touched"`
	Network  netip.Prefix `json:"network"`
	Connects bool         `json:"connects"`
	Names    []string     `json:"names,omitempty"`
	Events   []byte       `json:"events"`
	Episodes []episode    `json:"episodes,omitempty"`
}

const storedVersion = 1

func (k windowKey) name() string { return StatePrefix + k.rule.Name + "\x00" + k.key }

// Snapshot returns what has changed since the last call.
func (e *Engine) Snapshot() (changed []State) {
	for _, key := range e.gone {
		if e.table.windows[key] == nil {
			changed = append(changed, State{Key: key.name()})
		}
	}
	e.gone = nil
	for _, w := range e.dirty {
		w.changed = false
		if key := (windowKey{w.rule, w.key}); e.table.windows[key] == w {
			changed = append(changed, State{key.name(), w.encode()})
		}
	}
	e.dirty = nil
	return append(changed, e.crowdStates()...)
}

func (w *window) encode() []byte {
	blob, err := json.Marshal(stored{storedVersion, w.of, w.touched, w.peer.network, w.peer.connects, w.names, encodeEvents(w.events), w.episodes})
	if err != nil {
		panic("rules: " + err.Error()) // it holds nothing that can't be written
	}
	return blob
}

// encodeEvents writes events, each time as what it differs by from the one before.
func encodeEvents(events []event) (b []byte) {
	var before int64
	for _, o := range events {
		b = binary.AppendVarint(b, o.at-before)
		before = o.at
		b = binary.LittleEndian.AppendUint32(b, o.tag)
		b = binary.LittleEndian.AppendUint32(b, o.process)
		b = binary.LittleEndian.AppendUint32(b, o.user)
		b = binary.LittleEndian.AppendUint32(b, o.host)
		b = binary.LittleEndian.AppendUint16(b, o.weight)
		b = append(b, flag(o.before, 1)|flag(o.echo, 2)|flag(o.told, 4))
	}
	return b
}

func flag(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

var errShort = errors.New("its events can't be read")

func decodeEvents(b []byte) (events []event, err error) {
	const fixed = 4*4 + 2 + 1
	var at int64
	for len(b) > 0 {
		step, n := binary.Varint(b)
		if n <= 0 || len(b) < n+fixed {
			return nil, errShort
		}
		at += step
		rest := b[n:]
		flags := rest[18]
		events = append(events, event{
			at: at, tag: binary.LittleEndian.Uint32(rest), process: binary.LittleEndian.Uint32(rest[4:]),
			user: binary.LittleEndian.Uint32(rest[8:]), host: binary.LittleEndian.Uint32(rest[12:]), weight: binary.LittleEndian.Uint16(rest[16:]),
			before: flags&1 != 0, echo: flags&2 != 0, told: flags&4 != 0,
		})
		b = rest[fixed:]
	}
	return events, nil
}

// Restore puts back what a snapshot had. What belongs to a rule that there isn't any more,
// or to another one of its name, is let go; people who were told of it are told that.
func (e *Engine) Restore(s State) error {
	name, key, _ := strings.Cut(strings.TrimPrefix(s.Key, StatePrefix), "\x00")
	if key == crowdSubject {
		return e.restoreCrowd(name, s.Blob)
	}
	var kept stored
	err := json.Unmarshal(s.Blob, &kept)
	if err == nil && kept.Version != storedVersion {
		err = fmt.Errorf("version %d isn't known", kept.Version)
	}
	w := &window{key: key, of: kept.Of, names: kept.Names, episodes: kept.Episodes, touched: kept.Touched}
	if err == nil {
		w.events, err = decodeEvents(kept.Events)
	}
	if err != nil {
		return fmt.Errorf("restore what the rule %s knows of %q: %w", name, key, err)
	}
	w.rule = e.ruleOf(name, w)
	if w.rule == nil {
		e.release(name, w)
		return nil
	}
	evicted := e.table.put(w, peerKey{kept.Network, kept.Connects})
	if evicted != nil {
		e.abandon(evicted, w.touched, "it is no longer followed, since there are too many keys")
	}
	if ep := w.open(); ep != nil {
		e.open[w] = true
		if !ep.Silent {
			e.states[w.rule].speaking++
		}
	}
	return nil
}

// ruleOf returns the rule that a window belongs to, nil if there is none.
func (e *Engine) ruleOf(name string, w *window) *Rule {
	for _, r := range e.set.rules {
		if r.Name == name && len(r.Key) == len(w.of) && r.describe(w.of) == w.key {
			return r
		}
	}
	return nil
}

// release lets go of a window whose rule there isn't any more.
func (e *Engine) release(name string, w *window) {
	w.rule = &Rule{Name: name, Text: "the rule isn't configured any more", Key: nil}
	e.states[w.rule] = &ruleState{}
	if w.open() != nil {
		e.states[w.rule].speaking++
	}
	e.abandon(w, w.touched, "it is no longer followed")
}
