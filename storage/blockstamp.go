package storage

import (
	"bytes"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// A stampStyle is what a stamp's text shows beyond the Stamp, so that the text need
// not be stored: how the date is written in its lower bits, and the zone above. The
// numbers are stored.
type stampStyle uint8

const (
	styleLiteral stampStyle = iota // the text is stored
	styleISO                       // "2006-01-02T15:04:05"
	styleSpaced                    // "2006-01-02 15:04:05"
	styleBSD                       // "Jan  2 15:04:05"
	styleBSDZero                   // "Jan 02 15:04:05"
	styleBSDBare                   // "Jan 2 15:04:05"

	styleDate = 7 // the bits of the above

	styleNoZone stampStyle = 0 << 3
	styleZ      stampStyle = 1 << 3 // "Z"
	styleColon  stampStyle = 2 << 3 // "+02:00"
	stylePlain  stampStyle = 3 << 3 // "+0200"
	styleZone   stampStyle = 3 << 3
)

// stampPlace returns where the stamp of a message begins, if it has one.
func stampPlace(raw []byte, f message.StampFormat) int {
	const maxPlace = 32
	at := 1 + bytes.IndexByte(raw[:min(len(raw), len("<191>"))], '>')
	if f == message.StampRFC5424 {
		at += len("1 ")
	}
	for at < min(len(raw), maxPlace) && raw[at] == ' ' {
		at++
	}
	return min(at, len(raw))
}

// guessStyle returns the style that text, which begins with a stamp, seems to be
// written in. Whether it is must be tried.
func guessStyle(text []byte, s *message.Stamp) stampStyle {
	const iso = len("2006-01-02T15:04:05")
	if len(text) < len("Jan 2 15:04:05") || s.LeapSecond || !s.Usable() || s.Digits > 9 {
		return styleLiteral
	}
	switch {
	case s.Format == message.StampBSD && text[4] == '0':
		return styleBSDZero
	case s.Format == message.StampBSD && text[4] != ' ' && text[5] == ' ':
		return styleBSDBare
	case s.Format == message.StampBSD:
		return styleBSD
	case len(text) < iso:
		return styleLiteral
	}
	style := styleISO
	if text[10] == ' ' {
		style = styleSpaced
	}
	zone := text[min(len(text), iso+fractionBytes(s.Digits)):]
	switch {
	case !s.HasZone || len(zone) == 0:
		return style | styleNoZone
	case zone[0] == 'Z':
		return style | styleZ
	case len(zone) > 3 && zone[3] == ':':
		return style | styleColon
	}
	return style | stylePlain
}

func fractionBytes(digits uint8) int {
	if digits == 0 {
		return 0
	}
	return 1 + int(digits)
}

// A stampWriter writes the texts of stamps.
type stampWriter struct {
	iso, bsd dateText
}

// A dateText is the text of a date: it remembers the last, since few differ.
type dateText struct {
	known bool
	day   int64 // since 1970-01-01
	text  [len("2006-01-02")]byte
}

func (d *dateText) of(day int64, layout string) []byte {
	if !d.known || day != d.day {
		d.known, d.day = true, day
		time.Unix(day*24*3600, 0).UTC().AppendFormat(d.text[:0], layout)
	}
	return d.text[:len(layout)]
}

const (
	secondNS = int64(time.Second)
	dayNS    = 24 * 3600 * secondNS
)

// appendTo appends the text of s, which any Stamp and any style have.
func (w *stampWriter) appendTo(dst []byte, s *message.Stamp, style stampStyle) []byte {
	day, ns := s.Civil/dayNS, s.Civil%dayNS
	if ns < 0 {
		day, ns = day-1, ns+dayNS
	}
	dst = w.appendDate(dst, day, style)
	second := int(ns / secondNS)
	dst = appendTwo(dst, second/3600)
	dst = appendTwo(append(dst, ':'), second/60%60)
	dst = appendTwo(append(dst, ':'), second%60)
	if s.Digits > 0 {
		dst = appendFraction(append(dst, '.'), int(ns%secondNS), int(s.Digits))
	}
	return appendZone(dst, int(s.ZoneEast), style&styleZone)
}

func (w *stampWriter) appendDate(dst []byte, day int64, style stampStyle) []byte {
	switch style & styleDate {
	case styleISO:
		return append(append(dst, w.iso.of(day, "2006-01-02")...), 'T')
	case styleSpaced:
		return append(append(dst, w.iso.of(day, "2006-01-02")...), ' ')
	}
	date := w.bsd.of(day, "Jan _2")
	dst = append(dst, date[:4]...)
	switch {
	case date[4] != ' ' || style&styleDate == styleBSD:
		dst = append(dst, date[4])
	case style&styleDate == styleBSDZero:
		dst = append(dst, '0')
	}
	return append(dst, date[5], ' ')
}

func appendTwo(dst []byte, n int) []byte {
	return append(dst, '0'+byte(n/10), '0'+byte(n%10))
}

// appendFraction appends the first digits of 9 of a second's nanoseconds.
func appendFraction(dst []byte, ns, digits int) []byte {
	var text [9]byte
	for i := len(text) - 1; i >= 0; i-- {
		text[i] = '0' + byte(ns%10)
		ns /= 10
	}
	return append(dst, text[:min(digits, len(text))]...)
}

func appendZone(dst []byte, east int, style stampStyle) []byte {
	switch style {
	case styleNoZone:
		return dst
	case styleZ:
		return append(dst, 'Z')
	}
	sign := byte('+')
	if east < 0 {
		sign, east = '-', -east
	}
	dst = appendTwo(append(dst, sign), east/3600%100)
	if style == styleColon {
		dst = append(dst, ':')
	}
	return appendTwo(dst, east/60%60)
}

// A yearFinder gives stamps without a year the one nearest to their receipt.
type yearFinder struct {
	from, to int64 // the year of the offsets lasts from … until before to, Unix ns
	january  int64 // what moves a Civil of YearUnknown into it, until 28 February
	march    int64 // the same from 29 February on
}

// instant returns the Unix nanoseconds at which s says it was written, read as UTC
// without a zone. It need be right only within a day of received.
func (y *yearFinder) instant(s *message.Stamp, received int64) int64 {
	at := s.Civil
	if s.HasZone {
		at -= int64(s.ZoneEast) * secondNS
	}
	if s.HasYear {
		return at
	}
	if d := y.moved(at, s.Civil, received) - received; -dayNS <= d && d <= dayNS {
		return received + d
	}
	for _, near := range [...]int64{received - dayNS, received + dayNS} {
		if d := y.moved(at, s.Civil, near) - received; -dayNS <= d && d <= dayNS {
			return received + d
		}
	}
	return y.moved(at, s.Civil, received)
}

// moved returns at, written as civil, in the year of near.
func (y *yearFinder) moved(at, civil, near int64) int64 {
	const leapDay = 951782400 * secondNS // 2000-02-29
	if near < y.from || near >= y.to {
		y.find(near)
	}
	if civil < leapDay {
		return at + y.january
	}
	return at + y.march
}

func (y *yearFinder) find(near int64) {
	begin := func(year int, month time.Month) int64 {
		return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	}
	year := time.Unix(0, near).UTC().Year()
	y.from, y.to = begin(year, time.January), begin(year+1, time.January)
	y.january = y.from - begin(message.YearUnknown, time.January)
	y.march = begin(year, time.March) - begin(message.YearUnknown, time.March)
}
