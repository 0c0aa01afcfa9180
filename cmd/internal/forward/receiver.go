package forward

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/retry"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/relpclient"
	"github.com/skewatch/skewatch/collector/streamclient"
	"github.com/skewatch/skewatch/storage"
)

// A receiver is sent what concerns it, in the order of storing.
type receiver struct {
	config.Forward
	store   Store
	options Options
	log     logrus.FieldLogger
	clock   func(*message.Message) api.Estimate

	// The running goroutine's own.
	session  session  // nil while there is none
	sent     []uint64 // sequences of what was sent through it and isn't confirmed
	counted  uint64   // messages of the session that are
	read     uint64   // up to this sequence all is confirmed, in sent, or of no concern
	missed   uint64   // up to this sequence it is told what can't be read
	line     []byte   // scratch
	saved    time.Time
	stored   uint64 // where the store's cursor stands
	unsaved  bool   // it couldn't be stored
	failures int    // in a row
	down     time.Time
	insists  int  // how often it has refused the message that waits first
	trusted  int  // connections in a row that weren't closed in turn
	confirms bool // the receiver closes connections in turn

	mu     sync.Mutex
	after  uint64 // up to this sequence all is done with
	counts Status
}

func newReceiver(f *config.Forward, store Store, o Options) *receiver {
	return &receiver{Forward: *f, store: store, options: o, clock: o.Estimates(),
		log: o.Log.WithFields(logrus.Fields{"forward": f.Name, "address": f.Address, "transport": f.Transport})}
}

// begin sets where the receiver begins.
func (r *receiver) begin(after uint64, confirms bool) {
	r.after, r.read, r.stored, r.confirms = after, after, after, confirms
}

// gather is how long the receiver rests between two looks at the store.
const gather = 100 * time.Millisecond

// run sends until the context ends.
func (r *receiver) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.work(ctx); err != nil && ctx.Err() == nil {
			r.fail(err)
			retry.Wait(ctx, retry.Pause(r.failures, r.options.FirstPause, r.options.LongestPause))
		}
	}
	if err := r.settle(); err != nil {
		r.lose()
	}
	r.save()
}

// work sends what there is, and waits for more until something fails or the context ends.
func (r *receiver) work(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastMoment, r.hangUp) })()
	for ctx.Err() == nil {
		changed := r.store.Changed()
		last, err := r.store.Read(ctx, r.read, func(m *message.Message) error {
			r.missTo(m.Sequence - 1)
			return r.take(ctx, m)
		})
		if err == nil {
			r.missTo(last)
			err = r.flush()
		}
		if err != nil {
			return err
		}
		if err := r.rest(ctx, changed); err != nil {
			return err
		}
	}
	return nil
}

// lastMoment is how long a receiver is waited for when the server stops.
const lastMoment = 2 * time.Second

// take sends a message if it concerns the receiver.
func (r *receiver) take(ctx context.Context, m *message.Message) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if r.concerns(m) {
		if err := r.send(ctx, m); err != nil {
			return err
		}
	}
	if r.read = m.Sequence; r.read%noteEach == 0 {
		r.note()
	}
	return nil
}

// noteEach is after how many messages is looked at what is confirmed, at the latest.
const noteEach = 64

func (r *receiver) send(ctx context.Context, m *message.Message) error {
	if r.session != nil && r.session.full() {
		if err := r.settle(); err != nil {
			return err
		}
	}
	if r.session == nil {
		s, err := open(ctx, &r.Forward, r.options)
		if err != nil {
			return err
		}
		r.setSession(s)
	}
	r.line = appendMessage(r.line[:0], m, r.clock(m), r.SDID)
	r.sent = append(r.sent, m.Sequence) // whether it fails or not: it may have been sent all the same
	return r.session.send(r.line)
}

