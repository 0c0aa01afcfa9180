package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage"
)

// An archive is the messages on disk and the fleet of clocks that follows from them,
// kept in step: every message of the store is evidence in the fleet, and a checkpoint
// says up to which one.
type archive struct {
	cfg   *config.Config
	log   logrus.FieldLogger
	store *storage.Store

	order sync.Mutex // numbering and observing a batch are one step; held while the disk is slow
	mu    sync.Mutex // guards fleet; never held while waiting for the disk
	fleet *analysis.Fleet
}

// openArchive opens the data directory and brings the fleet up to the newest
// message: the last checkpoint, and the messages since.
func openArchive(cfg *config.Config, log logrus.FieldLogger, readOnly bool) (*archive, error) {
	store, err := storage.Open(cfg.Data, storage.Options{ReadOnly: readOnly, Log: log})
	if err != nil {
		return nil, err
	}
	a := &archive{cfg: cfg, log: log, store: store, fleet: analysis.NewFleet(fleetConfig(cfg))}
	if err := a.restore(); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return a, nil
}

func fleetConfig(cfg *config.Config) analysis.Config {
	return analysis.Config{Params: analysis.DefaultParams(), Rule: rules(cfg), Hold: cfg.WarnHold}
}

// restore puts the fleet back. What is damaged is told and left out: a lost state
// begins anew, and lost messages are no evidence.
func (a *archive) restore() error {
	states := 0
	sequence, err := a.store.States(func(key string, blob []byte) error {
		states++
		if err := a.fleet.Restore(analysis.Blob{Key: key, Blob: blob}); err != nil {
			a.log.WithError(err).Error("a host's state can't be read: its estimate begins anew")
		}
		return nil
	})
	if err := a.tolerate(err); err != nil {
		return fmt.Errorf("read the last checkpoint: %w", err)
	}
	replayed := 0
	err = a.store.Messages(context.Background(), storage.Query{After: sequence}, func(m *message.Message) error {
		replayed++
		a.fleet.Observe(m)
		return nil
	})
	if err := a.tolerate(err); err != nil {
		return fmt.Errorf("replay messages since the last checkpoint: %w", err)
	}
	if states > 0 || replayed > 0 {
		a.log.WithFields(logrus.Fields{"hosts": states, "replayed": replayed}).Info("state restored")
	}
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
func (a *archive) Put(batch []message.Message) error {
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
		time.Sleep(retryAfter)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range batch {
		a.fleet.Observe(&batch[i])
	}
	return nil
}

// checkpoint writes what has changed in the fleet, and the findings and samples
// given, in one transaction.
func (a *archive) checkpoint(now int64, found []analysis.Finding, samples []storage.ReferenceSample) error {
	c := storage.Changes{Reference: samples}
	a.order.Lock()
	a.mu.Lock()
	c.Sequence = a.store.Last()
	snapshot := a.fleet.Snapshot()
	a.mu.Unlock()
	a.order.Unlock()

	for _, b := range snapshot.Originators {
		c.States = append(c.States, storage.State(b))
	}
	for _, r := range snapshot.RollUps {
		blob, err := r.RollUp.AppendBinary(nil)
		if err != nil {
			return err
		}
		c.RollUps = append(c.RollUps, storage.RollUp{Start: r.RollUp.Start, Key: r.Key, Blob: blob})
	}
	for _, f := range found {
		blob, err := json.Marshal(f)
		if err != nil {
			return err
		}
		c.Findings = append(c.Findings, storage.Finding{At: now, Blob: blob})
	}
	return a.store.Checkpoint(c)
}

// rules returns what is configured for each host.
func rules(cfg *config.Config) func(string, netip.Addr) analysis.HostRule {
	return func(host string, peer netip.Addr) analysis.HostRule {
		rule := analysis.HostRule{
			Tolerance: analysis.Tolerance{Warn: cfg.Tolerance, Crit: cfg.Critical},
			Zone:      cfg.AssumeZone.Location(),
		}
		own := cfg.HostFor(host, peer)
		if own.Tolerance > 0 {
			rule.Tolerance = analysis.Tolerance{Warn: own.Tolerance, Crit: max(own.Tolerance, cfg.Critical)}
		}
		if !own.Zone.IsZero() {
			rule.Zone = own.Zone.Location()
		}
		return rule
	}
}
