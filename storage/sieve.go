package storage

import (
	"bytes"
	"math/bits"
	"strings"

	"github.com/skewatch/skewatch/collector/message"
)

// A bitmap has a bit for each message of a block.
type bitmap []uint64

// cleared returns a bitmap of n bits, all 0, in the room of b.
func (b bitmap) cleared(n int) bitmap {
	words := (n + 63) / 64
	if cap(b) < words {
		return make(bitmap, words)
	}
	b = b[:words]
	clear(b)
	return b
}

func (b bitmap) has(i uint32) bool { return b[i/64]>>(i%64)&1 != 0 }
func (b bitmap) set(i uint32)      { b[i/64] |= 1 << (i % 64) }
func (b bitmap) unset(i uint32)    { b[i/64] &^= 1 << (i % 64) }

// end returns the place behind the last bit that is set, 0 if none is.
func (b bitmap) end() uint32 {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0 {
			return uint32(64*i + bits.Len64(b[i]))
		}
	}
	return 0
}

// sift has next return only the messages that a query selects, of a block just opened.
// Those for which its pattern's literal rules that out aren't even put together.
func (r *blockReader) sift(q *Query) error {
	whole := r.findCandidates(q.Pattern.literal)
	r.sifted, r.end = true, r.wanted.end()
	if r.end == 0 && whole {
		return nil
	}
	for m := new(message.Message); r.next(m); {
		if !q.matches(m) {
			r.wanted.unset(r.row - 1)
		}
	}
	for row := r.row; row < r.end; row++ {
		r.wanted.unset(row) // it can't be read
	}
	whole = whole && !r.bad
	r.raw, r.row, r.bad, r.end = r.raw[:0], 0, false, r.wanted.end()
	if !r.readDirectory(r.header) || !whole { // from the beginning again
		return errBlockCoding
	}
	return nil
}

// findCandidates sets wanted for the messages that may contain a literal, and reports
// whether it could.
func (r *blockReader) findCandidates(literal []byte) (ok bool) {
	r.wanted = r.wanted.cleared(int(r.header.rows))
	if len(literal) == 0 {
		for row := range r.header.rows {
			r.wanted.set(row)
		}
		return true
	}
	any := false
	for i := range r.kinds {
		k := &r.kinds[i]
		k.suspect = k.mayBegin(literal)
		any = any || k.suspect
	}
	for i := range r.texts {
		any = any || bytes.Contains(r.texts[i].buf, literal)
	}
	return !any || r.markCandidates(literal)
}

// markCandidates goes through the texts of the messages and leaves the reader as it was.
func (r *blockReader) markCandidates(literal []byte) (ok bool) {
	texts, kind, length := r.texts, r.columns.kind, r.columns.length
	defer func() { r.texts, r.columns.kind, r.columns.length = texts, kind, length }()
	var next [textGroups]finding
	for row := range r.header.rows {
		number := r.columns.kind.value()
		if number >= uint64(len(r.kinds)) {
			return false
		}
		k, group := &r.kinds[number], r.groups[number]
		before := r.texts[group].buf
		tail, ok := r.tail(k, group)
		if !ok {
			return false
		}
		if k.suspect || next[group].in(before, len(tail), literal) {
			r.wanted.set(row)
		}
	}
	return true
}

// A finding is where in a text a literal is next: looked for once, it holds for all
// messages up to there.
type finding struct {
	known bool
	left  int // bytes of the text from there on; -1 if it isn't in it any more
}

// in reports whether the first n bytes of a text contain the literal. The text is what
// is left of that of the call before.
func (p *finding) in(text []byte, n int, literal []byte) bool {
	if !p.known || p.left > len(text) {
		p.known, p.left = true, -1
		if at := bytes.Index(text, literal); at >= 0 {
			p.left = len(text) - at
		}
	}
	return p.left >= 0 && len(text)-p.left+len(literal) <= n
}

// mayBegin reports whether a literal may begin in the head of a message of this kind. It
// may say so where that isn't true.
func (k *readKind) mayBegin(literal []byte) bool {
	front, back := k.head[:k.stampAt], k.head[k.stampAt:]
	if k.style == styleLiteral {
		front, back = nil, k.head // nothing stands between the two
	}
	return bytes.Contains(front, literal) || bytes.Contains(back, literal) ||
		endsWithBegin(back, literal, nil) ||
		k.style != styleLiteral && (endsWithBegin(front, literal, mayBeginStamp) || mayBeginInStamp(literal, back))
}

// endsWithBegin reports whether b ends with a part of the literal's beginning, behind
// which comes what then accepts.
func endsWithBegin(b, literal []byte, then func(byte) bool) bool {
	for n := min(len(b), len(literal)-1); n > 0; n-- {
		if bytes.HasPrefix(literal, b[len(b)-n:]) && (then == nil || then(literal[n])) {
			return true
		}
	}
	return false
}

// mayBeginInStamp reports whether a literal may begin in a stamp behind which back stands.
func mayBeginInStamp(literal, back []byte) bool {
	for n := 1; n <= len(literal) && mayBeInStamp(literal[:n]); n++ {
		if rest := literal[n:]; bytes.HasPrefix(back, rest) || bytes.HasPrefix(rest, back) {
			return true
		}
	}
	return false
}

// months are all the letters of stamps but two.
const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"

// mayBeInStamp reports whether a stampWriter may write a text: a month stands at the
// beginning.
func mayBeInStamp(text []byte) bool {
	n := 0
	for n < len(text) && isLetter(text[n]) {
		n++
	}
	if n > 1 && !strings.Contains(months, string(text[:n])) || n == 1 && !strings.Contains(months+"TZ", string(text[:1])) {
		return false
	}
	for _, c := range text[n:] {
		if !bytes.ContainsRune([]byte("0123456789 :.-+TZ"), rune(c)) {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' }

// mayBeginStamp reports whether the first byte of a stamp may be this.
func mayBeginStamp(c byte) bool { return isLetter(c) || '0' <= c && c <= '9' || c == '-' }
