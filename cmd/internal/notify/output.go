package notify

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/retry"
)

// A sender speaks to a receiver.
type sender interface {
	// send delivers events, all of them unless there is an error. It gives up when the
	// context ends.
	send(ctx context.Context, events []api.Event) error
}

// A reminder is a sender whose receiver must be told again and again of what lasts.
type reminder interface {
	remind(ctx context.Context, open []api.Event) error
}

// A manner is how events are given to a sender.
type manner struct {
	batch  int           // at most so many at once
	gather time.Duration // the first waits so long for others
}

// An output sends what concerns it to one receiver.
type output struct {
	config.Notify
	sender  sender
	manner  manner
	store   Store
	options Options
	log     logrus.FieldLogger
	waiting *waiting

	// The running goroutine's own.
	restored bool
	open     map[string]api.Event // the last event delivered of each warning that isn't cleared
	changed  map[string]bool      // of these, what the store doesn't know
	after    uint64               // up to this ID all is done with
	saved    time.Time            // when that was last stored, or could not be
	unsaved  bool                 // it could not
	reminded time.Time
	failures int       // attempts in a row that failed
	refusing bool      // the last one since the receiver wants something on no account
	logged   time.Time // when that was last said

	mu        sync.Mutex
	delivered uint64
	failed    uint64
	refused   uint64
	lastError string
}

func newOutput(n *config.Notify, s sender, store Store, last uint64, o Options) *output {
	out := &output{Notify: *n, sender: s, manner: mannerOf(n.Type, o), store: store, options: o,
		log: o.Log.WithFields(logrus.Fields{"output": n.Name, "type": n.Type}), waiting: newWaiting(n, o.most),
		open: map[string]api.Event{}, changed: map[string]bool{}, after: last}
	out.waiting.begin(last, last)
	return out
}

// mannerOf returns how events are given to a type of receiver. A webhook takes them singly,
// so that each has a key of its own.
func mannerOf(t config.NotifyType, o Options) manner {
	switch t {
	case config.NotifyWebhook:
		return manner{batch: 1}
	case config.NotifyEmail:
		return manner{batch: 200, gather: o.Gather}
	}
	return manner{batch: 64}
}

// run sends until the context ends.
func (o *output) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := o.waiting.refill(o.store)
		if err == nil {
			err = o.step(ctx)
		}
		switch {
		case ctx.Err() != nil:
		case err != nil:
			o.fail(err)
			retry.Wait(ctx, o.pause(err))
		}
	}
	o.save()
}

// step waits for something to do and does it.
func (o *output) step(ctx context.Context) error {
	if len(o.waiting.next(1)) == 0 {
		return o.idle(ctx)
	}
	if o.failures == 0 {
		retry.Wait(ctx, o.manner.gather)
	}
	batch := o.manner.batch
	if o.refusing {
		batch = 1 // to find the one that isn't wanted
	}
	events := o.waiting.next(batch)
	err := o.attempt(ctx, func(ctx context.Context) error { return o.sender.send(ctx, events) })
	var no *refusal
	switch {
	case err == nil:
		o.succeed(events)
	case errors.As(err, &no) && len(events) == 1 && o.failures+1 >= refusedAfter:
		o.refuse(events, err)
	default:
		o.refusing = no != nil
		return err
	}
	return o.remind(ctx)
}

// idle waits for events, or for the time to tell again of what lasts.
func (o *output) idle(ctx context.Context) error {
	var due <-chan time.Time // never
	if _, reminds := o.sender.(reminder); reminds && len(o.open) > 0 {
		due = time.After(time.Until(o.reminded.Add(o.options.Refresh)))
	}
	select {
	case <-ctx.Done():
		return nil
	case <-o.waiting.wake:
		return nil
	case <-due:
		return o.remind(ctx)
	}
}