// concerns reports whether the receiver is to get a message.
func (r *receiver) concerns(m *message.Message) bool {
	p := priorityOf(m)
	if uint8(p&7) > r.LeastSeverity || r.Match != nil && !r.Match.Match(m.Raw) {
		return false
	}
	if len(r.Facilities) > 0 && !slices.Contains(r.Facilities, uint8(p>>3)) {
		return false
	}
	return r.Hosts == "" || api.MatchHost(r.Hosts, hostOf(m))
}

func (r *receiver) flush() error {
	if r.session == nil {
		return nil
	}
	return r.session.flush()
}

// rest waits until there is something to do: more to send, or to note.
func (r *receiver) rest(ctx context.Context, changed <-chan struct{}) error {
	for {
		moved, due, unsaved := r.awaited()
		select {
		case <-ctx.Done():
			return nil
		case <-unsaved:
			r.save()
		case <-due:
			return r.settle()
		case <-moved:
			if err := r.heed(); err != nil {
				return err
			}
		case <-changed:
			retry.Wait(ctx, gather)
			return r.heed()
		}
	}
}

// awaited returns what a session is watched by, and what it is time to save by.
func (r *receiver) awaited() (moved <-chan struct{}, due, unsaved <-chan time.Time) {
	if r.after != r.stored {
		unsaved = time.After(time.Until(r.saved.Add(saveEvery)))
	}
	if r.session == nil {
		return nil, nil, unsaved
	}
	if at := r.session.due(); !at.IsZero() {
		due = time.After(time.Until(at))
	}
	return r.session.moved(), due, unsaved
}

// heed notes what a session has come to. One that ends while nothing waits for it has done
// what it was for.
func (r *receiver) heed() error {
	if r.session == nil {
		return nil
	}
	r.note()
	err := r.session.err()
	if err != nil && len(r.sent) == 0 {
		r.drop()
		return nil
	}
	return err
}

// settle waits until the receiver has all that was sent, and ends the session.
func (r *receiver) settle() error {
	if r.session == nil {
		return nil
	}
	err := r.session.finish()
	if errors.Is(err, streamclient.ErrUnconfirmed) && !r.confirms {
		if r.trusted++; r.trusted < unconfirmedAfter {
			return err
		}
		if r.trusted == unconfirmedAfter {
			r.log.Warn("the receiver doesn't close connections in turn: what it hasn't read when it goes away is lost, and can't be known")
		}
	} else if err != nil {
		return err
	} else if !r.session.acknowledges() {
		r.confirms, r.trusted = true, 0
	}
	r.done(uint64(len(r.sent)))
	r.drop()
	r.note()
	return nil
}

// unconfirmedAfter is after how many connections that weren't closed in turn a receiver
// is taken for one that never does. One that once did is expected to.
const unconfirmedAfter = 3

// note takes notice of what the session has confirmed, and stores it now and then.
func (r *receiver) note() {
	if r.session != nil {
		r.done(r.session.confirmed() - r.counted)
	}
	r.pass()
	if time.Since(r.saved) >= saveEvery {
		r.save()
	}
}

// done notes that the receiver has the first n messages of those that were sent.
func (r *receiver) done(n uint64) {
	if n == 0 {
		return
	}
	r.counted += n
	r.sent = r.sent[n:]
	r.mu.Lock()
	r.counts.Delivered += n
	r.mu.Unlock()
	r.recover()
}

// pass goes on behind what is done with.
func (r *receiver) pass() {
	after := r.read
	if len(r.sent) > 0 {
		after = r.sent[0] - 1
	}
	r.mu.Lock()
	r.after = max(r.after, after)
	r.mu.Unlock()
}

// saveEvery is how often is stored how far the receiver has got: what comes again after
// the process was killed.
const saveEvery = 200 * time.Millisecond

// save stores how far the receiver has got. What couldn't be stored goes with the next: at
// worst messages are sent twice.
func (r *receiver) save() {
	r.saved = time.Now()
	if r.after == r.stored {
		return
	}
	err := r.store.PutForwards([]storage.State{{Key: r.Name, Blob: r.cursor()}})
	if err == nil {
		r.stored = r.after
	} else if !r.unsaved {
		r.log.WithError(err).Error("can't store which messages were forwarded: they may be sent again after a restart")
	}
	r.unsaved = err != nil
}

