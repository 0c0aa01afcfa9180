package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/skewatch/skewatch/analysis/timeline"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// A comparer prints the neighbours of a timeline that raw stamps put the wrong way round.
type comparer struct {
	timeline.Comparison
	print func(first, second *api.Entry, by time.Duration) error
	last  api.Entry
}

// compareTimeline prints what raw stamps make of a timeline. The sum is part of the output, but
// in CSV, which has no room for it.
func compareTimeline(ctx context.Context, d api.Desk, q api.TimelineQuery, out *bufio.Writer, format string, stderr io.Writer) error {
	c := &comparer{print: pairPrinter(out, format)}
	if err := d.Timeline(ctx, q, c.add); err != nil {
		return err
	}
	switch format {
	case "json":
		return jsonLines(out).Encode(c.sum())
	case "csv":
		_, err := io.WriteString(stderr, c.sentence())
		return err
	}
	_, err := io.WriteString(out, c.sentence())
	return err
}

func (c *comparer) add(e api.Entry) error {
	wrong, by := c.Add(eventOf(&e), !slices.Contains(e.Undecided, api.UndecidedPrevious))
	last := c.last
	c.last = e
	if !wrong {
		return nil
	}
	return c.print(&last, &e, by)
}

// eventOf returns what a comparison is told of an entry.
func eventOf(e *api.Entry) timeline.Event {
	var event timeline.Event
	event.At, event.High, event.Low = e.Corrected.UnixNano(), e.Latest.UnixNano(), timeline.Unbounded
	if e.Earliest == nil || e.Sent == nil || e.PlacedBy != api.PlacedByStamp {
		return event
	}
	sent, err := time.Parse(time.RFC3339, *e.Sent)
	event.Low, event.Sent, event.ByStamp = e.Earliest.UnixNano(), sent.UnixNano(), err == nil
	return event
}

// A pairLine is two neighbours that raw stamps put the wrong way round, in JSON.
type pairLine struct {
	Before json.RawMessage `json:"before"` // was written first
	After  json.RawMessage `json:"after"`
	By     float64         `json:"displacement_seconds"` // by how much the stamps move the two against each other
}

// A comparisonSum is the last line of a comparison in JSON.
type comparisonSum struct {
	Events     int     `json:"events"`
	Elsewhere  int     `json:"elsewhere"`
	Neighbours int     `json:"neighbours_decided"`
	Wrong      int     `json:"neighbours_wrong"`
	Largest    float64 `json:"largest_displacement_seconds"`
	Others     int     `json:"not_compared"`
}

func (c *comparer) sum() any {
	return struct {
		Summary comparisonSum `json:"summary"`
	}{comparisonSum{c.Events, c.Elsewhere(), c.Neighbours, c.Wrong, c.Largest.Seconds(), c.Others}}
}

// sentence sums a comparison up for people.
func (c *comparer) sentence() string {
	s := fmt.Sprintf("%d of %d events stand elsewhere by raw stamps", c.Elsewhere(), c.Events)
	if c.Wrong > 0 {
		s += fmt.Sprintf("; the largest displacement %s;\n%d of %d neighbours whose order is proven are the other way round", inWords(c.Largest), c.Wrong, c.Neighbours)
	}
	if c.Others > 0 {
		s += fmt.Sprintf(";\n%d events couldn't be compared: their stamps prove nothing", c.Others)
	}
	return s + "\n"
}

// inWords writes a displacement with the units that matter.
func inWords(d time.Duration) string {
	switch s := int64(d.Round(time.Second) / time.Second); {
	case d < 10*time.Second:
		return fmt.Sprintf("%.3f s", d.Seconds())
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	case s < 48*3600:
		return fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	default:
		return fmt.Sprintf("%d days %d h", s/86400, s/3600%24)
	}
}

// pairPrinter returns what prints neighbours that raw stamps put the wrong way round.
func pairPrinter(w io.Writer, format string) func(first, second *api.Entry, by time.Duration) error {
	switch format {
	case "json":
		lines := jsonLines(w)
		return func(first, second *api.Entry, by time.Duration) error {
			return lines.Encode(pairLine{first.AppendJSON(nil), second.AppendJSON(nil), by.Seconds()})
		}
	case "csv":
		return csvPairs(w)
	}
	return func(first, second *api.Entry, by time.Duration) error {
		b := append(appendEntry(nil, first, true), '\n')
		b = append(appendEntry(b, second, true), '\n')
		_, err := fmt.Fprintf(w, "%sby stamps the other way round, moved by %s\n\n", b, inWords(by))
		return err
	}
}

func csvPairs(w io.Writer) func(first, second *api.Entry, by time.Duration) error {
	columns := []string{"displacement_seconds"}
	for _, side := range [...]string{"before_", "after_"} {
		for _, name := range entryColumns {
			columns = append(columns, side+name)
		}
	}
	row := csvRows(w, columns...)
	return func(first, second *api.Entry, by time.Duration) error {
		seconds := by.Seconds()
		return row(append(append([]string{plain(&seconds)}, entryCells(first)...), entryCells(second)...)...)
	}
}
