package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/rules"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// A ruleTrial runs rules over lines, in the time of the lines.
type ruleTrial struct {
	set    *rules.Set
	engine *rules.Engine
	zone   *time.Location // of stamps that name none
	near   time.Time      // stamps without year are read in the nearest
	print  func(api.Event) error

	waiting   []waitingHit
	now       int64 // the newest hit's, Unix ns
	at        int64 // the last line's
	lines     int
	unstamped int
	findings  map[string]int // raised, by rule
}

// longestLine is how much of a line is held against the rules, in bytes.
const longestLine = 1 << 20

// read takes in the lines of a log.
func (t *ruleTrial) read(from io.Reader) error {
	lines := bufio.NewReaderSize(from, longestLine)
	for {
		line, err := lines.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of it says nothing
			_, err = lines.ReadSlice('\n')
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			if err := t.take(line); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// take takes in a line.
func (t *ruleTrial) take(line []byte) error {
	t.lines++
	m := &message.Message{Trust: message.TrustHandshake}
	at, ok := t.messageOf(line, m)
	if !ok {
		t.unstamped++
		at = t.at
	}
	t.at = at
	hits := t.set.Match(nil, m)
	for i := range hits {
		t.waiting = append(t.waiting, waitingHit{at, hits[i]})
	}
	if len(t.waiting) >= mostHits {
		return t.pass(mostHits / 2)
	}
	return nil
}

// mostHits is how many hits wait to be brought into order: the lines of several logs are
// counted in the order of their times if no more of them count.
const mostHits = 1 << 20

// A waitingHit is one with its time.
type waitingHit struct {
	at int64
	rules.Hit
}

// pass counts the first hits by time.
func (t *ruleTrial) pass(n int) error {
	slices.SortStableFunc(t.waiting, func(a, b waitingHit) int { return cmp.Compare(a.at, b.at) })
	for i := range t.waiting[:n] {
		w := &t.waiting[i]
		if t.now != 0 && w.at-t.now >= int64(time.Second) {
			if err := t.advance(w.at); err != nil {
				return err
			}
		}
		t.now = max(t.now, w.at)
		t.engine.Take(&w.Hit, w.at, 0, t.now)
	}
	t.waiting = slices.Delete(t.waiting, 0, n)
	return nil
}

// advance lets time go on to that of a line, and looks at what happened meanwhile.
func (t *ruleTrial) advance(to int64) error {
	if err := t.tell(t.engine.Tick(t.now + int64(time.Second)/2)); err != nil {
		return err
	}
	for at := t.now + tickEvery; at < to && !t.engine.Quiet(); at += tickEvery {
		if err := t.tell(t.engine.Tick(at)); err != nil {
			return err
		}
	}
	return t.tell(t.engine.Tick(to))
}

// tickEvery is how often is looked what is over, where no line counts.
const tickEvery = int64(time.Minute)

// close lets time go on until all is over.
func (t *ruleTrial) close() error {
	if err := t.pass(len(t.waiting)); err != nil {
		return err
	}
	if t.now == 0 {
		return nil
	}
	return t.advance(t.now + int64(rules.Keep) + tickEvery)
}

// messageOf reads a line: a message as it was sent, or as search prints it.
func (t *ruleTrial) messageOf(line []byte, m *message.Message) (at int64, ok bool) {
	if line[0] == '{' {
		if at, ok := readPrinted(line, m); ok {
			return at, true
		}
	}
	parse.Parse(slices.Clone(line), m)
	return analysis.Instant(m.Sent, t.near.UnixNano(), t.zone)
}

// readPrinted reads a message as search or timeline prints it. A time that was corrected is
// the one that counts; else it is when the message was received.
func readPrinted(line []byte, m *message.Message) (at int64, ok bool) {
	var printed struct {
		api.Message
		Corrected time.Time `json:"corrected"`
	}
	if err := json.Unmarshal(line, &printed); err != nil || printed.Received.IsZero() {
		return 0, false
	}
	received := printed.Received
	if !printed.Corrected.IsZero() {
		received = printed.Corrected
	}
	if len(printed.Raw) > 0 {
		parse.Parse(printed.Raw, m)
	} else {
		m.Priority, m.Host, m.AppName = priorityOf(printed.Facility, printed.Severity), []byte(printed.Host), []byte(printed.App)
		m.ProcID, m.MsgID, m.Text = []byte(printed.ProcID), []byte(printed.MsgID), []byte(printed.Message.Message)
	}
	if source, err := netip.ParseAddr(printed.Source); err == nil {
		m.Source = source
	}
	return received.UnixNano(), true
}

// priorityOf returns the priority of two keywords, NoPriority if they aren't known.
func priorityOf(facility, severity string) message.Priority {
	for p := range message.Priority(192) {
		if p.Facility() == facility && p.Severity() == severity {
			return p
		}
	}
	return message.NoPriority
}
