package server

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/storage"
)

// The keeper's intervals.
const (
	reviewEvery     = time.Second      // the fleet is judged, and what was found is written
	checkpointEvery = time.Minute      // its state is written, if nothing was found
	checkpointLeast = 10 * time.Second // the same, if there is much to replay
	sampleEvery     = time.Minute      // our own clock's history, if its state doesn't change
)

// muchToReplay is after how many messages a checkpoint isn't put off any longer. A start
// takes a few tenths of a second for so many; a state written for each message of a quiet
// host would cost more than all the rest.
const muchToReplay = 200_000

// A keeper judges the fleet once a second, and keeps its state and our own clock's
// history in the store.
type keeper struct {
	*archive
	monitor *ntpcheck.Monitor

	judging sync.Mutex // one judgement at a time, so that findings keep their order
	sampled time.Time
	state   ntpcheck.State // as last sampled

	// The running goroutine's own.
	written time.Time // the last checkpoint
	upTo    uint64    // the newest message that it includes
	failing bool      // it could not be written

	turnstile turnstile // likewise
}

// run judges and writes until the context ends, and once more then.
func (k *keeper) run(ctx context.Context) error {
	t := time.NewTicker(reviewEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			k.sampleAnew()
			k.review()
			return k.checkpoint()
		case <-t.C:
			k.judge((*analysis.Fleet).Tick)
			k.turnstile.watch(k.archive)
			k.keep()
		}
	}
}

// review brings every estimate up to its newest message.
func (k *keeper) review() { k.judge((*analysis.Fleet).Refresh) }

// judge has the fleet judge its clocks, and tells what came of it.
func (k *keeper) judge(how func(*analysis.Fleet, int64, analysis.Reference) []analysis.Finding) {
	k.judging.Lock()
	defer k.judging.Unlock()
	now, status := k.now(), k.monitor.Status()
	k.sample(now, status)
	k.mu.Lock()
	found := how(k.fleet, now.UnixNano(), referenceOf(status.Reference))
	k.found = append(k.found, found...)
	k.mu.Unlock()
	for i := range found {
		k.tell(&found[i])
	}
}

// keep writes a checkpoint if it is time to.
func (k *keeper) keep() {
	k.mu.Lock()
	found, observed := len(k.found) > 0, k.observed
	k.mu.Unlock()
	now := k.now()
	every := checkpointEvery
	if observed-k.upTo >= muchToReplay {
		every = checkpointLeast
	}
	if !found && now.Sub(k.written) < every {
		return
	}
	err := k.checkpoint()
	switch {
	case err != nil && !k.failing:
		k.log.WithError(err).Error("can't write a checkpoint: it is tried again each second")
	case err == nil && k.failing:
		k.log.Info("checkpoints can be written again")
	}
	if k.failing = err != nil; !k.failing {
		k.written, k.upTo = now, observed
	}
}

// sampleAnew has the next judgement noted whatever it is.
func (k *keeper) sampleAnew() {
	k.judging.Lock()
	defer k.judging.Unlock()
	k.sampled = time.Time{}
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
	k.mu.Lock()
	defer k.mu.Unlock()
	k.samples = append(k.samples, storage.ReferenceSample{At: now.UnixNano(), Blob: blob})
}

// tell logs a finding.
func (k *keeper) tell(f *analysis.Finding) {
	log := k.log.WithFields(logrus.Fields{"host": f.Host, "source": f.Source})
	switch e, isEvent := api.EventOf(f); {
	case isEvent && e.Event == analysis.Clear.String():
		log.WithFields(logrus.Fields{"event": e.Event, "previous": e.Previous}).Info(e.Text)
	case isEvent:
		log.WithFields(logrus.Fields{"event": e.Event, "severity": e.Severity, "verdict": e.Verdict}).Warn(e.Text)
	case f.Step != nil:
		log.WithField("seconds", f.Step.Seconds).Info("clock was set")
	case f.Backlog != nil:
		log.WithField("messages", f.Backlog.Messages).Info("a queue was flushed")
	}
}
