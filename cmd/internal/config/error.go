package config

import (
	"fmt"
	"strings"
)

// An Error is a key, flag or variable that can't be used, and the remedy.
type Error struct {
	// Field is what the user wrote to name the setting: a YAML key with the index
	// of the value ("listen.udp[1]"), a flag ("--http") or an environment variable.
	Field string

	Problem string // what is wrong, without the value
	Value   string // what was given; "" if it would say nothing
	Hint    string // what to do instead; "" if Problem says it

	// File and Line say where the value stands, if in a file.
	File string
	Line int
}

// Error returns the problem in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString("config: ")
	}
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Problem)
	if e.Value != "" {
		fmt.Fprintf(&b, " (got %q)", e.Value)
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, " at %s:%d", e.File, e.Line)
	}
	return b.String()
}

// Remedy returns what the user can do about it, "" if nothing is known.
func (e *Error) Remedy() string { return e.Hint }

// A fault is what is wrong with one of the texts given for a setting. The one
// who knows where the text came from makes an Error of it.
type fault struct {
	index         int
	problem, hint string
	hidden        bool // the text holds a secret and isn't shown
}

// Nearest returns the candidate that word was probably meant to be, or "" if
// none is near.
func Nearest(word string, candidates []string) string {
	best, limit := "", 2+len(word)/4
	for _, c := range candidates {
		if d := distance(word, c); d < limit {
			best, limit = c, d
		}
	}
	return best
}

// distance returns the number of bytes to insert, remove or replace to turn a
// into b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
