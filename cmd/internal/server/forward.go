package server

import (
	"context"
	"errors"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/forward"
	"github.com/skewatch/skewatch/cmd/internal/metrics"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage"
)

// openForwards makes what sends messages on, from where it was before.
func (s *Server) openForwards() (err error) {
	estimates := func() func(*message.Message) api.Estimate {
		e, _ := s.newEstimator() // only that of files can fail
		return e.of
	}
	s.forwards, err = forward.New(s.cfg.Forward, messageStore{s.archive, s.store}, forward.Options{Log: s.log, Estimates: estimates})
	return err
}

func (s *Server) forwardSamples() []metrics.Forward {
	var all []metrics.Forward
	for _, r := range s.forwards.Status() {
		all = append(all, metrics.Forward{Name: r.Name, Delivered: r.Delivered, Waiting: r.Waiting, Failed: r.Failed, Missed: r.Missed, Refused: r.Refused})
	}
	return all
}

// A messageStore gives what forwards messages that which it needs of the store. What is
// damaged there is told in the log and can't be sent.
type messageStore struct {
	archive *archive
	*storage.Store
}

var errEnough = errors.New("nothing more is asked for")

// Read waits until all that is stored is on disk: nothing may leave that a power cut could
// give another number to.
func (s messageStore) Read(ctx context.Context, after uint64, fn func(*message.Message) error) (last uint64, err error) {
	last = s.Last()
	if last <= after {
		return last, nil
	}
	if err := s.archive.Sync(ctx); err != nil {
		return 0, err
	}
	err = s.archive.tolerate(s.Messages(ctx, storage.Query{After: after}, func(m *message.Message) error {
		if m.Sequence > last {
			return errEnough
		}
		restoreFields(m)
		return fn(m)
	}))
	if errors.Is(err, errEnough) {
		err = nil
	}
	return last, err
}

func (s messageStore) Changed() <-chan struct{} { return s.archive.stored.wait() }

func (s messageStore) Forwards(fn func(name string, blob []byte) error) error {
	return s.archive.tolerate(s.Store.Forwards(fn))
}
