package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// journalBegin is how journald's export begins.
const journalBegin = "__CURSOR="

// A journal reads the export format of journald (journalctl -o export). The receipt is when
// journald took the entry, __REALTIME_TIMESTAMP; the stamp is when that was written, as the
// kernel or the sender says it, _SOURCE_REALTIME_TIMESTAMP. Both are of the same machine's
// clock: they show what was held up, and steps of the clock in between, and nothing of how
// far that clock is off.
type journal struct {
	lines   *lines
	entries int64
	host    []byte // scratch
	at      []byte
}

// Names of fields.
const (
	journalHost     = "_HOSTNAME"
	journalReceived = "__REALTIME_TIMESTAMP"
	journalSent     = "_SOURCE_REALTIME_TIMESTAMP"
)

func (j *journal) next() (e entry, number int64, err error) {
	j.entries++
	any := false
	for {
		name, value, err := j.field()
		switch {
		case errors.Is(err, io.EOF) && any, err == nil && name == nil && any:
			return e, j.entries, nil
		case err != nil:
			var bad *LineError
			if errors.As(err, &bad) {
				bad.Number = j.entries
			}
			return e, j.entries, err
		case name == nil:
			continue
		}
		any = true
		if problem := j.take(&e, string(name), value); problem != nil {
			problem.Number = j.entries
			return e, j.entries, errors.Join(problem, j.skip())
		}
	}
}

// take takes a field into an entry.
func (j *journal) take(e *entry, name string, value []byte) *LineError {
	switch name {
	case journalHost:
		j.host = append(j.host[:0], value...)
		e.fields[fieldHost] = j.host
	case journalReceived:
		j.at = append(j.at[:0], value...)
		e.fields[fieldReceived] = j.at
	case journalSent:
		us, ok := readDigits(value)
		if !ok || us > int64(time.Duration(1<<63-1)/time.Microsecond) {
			return fault(fieldSent, "not a number of microseconds", value)
		}
		const digits = 6
		e.stamped = true
		e.sent = message.Stamp{Format: message.StampEpoch, Civil: us * int64(time.Microsecond), Digits: digits, HasYear: true, HasZone: true}
	}
	return nil
}

// skip passes over the rest of an entry.
func (j *journal) skip() error {
	for {
		name, _, err := j.field()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if name == nil {
			return nil
		}
	}
}

// field reads the next field; name is nil at the end of an entry. The value is valid until the
// call after, and nil if it is too long to matter.
func (j *journal) field() (name, value []byte, err error) {
	line, err := j.lines.next()
	var long *LineError
	switch {
	case errors.As(err, &long):
		return []byte{}, nil, nil
	case err != nil || len(line) == 0:
		return nil, nil, err
	}
	if name, value, found := bytes.Cut(line, []byte("=")); found {
		return name, value, nil
	}
	name = bytes.Clone(line)
	value, err = j.blob()
	return name, value, err
}

// blob reads a value that may hold anything: its length, in eight octets, the value, and LF.
func (j *journal) blob() (value []byte, err error) {
	var length [8]byte
	if _, err := io.ReadFull(j.lines.from, length[:]); err != nil {
		return nil, cutOff(err)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n >= maxLine {
		if n > 1<<40 {
			return nil, fmt.Errorf("a field of %d octets: this isn't journald's export, or it is damaged", n)
		}
		_, err := io.CopyN(io.Discard, j.lines.from, int64(n)+1)
		return nil, cutOff(err)
	}
	value = make([]byte, n+1)
	if _, err := io.ReadFull(j.lines.from, value); err != nil {
		return nil, cutOff(err)
	}
	return value[:n], nil
}

// cutOff makes a bad entry of one that the archive's end cuts off.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &LineError{Problem: "the archive ends in the middle of it"}
	}
	return err
}
