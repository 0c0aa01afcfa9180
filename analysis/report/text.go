package report

import (
	"strings"
	"unicode"
)

// Printable replaces what could move the cursor, change colours or reverse the
// writing: a host's name is whatever somebody sent.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
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
