package server

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
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
	own     ownClock
	began   time.Time // when the server was started

	resample atomic.Bool // our own clock's state is to be noted whatever it is
	judging  sync.Mutex  // one judgement at a time, so that findings keep their order
	heeded   uint64      // the newest notice of the monitor that is kept; guarded by judging
	sampled  time.Time
	state    ntpcheck.State // as last sampled

	// The running goroutine's own.
	written time.Time // the last checkpoint
	upTo    uint64    // the newest message that it includes
	failing bool      // it could not be written

	turnstile turnstile // likewise

	urgent chan struct{} // somebody waits until what was found is on disk
}

// run judges and writes until the context ends, and once more then.
func (k *keeper) run(ctx context.Context) error {
	t := time.NewTicker(reviewEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			k.settle(k.monitor.Status().Reference, true)
			k.resample.Store(true)
			k.review()
			return k.checkpoint()
		case <-k.urgent:
			k.keep()
		case <-t.C:
			k.judge((*analysis.Fleet).Tick)
			k.turnstile.watch(k.archive)
			k.watch.complain(k.archive)
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
	k.look()
	k.heed()
	status := k.monitor.Status()
	k.settle(status.Reference, false)
	k.sample(status)
	k.mu.Lock()
	now := k.scale.fleet(k.now()).UnixNano()
	found := how(k.fleet, now, k.scale.reference(status.Reference, now))
	found = k.mutes.Heed(found, time.Unix(0, now).UTC(), k.scale.open != nil || !k.knowsTime(status.Reference))
	found = append(found, k.watch.engine.Tick(now)...)
	k.found = append(k.found, found...)
	k.mu.Unlock()
	for i := range found {
		k.tell(&found[i])
	}
}

// keep writes a checkpoint if it is time to.
func (k *keeper) keep() {
	k.mu.Lock()
	found, observed := len(k.found) > 0 || k.unwritten != nil, k.observed
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

// sample notes our own clock's state when it has changed, and each minute.
func (k *keeper) sample(status ntpcheck.Status) {
	at := k.fleetNow()
	if anew := k.resample.Swap(false); !anew && status.Reference.State == k.state && at.Sub(k.sampled) < sampleEvery {
		return
	}
	k.state, k.sampled = status.Reference.State, at
	k.note(status)
}

// note enters our own clock's state in its history.
func (k *keeper) note(status ntpcheck.Status) {
	k.mu.Lock()
	defer k.mu.Unlock()
	blob, err := json.Marshal(ownSample{status, k.scale.clocks[message.StampedByUser].shift})
	if err != nil {
		k.log.WithError(err).Error("can't note the reference's state")
		return
	}
	k.samples = append(k.samples, storage.ReferenceSample{At: k.scale.fleet(k.now()).UnixNano(), Blob: blob})
}

// fleetNow returns the fleet's time.
func (k *keeper) fleetNow() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.scale.fleet(k.now())
}

// tell logs a finding.
func (k *keeper) tell(f *analysis.Finding) {
	if f.Collector != nil {
		return // told when it happened
	}
	if f.Mute != nil {
		k.tellMute(f.Mute)
		return
	}
	log := k.log.WithFields(logrus.Fields{"host": f.Host, "source": f.Source})
	if f.Rule != nil {
		log = log.WithFields(logrus.Fields{"rule": f.Rule.Rule, "subject": f.Rule.Subject})
	}
	e, isEvent := api.EventOf(f)
	if e.Muted != "" {
		log = log.WithField("muted", e.Muted)
	}
	switch {
	case isEvent && e.Event == analysis.Clear.String():
		log.WithFields(logrus.Fields{"event": e.Event, "previous": e.Previous}).Info(e.Text)
	case isEvent:
		log.WithFields(logrus.Fields{"event": e.Event, "severity": e.Severity, "verdict": e.Verdict}).Warn(e.Text)
	case f.Step != nil:
		log.WithFields(logrus.Fields{"seconds": f.Step.Seconds, "said": f.Step.Said}).Info("clock was set")
	case f.Backlog != nil:
		log.WithField("messages", f.Backlog.Messages).Info("a queue was flushed")
	}
}