// cursor returns what is stored of the receiver.
func (r *receiver) cursor() []byte {
	b, err := json.Marshal(cursor{r.after, r.confirms})
	if err != nil {
		panic("forward: " + err.Error()) // numbers can be coded
	}
	return b
}

// missTo goes on behind messages, up to a sequence, that can't be read any more.
func (r *receiver) missTo(last uint64) {
	if last <= r.read {
		return
	}
	if from := max(r.read, r.missed); last > from { // else it was told, and is read again
		r.missed = last
		r.log.WithFields(logrus.Fields{"from": from + 1, "to": last, "messages": last - from}).
			Error("messages were removed by retention or archiving, or damaged, before they could be forwarded")
		r.mu.Lock()
		r.counts.Missed += last - from
		r.mu.Unlock()
	}
	r.read = last
	r.pass()
}

// recover notes that the receiver is there.
func (r *receiver) recover() {
	if r.failures > 0 {
		r.log.WithFields(logrus.Fields{"failed_attempts": r.failures, "waiting": r.waiting(), "after": time.Since(r.down).Round(time.Millisecond)}).
			Info("messages are forwarded again")
	}
	r.failures, r.insists = 0, 0
	r.mu.Lock()
	r.counts.LastError = ""
	r.mu.Unlock()
}

// fail notes an attempt that failed, and begins anew behind what is done with. It is told
// once for each time that the receiver is away.
func (r *receiver) fail(err error) {
	if r.failures == 0 {
		r.down = time.Now()
	}
	r.note()
	refused := r.refusal(err)
	r.lose()
	r.mu.Lock()
	r.counts.Failed++
	r.counts.LastError = err.Error()
	r.mu.Unlock()
	if r.failures++; r.failures == 1 {
		r.log.WithError(err).WithField("waiting", r.waiting()).Warn("messages can't be forwarded: they wait in the store, and it is tried again")
	}
	if refused != 0 {
		r.giveUp(refused, err)
	}
	r.save()
}

// refusal returns the sequence of the message that the receiver has refused, if that waits
// first, else 0.
func (r *receiver) refusal(err error) uint64 {
	var no *relpclient.RefusedError
	if errors.As(err, &no) && no.Index == r.counted && len(r.sent) > 0 {
		return r.sent[0]
	}
	return 0
}

// refusedAfter is how often a receiver must refuse a message that waits first.
const refusedAfter = 5

// giveUp goes on behind a message that would hold up all others for ever.
func (r *receiver) giveUp(sequence uint64, err error) {
	if r.insists++; r.insists < refusedAfter {
		return
	}
	r.insists = 0
	r.log.WithError(err).WithField("message", sequence).Error("message given up: the receiver refuses it")
	r.mu.Lock()
	r.counts.Refused++
	r.mu.Unlock()
	r.read = sequence
	r.pass()
}

// lose gives up the session. What it hasn't confirmed will be sent again.
func (r *receiver) lose() {
	r.note()
	r.drop()
	r.read = r.after
}

func (r *receiver) drop() {
	if r.session != nil {
		r.session.close()
	}
	r.setSession(nil)
	r.sent, r.counted = nil, 0
}

// setSession is the only place where session is written: hangUp reads it from elsewhere.
func (r *receiver) setSession(s session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.session = s
}

// hangUp ends a session that the receiver holds up.
func (r *receiver) hangUp() {
	r.mu.Lock()
	s := r.session
	r.mu.Unlock()
	if s != nil {
		s.abort()
	}
}

func (r *receiver) waiting() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.store.Last() - min(r.after, r.store.Last())
}

func (r *receiver) status() Status {
	r.mu.Lock()
	s := r.counts
	r.mu.Unlock()
	s.Name, s.Waiting = r.Name, r.waiting()
	return s
}
