package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Printable writes what could move the cursor, change colours or reverse the writing as
// strconv.Quote does: \x1b, \u202e, \n. A host's name is whatever somebody sent. It is for
// eyes: a text may hold a backslash of its own. Every text that a message brought goes
// through here on its way to a terminal.
func Printable(s string) string {
	if isPrintable(s) {
		return s
	}
	b := make([]byte, 0, 2*len(s))
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if isPrintable(s[:n]) {
			b = utf8.AppendRune(b, r)
		} else {
			quoted := strconv.Quote(s[:n])
			b = append(b, quoted[1:len(quoted)-1]...)
		}
		s = s[n:]
	}
	return string(b)
}

// isPrintable reports whether a text is UTF-8 and moves nothing on a terminal.
func isPrintable(s string) bool {
	notPrint := func(r rune) bool { return !unicode.IsPrint(r) }
	return utf8.ValidString(s) && !strings.ContainsFunc(s, notPrint)
}

// Clip shortens a text to so many columns, and makes it printable.
func Clip(s string, columns int) string {
	s = Printable(s)
	if width(s) <= columns {
		return s
	}
	return s[:fitting(s, columns-1)] + "…"
}

// Cell is Clip, filled up with spaces to exactly so many columns.
func Cell(s string, columns int) string {
	s = Clip(s, columns)
	return s + strings.Repeat(" ", columns-width(s))
}

// Wrap lays a text out in lines of at most TableWidth columns, each ended by a line
// feed: the first one indented as given, further ones by two columns more. An empty
// text makes no line.
func Wrap(indent, text string) string {
	var b strings.Builder
	room := TableWidth - len(indent) - 2 // of a further line
	left := 0                            // columns that are free in this one
	for i, word := range words(text, room) {
		switch n := width(word); {
		case i == 0:
			b.WriteString(indent)
			left = TableWidth - len(indent) - n
		case n+1 > left:
			b.WriteString("\n" + indent + "  ")
			left = room - n
		default:
			b.WriteByte(' ')
			left -= n + 1
		}
		b.WriteString(word)
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

// ToCheck stands before what to check on a host.
const ToCheck = "Check: "

// Check lays out what to check as Wrap does. An empty text makes no line.
func Check(indent, text string) string {
	if text == "" {
		return ""
	}
	return Wrap(indent, ToCheck+text)
}

// Figures lays out between what an offset lies, in seconds, and since when that is warned
// of, as Wrap does. What isn't known is left out.
func Figures(indent string, low, high *float64, since time.Time) string {
	var parts []string
	if low != nil && high != nil {
		parts = append(parts, fmt.Sprintf("between %s s and %s s", Offset(low), Offset(high)))
	}
	if !since.IsZero() {
		parts = append(parts, "since "+moment(&since, ""))
	}
	return Wrap(indent, strings.Join(parts, ", "))
}

// words splits a text at its spaces, and words of more columns than given further.
func words(text string, columns int) (split []string) {
	for _, word := range strings.Fields(text) {
		word = Printable(word)
		for width(word) > columns {
			n := fitting(word, columns)
			split = append(split, word[:n])
			word = word[n:]
		}
		split = append(split, word)
	}
	return split
}

// width returns the columns that a printable text takes on a terminal.
func width(s string) (columns int) {
	for _, r := range s {
		columns += columnsOf(r)
	}
	return columns
}

// fitting returns how many bytes of a printable text fit into so many columns.
func fitting(s string, columns int) int {
	for i, r := range s {
		if columns -= columnsOf(r); columns < 0 {
			return i
		}
	}
	return len(s)
}

func columnsOf(r rune) int {
	if unicode.Is(wide, r) {
		return 2
	}
	return 1
}

// wide is the blocks of characters that take two columns (Unicode Standard Annex 11).
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, {Lo: 0x2e80, Hi: 0xa4cf, Stride: 1}, {Lo: 0xa960, Hi: 0xa97f, Stride: 1},
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1}, {Lo: 0xfe30, Hi: 0xfe6f, Stride: 1},
		{Lo: 0xff01, Hi: 0xff60, Stride: 1}, {Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0x1f000, Hi: 0x1faff, Stride: 1}, {Lo: 0x20000, Hi: 0x3fffd, Stride: 1}},
}
