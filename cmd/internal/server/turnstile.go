package server

import (
	"crypto/rand"
	"errors"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/storage"
)

// recalling makes a fleet's configuration that of one whose originators are parked in the
// store while they have no place in the table.
func (a *archive) recalling(c analysis.Config) analysis.Config {
	c.Recall, c.Hears = a.recall, true
	rand.Read(c.Seed[:]) // never fails
	return c
}

// recall returns a parked originator's state. It doesn't wait for the disk, since the
// caller holds mu. One that is damaged begins anew.
func (a *archive) recall(key string) (blob []byte, ok bool) {
	blob, err := a.store.State(key)
	if errors.Is(err, storage.ErrBusy) {
		return nil, false
	}
	if err != nil {
		a.log.WithError(err).WithField("key", key).Error("a host's state can't be read: its estimate begins anew")
	}
	return blob, true
}

// A turnstile watches how many messages are turned away.
type turnstile struct {
	told   analysis.TurnedAway // by the last warning
	warned time.Time           // when that was
}

// turnedAwayEvery is how far two warnings of it are apart at least.
const turnedAwayEvery = time.Minute

// watch warns when messages are stored that can't be judged.
func (t *turnstile) watch(a *archive) {
	a.mu.Lock()
	away, hosts := a.fleet.TurnedAway(), a.fleet.Originators()
	a.mu.Unlock()
	now := a.now()
	if away == t.told || now.Sub(t.warned) < turnedAwayEvery {
		return
	}
	a.log.WithFields(logrus.Fields{
		"messages": away.Total() - t.told.Total(), "probation": away.Probation - t.told.Probation,
		"over_quota": away.Quota - t.told.Quota, "table_full": away.Full - t.told.Full, "unread": away.Unread - t.told.Unread,
		"hosts": hosts, "max_hosts": a.cfg.Limits.Hosts,
	}).Warn("messages of new hosts are stored but not judged yet: too many new names come at once")
	t.told, t.warned = away, now
}

// admissionFields returns how the table of originators was kept within its bounds, for the log.
func admissionFields(a analysis.Admission) logrus.Fields {
	return logrus.Fields{
		"hosts": a.Originators, "not_judged": a.TurnedAway.Total(), "on_probation": a.OnProbation,
		"evicted": a.Evicted, "recalled": a.Recalled, "parked": a.Parked, "damaged": a.Damaged,
	}
}
