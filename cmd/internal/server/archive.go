package server

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/rules"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/notify"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage"
)

// An archive is the messages on disk and the fleet of clocks that follows from them,
// kept in step: every message of the store is evidence in the fleet, and a checkpoint
// says up to which one.
type archive struct {
	cfg      *config.Config
	log      logrus.FieldLogger
	now      func() time.Time
	store    *storage.Store
	stopping chan struct{} // closed when nothing shall wait any longer for a store that fails

	stored chime // rings for messages
	told   chime // rings for events

	outputs *notify.Notifier // nil where nothing is judged anew
	watch   *watch           // likewise

	order sync.Mutex // numbering and observing a batch are one step; held while the disk is slow

	look func() // notices steps of our own clock, before a batch is placed

	hours sync.RWMutex // stored roll-ups are read an hour at a time: none is merged meanwhile

	mu        sync.Mutex // guards what follows; never held while waiting for the disk
	scale     timescale  // the fleet's time
	fleet     *analysis.Fleet
	mutes     *analysis.Mutes
	observed  uint64 // the newest message that the fleet includes
	found     []analysis.Finding
	said      []analysis.Finding // of hosts' clocks, by themselves: no reason for a checkpoint
	samples   []storage.ReferenceSample
	unwritten *checkpoint // on its way to the disk

	orders, ordersKept uint64 // about mutes: so many were carried out, and so many of these are on disk
}

// newArchive returns the archive of a store. Its fleet is empty until restore.
func newArchive(store *storage.Store, cfg *config.Config, log logrus.FieldLogger) *archive {
	a := &archive{cfg: cfg, log: log, now: time.Now, store: store, look: func() {}, stopping: make(chan struct{})}
	fleet := a.recalling(FleetConfig(cfg))
	fleet.Untold = func(key, host string, v analysis.Verdict) bool { return a.mutes.Untold(key, host, v) }
	fleet.Reaches = notify.Reaches(cfg.Notify)
	a.fleet = analysis.NewFleet(fleet)
	a.mutes = analysis.NewMutes(api.MatchHost, a.fleet.Present)
	return a
}

// FleetConfig returns what a configuration says of the judging of clocks.
func FleetConfig(cfg *config.Config) analysis.Config {
	return analysis.Config{
		Params: analysis.DefaultParams(), Rule: hostRules(cfg), Roster: roster(cfg), Hold: cfg.WarnHold,
		MaxOriginators: cfg.Limits.Hosts, MaxPerPeer: cfg.Limits.PerPeer(),
	}
}

// restoreAtOnce is how many states are decoded at once.
const restoreAtOnce = 4096

// restore brings the fleet up to the newest message of the store: the last checkpoint, and
// the messages since. What is damaged is told and left out: a lost state
// begins anew, and lost messages are no evidence.
func (a *archive) restore() error {
	at, last, err := a.lastStatus()
	if err != nil {
		return fmt.Errorf("read the history of our own clock: %w", err)
	}
	a.scale.begin(last, at, a.now())
	var states []analysis.Blob
	restore := func() {
		a.fleet.Restore(states, func(err error) {
			a.log.WithError(err).Error("a host's state can't be read: its estimate begins anew")
		})
		states = states[:0]
	}
	mutes := mutesReader{archive: a}
	sequence, err := a.store.States(func(key string, blob []byte) error {
		if analysis.OfMutes(key) {
			mutes.restore(key, blob)
			return nil
		}
		if strings.HasPrefix(key, rules.StatePrefix) {
			a.remember(key, blob)
			return nil
		}
		if states = append(states, analysis.Blob{Key: key, Blob: blob}); len(states) == restoreAtOnce {
			restore()
		}
		return nil
	})
	restore()
	if err := a.tolerate(err); err != nil {
		return fmt.Errorf("read the last checkpoint: %w", err)
	}
	if err := mutes.end(); err != nil {
		return fmt.Errorf("read the warnings that are open: %w", err)
	}
	err = a.store.Messages(context.Background(), storage.Query{After: sequence}, func(m *message.Message) error {
		restoreFields(m)
		a.scale.put(m, false) // a crash right after a step may have lost that
		a.fleet.Observe(m)
		a.replay(m)
		return nil
	})
	if err := a.tolerate(err); err != nil {
		return fmt.Errorf("replay messages since the last checkpoint: %w", err)
	}
	a.observed = a.store.Last()
	return nil
}

// tolerate logs damage and passes every other error on.
func (a *archive) tolerate(err error) error {
	var damage *storage.DamageError
	if errors.As(err, &damage) {
		a.log.WithError(damage).Error("stored data is damaged")
		return nil
	}
	return err
}

// retryAfter is how long a batch waits before the store is asked again.
const retryAfter = 100 * time.Millisecond

// Put stores a batch and takes it as evidence. While the store can't write, it
// blocks, so that streams push back on their senders; the store says so in the log.
// It gives up when the store is closed, or fails while the server stops.
func (a *archive) Put(batch []message.Message) error {
	meanings := a.watch.listen(batch)
	a.order.Lock()
	defer a.order.Unlock()
	for {
		err := a.store.Append(batch)
		if err == nil {
			break
		}
		if errors.Is(err, storage.ErrClosed) {
			return err
		}
		select {
		case <-a.stopping:
			return err
		case <-time.After(retryAfter):
		}
	}
	a.observe(batch, meanings)
	a.stored.ring()
	return nil
}

// Sync waits until all that was put before is on disk. While the store can't write it waits
// on, as Put does, and gives up when the context ends or the server stops.
func (a *archive) Sync(ctx context.Context) error {
	for {
		err := a.store.Sync(ctx)
		if err == nil || errors.Is(err, storage.ErrClosed) || ctx.Err() != nil {
			return err
		}
		select {
		case <-a.stopping:
			return err
		case <-time.After(retryAfter):
		}
	}
}

func (a *archive) observe(batch []message.Message, meanings []meaning) {
	a.look()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.place(batch)
	a.tally(batch, meanings)
	a.observed = a.store.Last()
}

// hostRules returns what is configured for each host.
func hostRules(cfg *config.Config) func(string, netip.Addr) analysis.HostRule {
	return func(host string, peer netip.Addr) analysis.HostRule {
		own := cfg.HostFor(host, peer)
		rule := analysis.HostRule{
			Tolerance: analysis.Tolerance{Warn: cfg.Tolerance, Crit: cfg.Critical},
			Zone:      cfg.AssumeZone.Location(),
			Relay:     own.Relay, Expected: own.Expected, ExpectPeer: own.OfPeer,
		}
		if own.Tolerance > 0 {
			rule.Tolerance = analysis.Tolerance{Warn: own.Tolerance, Crit: max(own.Tolerance, cfg.Critical)}
		}
		if !own.Zone.IsZero() {
			rule.Zone = own.Zone.Location()
		}
		return rule
	}
}

// roster returns the hosts that are expected by name or address.
func roster(cfg *config.Config) []analysis.Named {
	var named []analysis.Named
	for _, m := range cfg.Roster() {
		named = append(named, analysis.Named{Host: m.Name, Peer: m.Peer})
	}
	return named
}
