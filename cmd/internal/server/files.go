package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

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
// while a server runs on it, and with fs.ErrNotExist if none ever did.
func OpenFiles(data string, log logrus.FieldLogger) (Files, error) {
	store, err := storage.Open(data, storage.Options{ReadOnly: true, Log: log})
	if err != nil {
		return Files{}, err
	}
	d, err := newFiles(data, store, log)
	if err != nil {
		return Files{}, errors.Join(err, store.Close())
	}
	return Files{d}, nil
}

// newFiles judges as of the last moment that the server noted.
func newFiles(data string, store *storage.Store, log logrus.FieldLogger) (*desk, error) {
	cfg, err := readConfig(data)
	if err != nil {
		return nil, fmt.Errorf("read the configuration that the server ran with: %w", err)
	}
	a := newArchive(store, cfg, log)
	at, status, err := a.lastStatus()
	if err != nil {
		return nil, err
	}
	// Only a report needs the fleet. In an archive, which has no checkpoint, it follows
	// from all of its messages.
	refresh := sync.OnceValue(func() error {
		if err := a.restore(); err != nil {
			return err
		}
		a.scale.open = nil // nothing comes any more
		a.fleet.Refresh(at, a.scale.reference(status.Reference, at))
		return nil
	})
	return &desk{archive: a, status: func() ntpcheck.Status { return status.Status }, refresh: refresh}, nil
}

// Close closes the files.
func (f Files) Close() error { return f.store.Close() }

// lastStatus returns the newest entry of our own clock's history, and its time.
func (a *archive) lastStatus() (at int64, s ownSample, err error) {
	last, err := a.lastSample()
	if err != nil {
		return 0, s, err
	}
	if last.Blob == nil { // killed before its first checkpoint
		s.Reference.Reason = "the files tell nothing of the collector's own clock"
		return a.now().UnixNano(), s, nil
	}
	return last.At, s, json.Unmarshal(last.Blob, &s)
}

// lastSample looks back further and further: there may be years of samples.
func (a *archive) lastSample() (last storage.ReferenceSample, err error) {
	const day = 24 * time.Hour
	now := a.now()
	for _, since := range [...]int64{now.Add(-day).UnixNano(), now.Add(-30 * day).UnixNano(), 0} {
		err = a.tolerate(a.store.ReferenceHistory(since, 0, func(s storage.ReferenceSample) error {
			last = storage.ReferenceSample{At: s.At, Blob: append(last.Blob[:0], s.Blob...)}
			return nil
		}))
		if err != nil || last.Blob != nil {
			break
		}
	}
	return last, err
}

// configName is the file in the data directory that holds the configuration in
// effect: what is there is judged by it when no server runs, too.
const configName = "config.yaml"

func writeConfig(cfg *config.Config) error {
	var b bytes.Buffer
	if err := cfg.WriteYAML(&b); err != nil {
		return err
	}
	return replace(filepath.Join(cfg.Data, configName), b.Bytes())
}

// ArchiveConfig copies the configuration of a data directory to an archive of it, which is
// read by it.
func ArchiveConfig(data, archive string) error {
	b, err := os.ReadFile(filepath.Join(data, configName))
	if err != nil {
		return err
	}
	return replace(filepath.Join(archive, configName), b)
}

func readConfig(data string) (*config.Config, error) {
	path := filepath.Join(data, configName)
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	return config.Load(nil, []string{config.EnvName("config") + "=" + path})
}
