package analysis

import (
	"fmt"
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
	return d.Round(time.Second).String()
}

// hours writes a zone's shift: "1 h", "5 h 30 min".
func hours(d time.Duration) string {
	h, m := int(d.Hours()), int(d.Minutes())%60
	switch {
	case m == 0:
		return fmt.Sprintf("%d h", h)
	case h == 0:
		return fmt.Sprintf("%d min", m)
	}
	return fmt.Sprintf("%d h %d min", h, m)
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
