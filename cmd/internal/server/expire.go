package server

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/storage"
)

// expireEvery is how often what is too old, or too much, is removed.
const expireEvery = time.Minute

// expiring removes it now and then until the context ends.
func (k *keeper) expiring(ctx context.Context) {
	if k.cfg.Retention.Age == 0 && k.cfg.Retention.Bytes == 0 {
		return
	}
	t := time.NewTicker(expireEvery)
	defer t.Stop()
	for failing := false; ; {
		err := k.expire(k.monitor.Status().Reference)
		if err != nil && !failing && !errors.Is(err, storage.ErrClosed) {
			k.log.WithError(err).Error("can't remove what is older than its retention: it is tried again each minute")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// expire removes what the configuration says. How old a message is only a clock tells that
// is known to be right: one that is set a year ahead by mistake would have everything
// removed.
func (k *keeper) expire(ref ntpcheck.ReferenceStatus) error {
	keep := storage.Retention{Bytes: k.cfg.Retention.Bytes}
	if k.cfg.Retention.Age > 0 && (ref.Trusted || ref.State == ntpcheck.Synchronised) {
		keep.Since = k.now().Add(-k.cfg.Retention.Age).UnixNano()
	}
	removed, err := k.store.Expire(keep)
	for _, r := range removed {
		k.log.WithFields(logrus.Fields{"file": r.File, "from": r.First, "to": r.Last, "bytes": r.Bytes}).Info("messages removed at the end of their retention")
	}
	if err != nil || keep.Since == 0 {
		return err
	}
	return k.store.ForgetBefore(analysis.HourOf(keep.Since))
}
