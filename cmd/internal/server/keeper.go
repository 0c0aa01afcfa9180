package server

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/storage"
)

// The keeper's intervals.
const (
	reviewEvery     = time.Second      // the fleet is judged
	checkpointEvery = 10 * time.Second // and its state written, if no event has it written sooner
	sampleEvery     = time.Minute      // our own clock's history, if its state doesn't change
)

// A keeper judges the fleet once a second, and keeps its state and our own clock's
// history in the store.
type keeper struct {
	*archive
	monitor *ntpcheck.Monitor

	writing sync.Mutex // one checkpoint at a time, so that events keep their order
	written time.Time
	found   []analysis.Finding        // not written yet
	samples []storage.ReferenceSample // not written yet
	sampled time.Time
	state   ntpcheck.State // as last sampled

	bell chime
}

func newKeeper(a *archive, m *ntpcheck.Monitor) *keeper {
	return &keeper{archive: a, monitor: m, bell: chime{c: make(chan struct{})}}
}

// Put stores a batch, takes it as evidence, and wakes those who follow.
func (k *keeper) Put(batch []message.Message) error {
	err := k.archive.Put(batch)
	k.bell.ring()
	return err
}

// changed returns a channel that is closed at the next batch or event.
func (k *keeper) changed() <-chan struct{} { return k.bell.wait() }

func (k *keeper) run(ctx context.Context) {
	t := time.NewTicker(reviewEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			k.judge((*analysis.Fleet).Tick)
		}
	}
}

// review brings every estimate up to its newest message.
func (k *keeper) review() { k.judge((*analysis.Fleet).Refresh) }

// judge has the fleet judge its clocks, and tells and writes what came of it.
func (k *keeper) judge(how func(*analysis.Fleet, int64, analysis.Reference) []analysis.Finding) {
	k.writing.Lock()
	defer k.writing.Unlock()
	now, status := time.Now(), k.monitor.Status()
	k.mu.Lock()
	found := how(k.fleet, now.UnixNano(), referenceOf(status.Reference))
	k.mu.Unlock()
	k.sample(now, status)
	for i := range found {
		k.tell(&found[i])
	}
	k.found = append(k.found, found...)
	if len(k.found) == 0 && now.Sub(k.written) < checkpointEvery {
		return
	}
	if err := k.write(now); err != nil {
		k.log.WithError(err).Error("can't write a checkpoint: it is tried again")
	}
}

// write writes a checkpoint. The caller holds writing.
func (k *keeper) write(now time.Time) error {
	if err := k.checkpoint(now.UnixNano(), k.found, k.samples); err != nil {
		return err
	}
	k.found, k.samples, k.written = nil, nil, now
	k.bell.ring()
	return nil
}

// flush judges and writes once more, at the end.
func (k *keeper) flush() error {
	k.review()
	k.writing.Lock()
	defer k.writing.Unlock()
	return k.write(time.Now())
}

// sample notes our own clock's state when it has changed, and each minute.
func (k *keeper) sample(now time.Time, status ntpcheck.Status) {
	if status.Reference.State == k.state && now.Sub(k.sampled) < sampleEvery {
		return
	}
	blob, err := json.Marshal(status)
	if err != nil {
		k.log.WithError(err).Error("can't note the reference's state")
		return
	}
	k.state, k.sampled = status.Reference.State, now
	k.samples = append(k.samples, storage.ReferenceSample{At: now.UnixNano(), Blob: blob})
}

// tell logs a finding.
func (k *keeper) tell(f *analysis.Finding) {
	log := k.log.WithFields(logrus.Fields{"host": f.Host, "source": f.Source})
	switch e, isEvent := api.EventOf(f); {
	case isEvent && e.Event == "clear":
		log.WithFields(logrus.Fields{"event": e.Event, "previous": e.Previous}).Info(e.Text)
	case isEvent:
		log.WithFields(logrus.Fields{"event": e.Event, "severity": e.Severity, "verdict": e.Verdict}).Warn(e.Text)
	case f.Step != nil:
		log.WithField("seconds", f.Step.Seconds).Info("clock was set")
	case f.Backlog != nil:
		log.WithField("messages", f.Backlog.Messages).Info("a queue was flushed")
	}
}

// A chime wakes all who wait for the next change.
type chime struct {
	mu sync.Mutex
	c  chan struct{}
}

func (c *chime) wait() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.c
}

func (c *chime) ring() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.c)
	c.c = make(chan struct{})
}
