package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/simulate"
)

// A truthFile is where the truth of a simulation goes in the end.
type truthFile struct {
	w    io.Writer // nil for nowhere
	file *os.File  // w, if it is to be closed
	made bool      // the file wasn't there before, and nothing was written to it yet
}

// openTruth opens the file for the truth before anything else is done.
func (s *simulation) openTruth() (*truthFile, error) {
	switch s.truth {
	case "":
		return new(truthFile), nil
	case "-":
		return &truthFile{w: s.stdout}, nil
	}
	f, err := os.OpenFile(s.truth, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	made := err == nil
	if errors.Is(err, fs.ErrExist) {
		f, err = os.OpenFile(s.truth, os.O_CREATE|os.O_WRONLY, 0o644) // what is there stays until there is something new
	}
	if err != nil {
		return nil, &config.Error{Field: "--truth", Problem: "can't be written: " + config.Pathless(err).Error(), Value: s.truth}
	}
	return &truthFile{w: f, file: f, made: made}, nil
}

// write writes what is true of hosts that have spoken for some time.
func (t *truthFile) write(hosts []*simulate.Host, spoken time.Duration) error {
	if t.w == nil {
		return nil
	}
	t.made = false
	if t.file == nil {
		return simulate.WriteTruth(t.w, hosts, spoken)
	}
	return errors.Join(t.file.Truncate(0), simulate.WriteTruth(t.w, hosts, spoken), t.file.Close())
}

// close leaves no empty file behind where there was none.
func (t *truthFile) close() {
	if t.file != nil {
		t.file.Close()
	}
	if t.made {
		os.Remove(t.file.Name())
	}
}
