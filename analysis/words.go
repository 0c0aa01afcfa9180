package analysis

import (
	"fmt"
	"strings"
	"time"
)

// signed writes an offset with its sign, in seconds.
func signed(d time.Duration) string { return signedSeconds(d.Seconds()) + " s" }

func signedSeconds(s float64) string { return fmt.Sprintf("%+.3f", s) }

// rounded writes a duration for people: three decimals of seconds, and no more
// when it is long.
func rounded(d time.Duration) string {
	if d.Abs() < 10*time.Minute {
		return fmt.Sprintf("%.3f s", d.Seconds())
	}
	return spelled(d.Round(time.Second))
}

// spelled writes a duration with its units: "50 ms", "1.5 s", "1 h 30 min".
func spelled(d time.Duration) string {
	switch {
	case d != 0 && d.Abs() < time.Second:
		return fmt.Sprintf("%g ms", float64(d)/float64(time.Millisecond))
	case d.Abs() < time.Minute:
		return fmt.Sprintf("%g s", d.Seconds())
	}
	var parts []string
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}} {
		if n := d / unit.of; n != 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit.name))
			d -= n * unit.of
		}
	}
	if d != 0 {
		parts = append(parts, fmt.Sprintf("%g s", d.Seconds()))
	}
	return strings.Join(parts, " ")
}

func clockTime(at int64) string { return time.Unix(0, at).UTC().Format("15:04:05") }

// roughly writes a span of time in one unit: "40 s", "83 min", "14 h", "9 days".
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
