package simulate

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/config"
)

// A Truth is what is known of a made-up host: a line of a truth file.
type Truth struct {
	Host       string    `json:"host"`
	Source     string    `json:"source"`
	Transport  string    `json:"transport"`
	Format     string    `json:"format"`
	Clock      string    `json:"clock"`    // in words
	Skew       *float64  `json:"skew_ppm"` // null for a clock whose rate wanders, or that stops
	Resolution float64   `json:"resolution_seconds"`
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
	Events     []Event   `json:"events"`

	// Offsets are the corners of the clock's offset over time, which runs straight between
	// them; none for a host that writes no time. As in a report, stamps that name no zone
	// are taken for UTC.
	Offsets []Offset `json:"offsets"`
}

// An Event is what happens to a host at a moment, or from it until another.
type Event struct {
	At      time.Time  `json:"at"`
	Until   *time.Time `json:"until,omitempty"`
	What    string     `json:"event"`
	Seconds float64    `json:"seconds,omitempty"` // by which the clock is set; positive forward
}

// What happens to hosts.
const (
	EventSet    = "set"    // the clock is set, by a person, NTP or the change to summer time
	EventPause  = "pause"  // the machine is halted, and its clock with it
	EventStuck  = "stuck"  // the clock stands still from here on
	EventOutage = "outage" // the host is cut off, and then its queue is flushed
)

// An Offset is a host's clock minus true time at a moment.
type Offset struct {
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"`
}

// grain is how finely clocks are noted that wander.
const grain = 16 * time.Second

// Truth returns what is known of a host that has spoken for a while.
func (h *Host) Truth(spoken time.Duration) Truth {
	t := Truth{
		Host: h.Name, Source: h.Source.String(), Transport: string(h.Transport), Format: string(h.model.Format),
		Clock: h.Words, Resolution: h.form.resolution.Seconds(),
		From: h.Start.UTC(), To: h.Start.Add(spoken).UTC(), Events: h.events(spoken), Offsets: []Offset{},
	}
	if h.model.Format == config.FleetNoStamp {
		return t
	}
	if c := &h.model.Clock; c.Wander == 0 && c.StuckAt == 0 {
		t.Skew = &c.Skew
	}
	for _, at := range h.corners(spoken) {
		t.Offsets = append(t.Offsets, Offset{h.Start.Add(at).UTC(), seconds(h.Offset(at))})
	}
	return t
}

// events returns what happens to the host within a while.
func (h *Host) events(within time.Duration) []Event {
	all := []Event{}
	c, o := &h.model.Clock, &h.model.Outage
	add := func(at, lasts time.Duration, what string, by time.Duration) {
		if at <= 0 && lasts == 0 || at >= within {
			return
		}
		e := Event{At: h.Start.Add(at).UTC(), What: what, Seconds: seconds(by)}
		if lasts > 0 {
			until := h.Start.Add(at + lasts).UTC()
			e.Until = &until
		}
		all = append(all, e)
	}
	add(c.StepAt, 0, EventSet, c.StepBy)
	add(c.DSTAt, 0, EventSet, time.Hour)
	if !c.Epoch.IsZero() {
		add(c.EpochFor, 0, EventSet, h.Start.Sub(c.Epoch))
	}
	add(c.PauseAt, c.PauseFor, EventPause, -c.PauseFor)
	add(c.StuckAt, 0, EventStuck, 0)
	add(o.At, o.For, EventOutage, 0)
	slices.SortStableFunc(all, func(a, b Event) int { return a.At.Compare(b.At) })
	return all
}

// corners returns the moments within a while at which the clock doesn't run straight on.
func (h *Host) corners(within time.Duration) []time.Duration {
	all := []time.Duration{0, within}
	c := &h.model.Clock
	for _, at := range []time.Duration{c.StepAt, c.DSTAt, c.EpochFor, c.PauseAt, c.StuckAt} {
		if at > 0 {
			all = append(all, at-1, at)
		}
	}
	all = append(all, c.PauseAt+c.PauseFor)
	if c.Wander > 0 {
		for at := grain; at < within; at += grain {
			all = append(all, at)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(at time.Duration) bool { return at > within })
}

// OffsetAt returns the clock's offset at a moment, in seconds; false where none is known.
func (t *Truth) OffsetAt(at time.Time) (float64, bool) {
	i, found := slices.BinarySearchFunc(t.Offsets, at, func(o Offset, at time.Time) int { return o.At.Compare(at) })
	switch {
	case len(t.Offsets) == 0:
		return 0, false
	case found:
		return t.Offsets[i].Seconds, true
	case i == 0:
		return t.Offsets[0].Seconds, true
	case i == len(t.Offsets): // the last message was still on its way
		return t.Offsets[i-1].Seconds, true
	}
	a, b := t.Offsets[i-1], t.Offsets[i]
	part := float64(at.Sub(a.At)) / float64(b.At.Sub(a.At))
	return a.Seconds + part*(b.Seconds-a.Seconds), true
}

// Truths returns what is known of hosts.
func Truths(hosts []*Host, spoken time.Duration) []Truth {
	all := make([]Truth, len(hosts))
	for i, h := range hosts {
		all[i] = h.Truth(spoken)
	}
	return all
}

// WriteTruth writes what is known of hosts, a JSON object a line.
func WriteTruth(w io.Writer, hosts []*Host, spoken time.Duration) error {
	b := bufio.NewWriter(w)
	lines := json.NewEncoder(b)
	for _, t := range Truths(hosts, spoken) {
		if err := lines.Encode(t); err != nil {
			return err
		}
	}
	return b.Flush()
}

// ReadTruth reads what WriteTruth wrote.
func ReadTruth(r io.Reader) ([]Truth, error) {
	var all []Truth
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	for {
		var t Truth
		err := d.Decode(&t)
		switch {
		case errors.Is(err, io.EOF) && len(all) > 0:
			return all, nil
		case errors.Is(err, io.EOF):
			return nil, errors.New("it names no host")
		case err != nil:
			return nil, fmt.Errorf("line %d is no truth about a host: %w", len(all)+1, err)
		}
		all = append(all, t)
	}
}

// seconds returns a span with no digits beyond its nanoseconds.
func seconds(d time.Duration) float64 { return float64(d) / float64(time.Second) }
