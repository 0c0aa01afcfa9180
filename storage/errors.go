package storage

import (
	"errors"
	"fmt"
)

var (
	// ErrInUse is returned by Open when another process has the data directory
	// open, unless both only read.
	ErrInUse = errors.New("another process has the data directory open")

	// ErrSchema is returned when a file was written in a layout that this version
	// doesn't read, or isn't one of this package's files at all.
	ErrSchema = errors.New("unknown schema")

	// ErrClosed is returned by every method after Close, and by an Append that
	// Close found waiting.
	ErrClosed = errors.New("store is closed")

	// ErrBusy is returned by State while the states are being written.
	ErrBusy = errors.New("states are being written")

	// ErrReadOnly is returned by every method that writes when the store was
	// opened with Options.ReadOnly.
	ErrReadOnly = errors.New("store is open for reading only")
)

// A DamageError reports stored bytes that fail their checksum or can't be
// decoded. It names the first damaged entry that a reader met; the reader has
// passed on everything else that was asked for.
type DamageError struct {
	File    string // path of the file
	Record  string // which entry: the message it begins with, or bucket and key
	Problem string
	Further int // damaged entries beyond this one
}

func (e *DamageError) Error() string {
	s := fmt.Sprintf("storage: %s: %s is damaged: %s", e.File, e.Record, e.Problem)
	if e.Further > 0 {
		s += fmt.Sprintf(" (and %d more damaged)", e.Further)
	}
	return s
}

const failsChecksum = "it fails its checksum"

// damage collects the damage that one reading meets.
type damage struct {
	first *DamageError
	seen  map[string]bool // file and record
}

// note notes what is wrong with a record, once.
func (d *damage) note(file, record, problem string) {
	if d.seen[file+record] {
		return
	}
	if d.first == nil {
		d.first, d.seen = &DamageError{File: file, Record: record, Problem: problem}, make(map[string]bool)
	} else {
		d.first.Further++
	}
	d.seen[file+record] = true
}

// err returns what was noted as an error. A nil *DamageError in an error
// interface would not be nil.
func (d *damage) err() error {
	if d.first == nil {
		return nil
	}
	return d.first
}
