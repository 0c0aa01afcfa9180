package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/config"
)

// A period is the part of time that a command is asked about: from Since on, and
// before Until. A zero time leaves its end open.
type period struct{ Since, Until time.Time }

// parsePeriod reads the values of --since and --until, each a moment as instant
// reads it, or "" for an open end.
func parsePeriod(since, until string, now time.Time) (period, error) {
	var p period
	var err error
	if p.Since, err = instant("--since", since, now); err != nil {
		return period{}, err
	}
	if p.Until, err = instant("--until", until, now); err != nil {
		return period{}, err
	}
	if !p.Since.IsZero() && !p.Until.IsZero() && !p.Since.Before(p.Until) {
		return period{}, &config.Error{Field: "--until", Problem: "not after --since", Value: until,
			Hint: "write --since for the earlier of the two, such as --since 24h --until 1h"}
	}
	return p, nil
}

// slack is by how much a server's clock may be ahead of the one here.
const slack = time.Minute

// begun returns an error if the period begins in the future, of which nothing can be known.
// Since is how the beginning was written.
func (p period) begun(since string, now time.Time) error {
	if !p.Since.After(now.Add(slack)) {
		return nil
	}
	return &config.Error{Field: "--since", Problem: "in the future", Value: since,
		Hint: "it is " + now.UTC().Format(time.RFC3339) + " now: write an earlier time"}
}

// instant reads a moment: an RFC 3339 time, or a span back from now ("24h",
// "7d", "1d12h"; a day is 24 hours). The empty text is the zero time. Flag is
// named in the error.
func instant(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), nil
	}
	if back, ok := config.ParseSpan(text); ok {
		return now.Add(-back).UTC(), nil
	}
	return time.Time{}, &config.Error{Field: flag, Problem: "not a time", Value: text, Hint: instantHint(text)}
}

// later reads a moment to come: an RFC 3339 time, or a span from now ("2h", "7d"). The empty
// text is the zero time.
func later(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), nil
	}
	if ahead, ok := config.ParseSpan(text); ok {
		return now.Add(ahead).UTC(), nil
	}
	return time.Time{}, &config.Error{Field: flag, Problem: "not a time", Value: text,
		Hint: `write a time with its zone such as "2026-03-01T12:00:00Z", or how far from now, such as "2h" or "7d"`}
}

// instantHint returns the time that text lacks only its zone to be, or else what
// a time looks like.
func instantHint(text string) string {
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", time.DateTime} {
		if t, err := time.Parse(layout, text); err == nil {
			return fmt.Sprintf("write the time zone too, such as %q", t.Format(time.RFC3339))
		}
	}
	if d, ok := config.ParseSpan(strings.TrimPrefix(text, "-")); ok && d > 0 {
		return fmt.Sprintf("write %q: it counts back from now", text[1:])
	}
	return `write a time such as "2026-03-01T12:00:00Z", or how far back from now, such as "24h" or "7d"`
}
