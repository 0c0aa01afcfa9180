package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/skewatch/skewatch/collector/tlsauth"
)

// duration returns the kind of spans of time that are at least least.
func duration(least time.Duration) kind[time.Duration] {
	return kind[time.Duration]{format: formatDuration, parse: func(text string) (time.Duration, *fault) {
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, &fault{problem: "not a span of time", hint: durationHint(text)}
		}
		if d < least {
			return 0, &fault{problem: "below the least of " + formatDuration(least)}
		}
		return d, nil
	}}
}

// durationHint shows how a span is written, with the user's own number if only
// the unit is missing.
func durationHint(text string) string {
	if _, err := time.ParseDuration(text + "s"); err == nil {
		return fmt.Sprintf("write the unit too, such as %q", text+"s")
	}
	return `write a number and a unit (ms, s, m, h), such as "16s" or "1h30m"`
}

// formatDuration writes d without the zero minutes and seconds of
// time.Duration's own form: "1h", not "1h0m0s".
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// The words for 0 where that means that there is no limit.
const (
	forever   = "forever"
	unlimited = "unlimited"
)

// age is the kind of how old something may become, in days or other units; 0 is for ever.
var age = kind[time.Duration]{format: formatAge, parse: func(text string) (time.Duration, *fault) {
	if text == forever {
		return 0, nil
	}
	d, f := span(time.Hour).parse(text)
	if f != nil && f.hint != "" {
		f.hint += `, or "forever"`
	}
	return d, f
}}

// span returns the kind of spans of time, in days or other units, that are at least least.
func span(least time.Duration) kind[time.Duration] {
	return kind[time.Duration]{format: formatAge, parse: func(text string) (time.Duration, *fault) {
		d, ok := ParseSpan(text)
		switch {
		case !ok:
			return 0, &fault{problem: "not a span of time", hint: spanHint(text, least)}
		case d < least:
			return 0, &fault{problem: "below the least of " + formatDuration(least)}
		}
		return d, nil
	}}
}

// spanHint shows how a span of at least least is written.
func spanHint(text string, least time.Duration) string {
	if least >= time.Hour {
		return `write a number and a unit (d, h), such as "90d" or "36h"`
	}
	if _, ok := ParseSpan(text + "s"); ok {
		return fmt.Sprintf("write the unit too, such as %q", text+"s")
	}
	return `write a number and a unit (s, m, h, d), such as "36h" or "7d"; at most some hundred years`
}

// ParseSpan reads a span of time that may begin with whole days of 24 hours: "90d", "36h",
// "1d12h". It refuses what a time.Duration can't hold.
func ParseSpan(text string) (time.Duration, bool) {
	days, rest, hasDays := strings.Cut(text, "d")
	if !hasDays {
		d, err := time.ParseDuration(text)
		return d, err == nil && d >= 0
	}
	n, err := strconv.ParseUint(days, 10, 16)
	span := time.Duration(n) * day
	if err != nil || rest == "" {
		return span, err == nil
	}
	d, err := time.ParseDuration(rest)
	return span + d, err == nil && d >= 0 && d <= math.MaxInt64-span
}

const day = 24 * time.Hour

// formatAge writes whole days as such.
func formatAge(d time.Duration) string {
	switch {
	case d == 0:
		return forever
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	}
	return formatDuration(d)
}

// messageSize is the kind of limits of a message, in octets.
var messageSize = kind[int64]{format: formatSize, parse: func(text string) (int64, *fault) {
	const least, most = 480, 1 << 20 // RFC 5424, section 6.1; what the store takes
	n, err := humanize.ParseBytes(text)
	switch {
	case err != nil:
		return 0, &fault{problem: "not a number of octets", hint: `write a number and a unit (KiB, MiB), such as "64KiB"`}
	case n < least:
		return 0, &fault{problem: "below the least of 480B", hint: "every receiver must take messages of 480 octets"}
	case n > most:
		return 0, &fault{problem: "above the most of 1MiB"}
	}
	return int64(n), nil
}}

