// Package notify sends warning events to people and their systems: to an Alertmanager, a
// webhook, by e-mail, to a syslog server, and to standard output.
//
// Each output has a goroutine of its own, so that a receiver that hangs holds up nothing
// else. It sends events in the order of their IDs, and tries each again until the receiver
// has taken it. How far it has come is kept in the store with each delivery: an event is
// delivered at least once, or shown as waiting.
package notify

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/storage"
)

// A Store keeps events, and how far each output has come with them.
type Store interface {
	// EventsAfter calls fn with each event that has a greater ID, in no certain order. What
	// is damaged is passed over, and no error.
	EventsAfter(id uint64, fn func(api.Event) error) error

	// LastEvent returns an ID that no event so far exceeds.
	LastEvent() (uint64, error)

	// Outbox and PutOutbox are storage.Store's.
	Outbox(fn func(key string, blob []byte) error) error
	PutOutbox(entries []storage.State) error
}

// Options are the settings of a Notifier that aren't of one output. The zero value is a
// good one.
type Options struct {
	Log logrus.FieldLogger // nil for no log

	// URL returns the base of the server's own HTTP API, which alerts refer to, or "". Nil
	// is for none.
	URL func() string

	// Stdout is written to by outputs of that type; nil for the process's.
	Stdout io.Writer

	// FirstPause and LongestPause are what is waited after the first failure and at most;
	// 0 stands for 1 s and 5 minutes.
	FirstPause, LongestPause time.Duration

	// Gather is how long an e-mail waits for further events; 0 stands for 5 s. Refresh is
	// how often an Alertmanager is told what lasts; 0 stands for a minute.
	Gather, Refresh time.Duration

	// Deadline is how long one attempt may take; 0 stands for 30 s.
	Deadline time.Duration

	most int // events that wait in memory for one output; 0 for mostWaiting
}

// A Notifier sends events to every output.
type Notifier struct {
	outputs []*output
}

// New returns a Notifier that goes on where the last one on the store was. An output that
// the store doesn't know begins with what is told from now on, and what it knows of others
// is forgotten.
func New(outputs []config.Notify, store Store, o Options) (*Notifier, error) {
	o = o.withDefaults()
	last, err := store.LastEvent()
	if err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	n := new(Notifier)
	known := map[string]*output{}
	for i := range outputs {
		sender, err := newSender(&outputs[i], o)
		if err != nil {
			return nil, outputError(i, err)
		}
		out := newOutput(&outputs[i], sender, store, last, o)
		n.outputs = append(n.outputs, out)
		known[out.Name] = out
	}
	if err := restore(store, known, last); err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	return n, nil
}

// Tell hands over events that the store has got, in the order of their IDs. It doesn't
// wait for anything.
func (n *Notifier) Tell(events []api.Event) {
	for _, o := range n.outputs {
		o.waiting.tell(events)
	}
}

// Run sends until the context ends, and notes how far each output has come.
func (n *Notifier) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, o := range n.outputs {
		wg.Go(func() { o.run(ctx) })
	}
	wg.Wait()
}

// A Status says how an output is doing.
type Status struct {
	Output    string            `json:"output"`
	Type      config.NotifyType `json:"type"`
	Delivered uint64            `json:"delivered"`       // events, since the start
	Failed    uint64            `json:"failed_attempts"` // since the start
	Refused   uint64            `json:"refused"`         // events that the receiver wants on no account, since the start
	Waiting   int               `json:"waiting"`         // events
	Oldest    time.Time         `json:"oldest_waiting"`  // of the event that waits longest; zero if none waits
	LastError string            `json:"last_error"`      // of the attempt before, "" if it went well
}

// Status returns how each output is doing.
func (n *Notifier) Status() []Status {
	all := make([]Status, len(n.outputs))
	for i, o := range n.outputs {
		all[i] = o.status()
	}
	return all
}
