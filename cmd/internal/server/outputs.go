package server

import (
	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/metrics"
	"github.com/skewatch/skewatch/cmd/internal/notify"
	"github.com/skewatch/skewatch/storage"
)

// openOutputs makes what sends warnings to others, from where it was before.
func (s *Server) openOutputs() (err error) {
	s.outputs, err = notify.New(s.cfg.Notify, eventStore{s.archive, s.store}, notify.Options{Log: s.log, URL: s.baseURL})
	return err
}

// Outputs returns how each output of notifications is doing.
func (s *Server) Outputs() []notify.Status { return s.outputs.Status() }

func (s *Server) outputSamples() []metrics.Output {
	var all []metrics.Output
	for _, o := range s.outputs.Status() {
		all = append(all, metrics.Output{Name: o.Output, Delivered: o.Delivered, Failed: o.Failed, Refused: o.Refused, Waiting: uint64(o.Waiting)})
	}
	return all
}

// notify hands the events among new findings to the outputs, with the IDs that the store
// has given them.
func (a *archive) notify(found []analysis.Finding, stored []storage.Finding) {
	if a.outputs == nil {
		return
	}
	var events []api.Event
	for i := range found {
		if e, isEvent := api.EventOf(&found[i]); isEvent {
			e.ID = stored[i].ID
			events = append(events, e)
		}
	}
	if len(events) > 0 {
		a.outputs.Tell(events)
	}
}

// An eventStore gives the outputs what they need of the store. What is damaged there is
// told in the log and can't be sent.
type eventStore struct {
	archive *archive
	*storage.Store
}

func (s eventStore) EventsAfter(id uint64, fn func(api.Event) error) error {
	return s.archive.findingsAfter(id, func(id uint64, f *analysis.Finding) error {
		e, isEvent := api.EventOf(f)
		if !isEvent {
			return nil
		}
		e.ID = id
		return fn(e)
	})
}

// findingsAfter calls fn with the findings that have a greater ID. What is damaged is told in
// the log.
func (a *archive) findingsAfter(id uint64, fn func(id uint64, f *analysis.Finding) error) error {
	return a.tolerate(a.store.FindingsAfter(id, func(stored storage.Finding) error {
		f, err := findingIn(&stored)
		if err != nil {
			a.log.WithError(err).WithField("id", stored.ID).Error("a stored finding can't be read: it can't be sent")
			return nil
		}
		return fn(stored.ID, f)
	}))
}

func (s eventStore) LastEvent() (uint64, error) {
	id, err := s.LastFinding()
	return id, s.archive.tolerate(err)
}

func (s eventStore) Outbox(fn func(key string, blob []byte) error) error {
	return s.archive.tolerate(s.Store.Outbox(fn))
}
