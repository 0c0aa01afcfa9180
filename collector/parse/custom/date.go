package custom

import (
	"slices"
	"strings"
	"time"
)

// A date is what stands before a time of day.
type date struct {
	found     bool // the day and the month of the time that was looked for
	hasYear   bool // and its year
	monthName bool // the month is a word
}

// dateLength is how far before a time of day its date may begin: far enough for
// "Wednesday, 30 September 2026 at ".
const dateLength = 36

// readDate looks for the day, the month and the year of t in the words that end at a
// place, behind the text or the host if those come first. If the time of day is
// compact, so may be the date, right before it.
func (p *place) readDate(t time.Time, end int, host span, compact bool) date {
	start := max(end-dateLength, p.pastPriority())
	for _, other := range [...]span{p.text, host} {
		if other.end <= end {
			start = max(start, other.end)
		}
	}
	words := dateWords(strings.ToLower(string(p.raw[min(start, end):end])))
	if n := len(words); n > 0 && words[n-1] == t.Format("20060102") {
		return date{found: true, hasYear: true}
	}
	if compact && p.digitAt(end-1) {
		return date{}
	}
	day, words := take(words, t.Format("2"), t.Format("02"))
	name, words := take(words, strings.ToLower(t.Format("Jan")), strings.ToLower(t.Format("January")))
	month := name
	if !name {
		month, words = take(words, t.Format("1"), t.Format("01"))
	}
	year, _ := take(words, t.Format("2006"))
	return date{found: day && month, hasYear: day && month && year, monthName: name}
}

// pastPriority returns where the message begins behind "<13>".
func (p *place) pastPriority() int {
	n := 1
	for p.digitAt(n) {
		n++
	}
	if p.isAt(0, "<") && p.isAt(n, ">") {
		return n + 1
	}
	return 0
}

// dateWords splits a text into its numbers and its words of letters.
func dateWords(s string) (words []string) {
	kind := func(c byte) int {
		switch {
		case isDigit(c):
			return 1
		case 'a' <= c && c <= 'z' || c >= 0x80:
			return 2
		}
		return 0
	}
	for i := 0; i < len(s); {
		end := i + 1
		for end < len(s) && kind(s[end]) == kind(s[i]) {
			end++
		}
		if kind(s[i]) > 0 && s[i:end] != "t" { // of "2026-10-11T22:14:15"
			words = append(words, s[i:end])
		}
		i = end
	}
	return words
}

// take removes the last word that is one of these, and reports whether there was one.
func take(words []string, any ...string) (found bool, rest []string) {
	for i := len(words) - 1; i >= 0; i-- {
		if slices.Contains(any, words[i]) {
			return true, slices.Delete(slices.Clone(words), i, i+1)
		}
	}
	return false, words
}
