package plot

import (
	"math"
	"strconv"
	"time"
)

// A unit is what offsets are labelled in.
type unit struct {
	seconds float64
	name    string
}

var units = [...]unit{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}}

// finest is the least distance of labels in their unit.
const finest = 0.01

// unitFor returns the largest unit in which a number of seconds is at least one, unless
// labels at that distance would be too fine in it.
func unitFor(seconds, distance float64) unit {
	for _, u := range units {
		if seconds >= u.seconds && distance >= finest*u.seconds {
			return u
		}
	}
	return units[len(units)-1]
}

// label writes a number in the unit, with its sign.
func (u unit) label(v float64) string {
	if v == 0 {
		return "0 " + u.name
	}
	sign := ""
	if v > 0 {
		sign = "+"
	}
	return sign + strconv.FormatFloat(math.Round(v*1e4)/1e4, 'f', -1, 64) + " " + u.name
}

// ticks returns round numbers from low to high, about as many as wanted.
func ticks(low, high float64, wanted int) (at []float64) {
	raw := (high - low) / float64(wanted)
	magnitude := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * magnitude
	for _, round := range [...]float64{1, 2, 5} {
		if round*magnitude >= raw {
			step = round * magnitude
			break
		}
	}
	for n := math.Ceil(low / step); n*step <= high; n++ {
		v := n * step
		at = append(at, math.Round(v/magnitude*1e6)/1e6*magnitude)
	}
	return at
}

// A timeTick is a moment on the axis.
type timeTick struct {
	at    time.Time
	label string
}

// timeSteps are the distances that moments on the axis can have.
var timeSteps = [...]time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 14 * day, 28 * day,
}

const day = 24 * time.Hour

// timeTicks returns round times within a span, about as many as wanted, in UTC.
func timeTicks(from time.Time, span time.Duration, wanted int) (at []timeTick) {
	step := timeSteps[len(timeSteps)-1]
	for _, s := range timeSteps {
		if span/s <= time.Duration(wanted) {
			step = s
			break
		}
	}
	layout := "15:04:05"
	switch {
	case step >= day:
		layout = "Jan 2"
	case span > day:
		layout = "Jan 2 15:04"
	case step >= time.Minute:
		layout = "15:04"
	}
	end := from.Add(span)
	for t := from.UTC().Truncate(step); !t.After(end); t = t.Add(step) {
		if !t.Before(from) {
			at = append(at, timeTick{t, t.Format(layout)})
		}
	}
	return at
}