// permit is the kind of names and fingerprints of senders.
var permit = verbatim(func(text string) *fault {
	if _, err := tlsauth.ParsePermit(text); err != nil {
		return &fault{problem: err.Error(), hint: tlsauth.PermitHint}
	}
	return nil
})

// optionalFile is the kind of names of files, "" for none.
var optionalFile = verbatim(func(string) *fault { return nil })

// size is the kind of numbers of bytes; 0 is for no limit.
var size = kind[int64]{format: formatSize, parse: func(text string) (int64, *fault) {
	if text == unlimited {
		return 0, nil
	}
	n, err := humanize.ParseBytes(text)
	switch {
	case err != nil:
		return 0, &fault{problem: "not a number of bytes", hint: `write a number and a unit (MB, GB, TB, MiB, GiB, TiB), such as "100GB", or "unlimited"`}
	case n < leastSize || n > math.MaxInt64:
		return 0, &fault{problem: "below the least of " + formatSize(leastSize)}
	}
	return int64(n), nil
}}

const leastSize = 100_000_000

// formatSize writes a number of bytes without losing any.
func formatSize(n int64) string {
	if n == 0 {
		return unlimited
	}
	for _, u := range [...]struct {
		bytes int64
		name  string
	}{{1e12, "TB"}, {1 << 40, "TiB"}, {1e9, "GB"}, {1 << 30, "GiB"}, {1e6, "MB"}, {1 << 20, "MiB"}, {1e3, "KB"}, {1 << 10, "KiB"}} {
		if n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

const (
	leastHosts = 100
	mostThings = 10_000_000
)

// count returns the kind of numbers of things, from least to most.
func count(least int) kind[int] {
	return kind[int]{format: strconv.Itoa, parse: func(text string) (int, *fault) {
		n, err := strconv.Atoi(text)
		switch {
		case errors.Is(err, strconv.ErrRange) || err == nil && n > mostThings:
			return 0, &fault{problem: fmt.Sprintf("above the most of %d", mostThings)}
		case err != nil:
			return 0, &fault{problem: "not a whole number", hint: fmt.Sprintf("write digits only, from %d to %d", least, mostThings)}
		case n < least:
			return 0, &fault{problem: fmt.Sprintf("below the least of %d", least)}
		}
		return n, nil
	}}
}

// half is the word for 0 where that means half of another number.
const half = "half"

// or returns the kind that has a word for 0 besides.
func or(zero string, k kind[int]) kind[int] {
	return kind[int]{
		format: func(n int) string {
			if n == 0 {
				return zero
			}
			return k.format(n)
		},
		parse: func(text string) (int, *fault) {
			if text == zero {
				return 0, nil
			}
			n, f := k.parse(text)
			if f != nil && f.hint != "" {
				f.hint += fmt.Sprintf(", or %q", zero)
			}
			return n, f
		},
	}
}

// choice returns the kind that has these values only, each written as name says.
func choice[T any](name func(T) string, values ...T) kind[T] {
	return kind[T]{format: name, parse: func(text string) (none T, f *fault) {
		names := make([]string, len(values))
		for i, v := range values {
			if names[i] = name(v); names[i] == text {
				return v, nil
			}
		}
		return none, &fault{problem: "not one of " + strings.Join(names, ", "), hint: choiceHint(text, names)}
	}}
}

// choiceHint returns the name that text begins or nearly is.
func choiceHint(text string, names []string) string {
	text = strings.ToLower(text)
	near := Nearest(text, names)
	if i := slices.IndexFunc(names, func(name string) bool { return text != "" && strings.HasPrefix(name, text) }); i >= 0 {
		near = names[i]
	}
	if near == "" {
		return ""
	}
	return fmt.Sprintf("write %q", near)
}

// word is the name of a value that is its own name.
func word[T ~string](v T) string { return string(v) }

// verbatim returns the kind of texts that check finds no fault with.
func verbatim(check func(text string) *fault) kind[string] {
	return kind[string]{format: word[string], parse: func(text string) (string, *fault) { return text, check(text) }}
}

var directory = verbatim(func(text string) *fault {
	if strings.TrimSpace(text) == "" {
		return &fault{problem: "names no directory", hint: `write a path, such as "/var/lib/skewatch"`}
	}
	return nil
})