// remind tells again of what lasts, if the receiver wants that and it is time.
func (o *output) remind(ctx context.Context) error {
	r, reminds := o.sender.(reminder)
	if !reminds || len(o.open) == 0 || ctx.Err() != nil || time.Since(o.reminded) < o.options.Refresh {
		return nil
	}
	open := slices.SortedFunc(maps.Values(o.open), func(a, b api.Event) int { return int(a.ID) - int(b.ID) })
	for some := range slices.Chunk(open, remindAtOnce) {
		if err := o.attempt(ctx, func(ctx context.Context) error { return r.remind(ctx, some) }); err != nil {
			return err
		}
	}
	o.reminded = time.Now()
	o.recover()
	return nil
}

// remindAtOnce is how many warnings one request tells of.
const remindAtOnce = 500

// attempt tries something with a deadline. When the context ends, what is under way gets a
// moment to come to its end, so that it need not be sent again.
func (o *output) attempt(parent context.Context, try func(context.Context) error) error {
	return attempt(parent, o.options.Deadline, try)
}

func attempt(parent context.Context, deadline time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(parent), deadline, errDeadline)
	defer cancel()
	defer context.AfterFunc(parent, func() { time.AfterFunc(lastMoment, cancel) })()
	err := try(ctx)
	if err != nil && context.Cause(ctx) == errDeadline {
		return errDeadline
	}
	return err
}

// lastMoment is how long an attempt may take on when the server stops.
const lastMoment = time.Second

var errDeadline = errors.New("no answer within the deadline")

// saveEvery is how often is stored how far an output has come while more waits.
const saveEvery = time.Second

// succeed notes that events were delivered.
func (o *output) succeed(events []api.Event) {
	for _, e := range events {
		switch key := subject(e); {
		case e.Event == cleared:
			delete(o.open, key)
			o.changed[key] = true
		case lasts(e):
			o.open[key] = e
			o.changed[key] = true
		}
	}
	o.mu.Lock()
	o.delivered += uint64(len(events))
	o.mu.Unlock()
	o.recover()
	o.pass(events)
}

// pass goes on behind events that are done with.
func (o *output) pass(events []api.Event) {
	o.waiting.done(events)
	if n, _ := o.waiting.left(); n == 0 || time.Since(o.saved) >= saveEvery {
		o.save()
	}
}

// recover notes that the receiver is there.
func (o *output) recover() {
	if o.failures > 0 {
		o.log.WithField("failed_attempts", o.failures).Info("notifications are delivered again")
	}
	o.failures, o.refusing, o.logged = 0, false, time.Time{}
	o.mu.Lock()
	o.lastError = ""
	o.mu.Unlock()
}

// refusedAfter is how often a receiver must say that it wants an event on no account.
const refusedAfter = 5

// refuse gives up events that would hold up all others for ever.
func (o *output) refuse(events []api.Event, err error) {
	o.fail(err)
	for _, e := range events {
		o.log.WithFields(logrus.Fields{"id": e.ID, "host": e.Host, "event": e.Event}).WithError(err).
			Error("notification given up: the receiver refuses it")
	}
	o.mu.Lock()
	o.refused += uint64(len(events))
	o.mu.Unlock()
	o.failures, o.refusing = 0, false
	o.pass(events)
}

// logEvery is how often a failing output is named in the log.
const logEvery = 10 * time.Minute

// fail notes an attempt that failed.
func (o *output) fail(err error) {
	o.failures++
	o.mu.Lock()
	o.failed++
	news := o.lastError != err.Error()
	o.lastError = err.Error()
	o.mu.Unlock()
	if news {
		o.save()
	}
	if o.logged.IsZero() || time.Since(o.logged) >= logEvery {
		n, _ := o.waiting.left()
		o.log.WithError(err).WithFields(logrus.Fields{"waiting": n, "failed_attempts": o.failures}).
			Warn("notifications can't be delivered: they are tried again")
		o.logged = time.Now()
	}
}

func (o *output) status() Status {
	n, oldest := o.waiting.left()
	o.mu.Lock()
	defer o.mu.Unlock()
	return Status{Output: o.Name, Type: o.Type, Delivered: o.delivered, Failed: o.failed, Refused: o.refused,
		Waiting: n, Oldest: oldest, LastError: o.lastError}
}
