// Package forward sends stored messages on to other receivers of syslog: as RFC 5424, with
// the time of receipt and what is known of the host's clock in structured data.
//
// The store is the queue. Each receiver has a goroutine of its own, which reads stored
// messages in their order and notes in the store how far the receiver has got them. So
// nothing waits for a receiver that is away, and nothing is lost, whether the receiver or
// this process is stopped or killed: a message is delivered at least once.
package forward

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage"
)

// A Store keeps messages, and how far each receiver has got them.
type Store interface {
	// Read calls fn with each message that has a greater sequence, in order, up to the last
	// one that is on disk, which it returns. All fields of a message are set.
	Read(ctx context.Context, after uint64, fn func(*message.Message) error) (last uint64, err error)

	// Last returns the newest message's sequence.
	Last() uint64

	// Changed returns a channel that is closed when more is stored.
	Changed() <-chan struct{}

	// Forwards and PutForwards are storage.Store's.
	Forwards(fn func(name string, blob []byte) error) error
	PutForwards(entries []storage.State) error
}

// Options are the settings of a Forwarder that aren't of one receiver. The zero value is a
// good one.
type Options struct {
	Log logrus.FieldLogger // nil for no log

	// Estimates returns, for one goroutine, what tells what is known of the clock that a
	// message was stamped by. Nil is for nothing.
	Estimates func() func(*message.Message) api.Estimate

	// FirstPause and LongestPause are what is waited after the first failure and at most;
	// 0 stands for 1 s and 30 s.
	FirstPause, LongestPause time.Duration

	// Patience is how long a receiver may take for anything; 0 stands for 30 s.
	Patience time.Duration

	// Connection is how long a connection over TCP or TLS is used before the receiver is
	// asked whether it has read all; 0 stands for 5 s.
	Connection time.Duration
}

func (o Options) withDefaults() Options {
	o.FirstPause = cmp.Or(o.FirstPause, time.Second)
	o.LongestPause = cmp.Or(o.LongestPause, 30*time.Second)
	o.Patience = cmp.Or(o.Patience, 30*time.Second)
	o.Connection = cmp.Or(o.Connection, 5*time.Second)
	if o.Estimates == nil {
		o.Estimates = func() func(*message.Message) api.Estimate {
			return func(*message.Message) api.Estimate { return api.Estimate{} }
		}
	}
	if o.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		o.Log = silent
	}
	return o
}

// A Forwarder sends messages to every receiver.
type Forwarder struct{ receivers []*receiver }

// New returns a Forwarder that goes on where the last one on the store was. A receiver that
// the store doesn't know begins with what is stored from now on, and what it knows of others
// is forgotten.
func New(receivers []config.Forward, store Store, o Options) (*Forwarder, error) {
	o = o.withDefaults()
	f := new(Forwarder)
	known := map[string]*receiver{}
	for i := range receivers {
		r := newReceiver(&receivers[i], store, o)
		if _, err := tlsConfig(&receivers[i]); err != nil {
			var wrong *config.Error
			if errors.As(err, &wrong) {
				wrong.Field = fmt.Sprintf("forward[%d].%s", i, wrong.Field)
			}
			return nil, err
		}
		f.receivers = append(f.receivers, r)
		known[r.Name] = r
	}
	if err := restore(store, known); err != nil {
		return nil, fmt.Errorf("forward: %w", err)
	}
	return f, nil
}

// Run sends until the context ends, and notes how far each receiver has got.
func (f *Forwarder) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, r := range f.receivers {
		wg.Go(func() { r.run(ctx) })
	}
	wg.Wait()
}

// A Status says how a receiver is doing.
type Status struct {
	Name      string
	Delivered uint64 // messages, since the start
	Waiting   uint64 // messages that were stored since the last that is done with, whether they concern the receiver or not
	Failed    uint64 // attempts, since the start
	Missed    uint64 // messages that were removed or damaged before they could be sent, since the start
	Refused   uint64 // messages that the receiver takes on no account, since the start
	LastError string // of the attempt before, "" if it went well
}

// Status returns how each receiver is doing.
func (f *Forwarder) Status() []Status {
	all := make([]Status, len(f.receivers))
	for i, r := range f.receivers {
		all[i] = r.status()
	}
	return all
}

// A cursor is what the store keeps of a receiver.
type cursor struct {
	After uint64 `json:"after"` // the sequence of the last message that is done with

	// Confirms says that the receiver has once closed a connection in turn, and so always does.
	Confirms bool `json:"confirms,omitempty"`
}

// restore reads how far receivers had got, and notes where new ones begin.
func restore(store Store, known map[string]*receiver) error {
	var change []storage.State
	last := store.Last()
	begun := map[string]bool{}
	err := store.Forwards(func(name string, blob []byte) error {
		r := known[name]
		if r == nil {
			change = append(change, storage.State{Key: name})
			return nil
		}
		var c cursor
		if err := json.Unmarshal(blob, &c); err != nil {
			return fmt.Errorf("how far %s had got: %w", name, err)
		}
		r.begin(min(c.After, last), c.Confirms) // sequences begin anew where messages were lost
		begun[name] = true
		return nil
	})
	if err != nil {
		return err
	}
	for name, r := range known {
		if !begun[name] {
			r.begin(last, false)
			change = append(change, storage.State{Key: name, Blob: r.cursor()})
		}
	}
	if len(change) == 0 {
		return nil
	}
	return store.PutForwards(change)
}
