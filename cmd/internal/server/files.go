package server

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/storage"
)

// Files answers from the data directory of a server that doesn't run, as that
// server would have answered when it stopped. It changes nothing there.
type Files struct{ *desk }

var _ api.Desk = Files{}

// OpenFiles opens a data directory for reading. It fails with storage.ErrInUse
// while a server runs on it.
func OpenFiles(cfg *config.Config, log logrus.FieldLogger) (Files, error) {
	a, err := openArchive(cfg, log, true)
	if err != nil {
		return Files{}, err
	}
	d := &desk{archive: a, now: time.Now, changed: func() <-chan struct{} { return nil }, status: a.lastStatus}
	d.refresh = d.review
	return Files{d}, nil
}

// Close closes the files.
func (f Files) Close() error { return f.store.Close() }

// review judges by the reference as it last stood.
func (d *desk) review() {
	var ref analysis.Reference
	if s, err := d.status(); err == nil {
		ref = referenceOf(s.Reference)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fleet.Refresh(d.now().UnixNano(), ref)
}

// errNoHistory is returned for a data directory in which no server has judged yet.
var errNoHistory = errors.New("the files tell nothing of the collector's own clock")

// lastStatus returns the newest entry of our own clock's history.
func (a *archive) lastStatus() (ntpcheck.Status, error) {
	var last []byte
	err := a.store.ReferenceHistory(0, 0, func(s storage.ReferenceSample) error {
		last = append(last[:0], s.Blob...)
		return nil
	})
	if err := a.tolerate(err); err != nil {
		return ntpcheck.Status{}, err
	}
	if last == nil {
		return ntpcheck.Status{}, errNoHistory
	}
	var s ntpcheck.Status
	return s, json.Unmarshal(last, &s)
}
