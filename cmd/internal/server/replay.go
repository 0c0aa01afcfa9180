package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/storage"
)

// A Replay fills a fresh data directory with made-up messages as a server would have that
// received them, only faster: its time is the messages' own. The configuration that it
// leaves there marks the directory, and with it every report made from it. A Replay is used
// by one goroutine.
type Replay struct {
	archive *archive
	batch   []message.Message // put, and not stored yet
	time    int64             // up to which all is judged, Unix ns
	sampled int64             // when the collector's clock was noted last
	written int64             // and the state written
}

// checkpointReplay is how often a replay writes its state, in its own time.
const checkpointReplay = 30 * time.Minute

// OpenReplay begins a replay at a time in a directory that holds nothing yet.
func OpenReplay(cfg *config.Config, log logrus.FieldLogger, begin time.Time) (*Replay, error) {
	own := *cfg
	own.Simulated = true
	if err := checkFresh(own.Data); err != nil {
		return nil, err
	}
	store, err := storage.Open(own.Data, storage.Options{Log: log})
	if err != nil {
		return nil, openError(err, &own)
	}
	if err := writeConfig(&own); err != nil { // without its mark nothing may be written there
		return nil, errors.Join(err, store.Close())
	}
	r := &Replay{archive: newArchive(store, &own, log)}
	r.time = begin.UnixNano()
	r.archive.now = func() time.Time { return time.Unix(0, r.time) }
	return r, r.sample()
}

// checkFresh refuses a directory in which something is.
func checkFresh(data string) error {
	entries, err := os.ReadDir(data)
	if len(entries) == 0 && (err == nil || errors.Is(err, fs.ErrNotExist)) {
		return nil
	}
	problem := "holds something already"
	if err != nil {
		problem = "can't be read"
	}
	return &config.Error{Field: "--replay", Problem: problem, Value: data,
		Hint: "name a directory that doesn't exist: made-up messages never go where others are"}
}

// Put takes a message in, received later than those before. It may be changed
// afterwards, and its Raw may not.
func (r *Replay) Put(m *message.Message) error {
	if m.Received-r.time >= int64(reviewEvery) {
		if err := r.Reach(m.Received - m.Received%int64(reviewEvery)); err != nil {
			return err
		}
	}
	r.batch = append(r.batch, *m)
	return nil
}

// Reach stores what was put, and judges the clocks as each second would have, up to a
// time in Unix nanoseconds.
func (r *Replay) Reach(until int64) error {
	if len(r.batch) > 0 {
		if err := r.archive.Put(r.batch); err != nil {
			return err
		}
		r.batch = r.batch[:0]
	}
	for r.time < until {
		r.time = min(r.time+int64(reviewEvery), until)
		if err := r.judge((*analysis.Fleet).Tick); err != nil {
			return err
		}
	}
	return nil
}

// judge has the clocks judged, and writes what is to be written by now.
func (r *Replay) judge(how func(*analysis.Fleet, int64, analysis.Reference) []analysis.Finding) error {
	a := r.archive
	a.found = append(a.found, how(a.fleet, r.time, referenceOf(simulated(), r.time))...)
	if r.time-r.sampled >= int64(sampleEvery) {
		if err := r.sample(); err != nil {
			return err
		}
	}
	if r.time-r.written < int64(checkpointReplay) {
		return nil
	}
	r.written = r.time
	return a.checkpoint()
}

// sample notes what a replay knows of the collector's clock.
func (r *Replay) sample() error {
	blob, err := json.Marshal(ownSample{Status: ntpcheck.Status{Reference: simulated(), Sources: []ntpcheck.SourceStatus{}}})
	if err != nil {
		return err
	}
	r.sampled = r.time
	r.archive.samples = append(r.archive.samples, storage.ReferenceSample{At: r.time, Blob: blob})
	return nil
}

// simulated is what is known of a clock that is true by definition.
func simulated() ntpcheck.ReferenceStatus {
	var none float64
	return ntpcheck.ReferenceStatus{
		State: ntpcheck.Synchronised, Source: "simulation", OffsetSeconds: &none, BoundSeconds: &none,
		Reason: "receive times are made up, and true",
	}
}

// Close judges once more, and writes everything.
func (r *Replay) Close() error {
	err := r.Reach(r.time)
	if err == nil {
		r.sampled, r.written = 0, 0 // whatever was before
		err = r.judge((*analysis.Fleet).Refresh)
	}
	return errors.Join(err, r.archive.store.Close())
}

// checkKind refuses to mix made-up messages with real ones: what a server has kept is
// marked by its configuration, which must say the same of what comes.
func checkKind(cfg *config.Config) error {
	before, err := readConfig(cfg.Data)
	switch {
	case err != nil || before.Simulated == cfg.Simulated: // where there is none, or one that can't be read, it is written anew
		return nil
	case before.Simulated:
		return &config.Error{Field: "data", Problem: "holds a simulation, and real messages would count as made up there", Value: cfg.Data,
			Hint: fmt.Sprintf(`give another directory with --data; "skewatch hosts --data %s" shows what is there, and with "simulated: true" in the configuration file a server goes on there`, filepath.Clean(cfg.Data))}
	}
	return &config.Error{Field: "simulated", Problem: "the data directory holds real messages", Value: cfg.Data,
		Hint: "give another directory with --data: all that is in this one would count as made up"}
}
