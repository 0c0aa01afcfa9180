package parse

import (
	"bytes"

	"github.com/skewatch/skewatch/collector/message"
)

// parseRFC3164 reads what follows the PRI as RFC 3164, section 4.1, has it, in the
// shapes that senders really give it. Where no stamp shows that this is a header,
// all of it is text (section 4.3.2).
func parseRFC3164(b []byte, m *message.Message) {
	b = withoutSpaces(b) // some senders write "<13> Oct 11 …"
	n := readHeaderStamp(b, &m.Sent)
	if n == 0 {
		parseOther(b, m)
		return
	}
	if n+1 < len(b) && isDigit(b[n+1]) {
		n += readYearBehind(b[n:], &m.Sent)
	}
	parseHostAndTag(b[n:], m)
}

// parseOther tries the families whose headers don't begin as RFC 3164 has it. Most
// messages without such a header have none at all, and are told by their first byte.
func parseOther(b []byte, m *message.Message) {
	if len(b) == 0 {
		return
	}
	unreadable := m.Sent.Format // StampInvalid for what looks like a date
	m.Sent = message.Stamp{}
	found := false
	switch {
	case isDigit(b[0]):
		found = parseDated(b, m) || parseEpoch(b, m)
	case isUpper(b[0]):
		found = parseDated(b, m)
	case b[0] == 'd':
		found = parseFields(b, m)
	}
	if !found && !parseCisco(b, m) {
		m.Sent.Format = max(m.Sent.Format, unreadable)
	}
}

// parseHostAndTag reads what follows the stamp.
func parseHostAndTag(b []byte, m *message.Message) {
	b = withoutSpaces(b) // Junos writes two
	b = cutHost(b, m)
	b = cutTag(b, m)
	setText(m, b)
}

// readHeaderStamp reads the stamp in the place where RFC 3164 puts one to s, with
// the colon that Cisco and others write after it, and returns its length. That is 0
// when nothing there has the shape of a stamp: s is then StampInvalid if it looks
// like a date, else StampNone.
func readHeaderStamp(b []byte, s *message.Stamp) (n int) {
	if n = readBSD(b, s); n == 0 {
		n = readISO(b, s)
	}
	if n > 0 && n < len(b) && b[n] == ':' {
		n++
	}
	if n > 0 && (n == len(b) || b[n] == ' ') {
		return n
	}
	*s = message.Stamp{}
	if looksLikeDate(b) {
		s.Format = message.StampInvalid
	}
	return 0
}

// looksLikeDate tells a stamp that can't be read from no stamp at all. A date
// begins with an English month, spaces and a digit, or with four digits, '-' and a
// digit.
func looksLikeDate(b []byte) bool {
	if monthNumber(b) > 0 {
		day := withoutSpaces(b[3:])
		return len(day) > 0 && len(day) < len(b)-3 && isDigit(day[0])
	}
	return len(b) > 5 && countDigits(b[:5]) == 4 && b[4] == '-' && isDigit(b[5])
}

// cutHost reads HOSTNAME and returns what follows the space after it. A word that
// is a tag shows that there is no host, as from the Docker driver.
func cutHost(b []byte, m *message.Message) (rest []byte) {
	word := firstWord(b)
	if name, id, n := readTag(word); n > 0 {
		if id == nil {
			return cutHostBeforeTag(b, name, m)
		}
		return b
	}
	rest = b[min(len(word)+1, len(b)):]
	if len(word) > MaxHost {
		return b
	}
	if len(word) == 0 || len(rest) == 0 {
		m.Host = present(word)
		return rest
	}
	switch {
	case rest[0] == ':' || word[0] == ':':
		return cutHostBeforeColon(b, word, m)
	case rest[0] == 'f' && string(word) == "Message":
		return cutHostOfAIX(b, m)
	}
	m.Host = word
	if len(word) > uniFiTail {
		m.Host = withoutUniFi(word)
	}
	if rest[0] == word[0] {
		return withoutSecondHost(rest, m.Host)
	}
	return rest
}

// cutTag reads the TAG (RFC 3164, section 4.1.3), if there is one, and returns what
// follows it and the one space that rsyslog and others write behind its colon.
func cutTag(b []byte, m *message.Message) (rest []byte) {
	name, id, n := readTag(firstWord(b))
	if n == 0 {
		return b
	}
	m.AppName, m.ProcID = name, present(id)
	if rest = b[n:]; len(rest) > 0 && rest[0] == ' ' {
		rest = rest[1:]
	}
	return rest
}

// readTag reads "name[id]:", which text may follow at once, or a word that is
// "name:". n is its length, 0 if word does not begin with a tag.
func readTag(word []byte) (name, id []byte, n int) {
	if open := bytes.IndexByte(word, '['); open > 0 {
		end := open + bytes.IndexByte(word[open:], ']')
		if end > open && end+1 < len(word) && word[end+1] == ':' {
			return word[:open], word[open+1 : end], end + 2
		}
	}
	if last := len(word) - 1; last > 0 && word[last] == ':' {
		return word[:last], nil, len(word)
	}
	return nil, nil, 0
}

// withoutSpaces returns b from its first byte on that is no space.
func withoutSpaces(b []byte) []byte {
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	return b
}

// firstWord returns b up to the first space or control character.
func firstWord(b []byte) []byte {
	for i, c := range b {
		if c <= ' ' {
			return b[:i]
		}
	}
	return b
}
