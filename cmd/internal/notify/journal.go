package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/storage"
)

// A cursor is what the store keeps of an output.
type cursor struct {
	After uint64 `json:"after"`           // the ID of the last event that is done with
	Error string `json:"error,omitempty"` // of the last attempt, if it failed
}

// keySeparator stands in the store's keys between an output's name, which can't have it,
// and what else they name.
const keySeparator = "\x00"

func (o *output) restoreCursor(blob []byte, last uint64) error {
	var c cursor
	if err := json.Unmarshal(blob, &c); err != nil {
		return fmt.Errorf("where output %s was: %w", o.Name, err)
	}
	o.restored, o.lastError = true, c.Error
	o.after = min(c.After, last) // IDs begin anew where findings were lost
	o.waiting.begin(o.after, last)
	return nil
}

func (o *output) restoreOpen(key string, blob []byte) error {
	var e api.Event
	if err := json.Unmarshal(blob, &e); err != nil {
		return fmt.Errorf("what output %s has told: %w", o.Name, err)
	}
	o.open[key] = e
	o.waiting.open[key] = true
	return nil
}

// restore reads how far outputs had come, and notes where new ones begin.
func restore(store Store, known map[string]*output, last uint64) error {
	var change []storage.State
	err := store.Outbox(func(key string, blob []byte) error {
		name, of, isOpen := strings.Cut(key, keySeparator)
		out := known[name]
		switch {
		case out == nil:
			change = append(change, storage.State{Key: key})
		case isOpen:
			return out.restoreOpen(of, blob)
		default:
			return out.restoreCursor(blob, last)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for name, out := range known {
		if !out.restored {
			change = append(change, storage.State{Key: name, Blob: out.cursor()})
		}
	}
	if len(change) == 0 {
		return nil
	}
	return store.PutOutbox(change)
}

// save stores how far the output has come. What couldn't be stored goes with the next: at
// worst events are sent twice.
func (o *output) save() {
	o.after = o.waiting.passed()
	entries := []storage.State{{Key: o.Name, Blob: o.cursor()}}
	for key := range o.changed {
		entries = append(entries, storage.State{Key: o.Name + keySeparator + key, Blob: o.openBlob(key)})
	}
	o.saved = time.Now()
	err := o.store.PutOutbox(entries)
	if err == nil {
		clear(o.changed)
	} else if !o.unsaved {
		o.log.WithError(err).Error("can't store which notifications were delivered: they may be sent again after a restart")
	}
	o.unsaved = err != nil
}

// openBlob returns what is stored of a warning, nil if it is over.
func (o *output) openBlob(key string) []byte {
	e, isOpen := o.open[key]
	if !isOpen {
		return nil
	}
	return encode(e)
}

// cursor returns what is stored of the output itself.
func (o *output) cursor() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return encode(cursor{o.after, o.lastError})
}

// encode returns what can always be coded as JSON.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("notify: " + err.Error())
	}
	return b
}
