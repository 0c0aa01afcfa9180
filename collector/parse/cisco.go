package parse

import (
	"bytes"

	"github.com/skewatch/skewatch/collector/message"
)

// A ciscoHeader is what stands before the text of a message of IOS, IOS-XR and their
// kin, in this order. Any part may be missing:
//
//	29: host: 000123: *Apr 29 13:58:40.411 UTC: %SYS-5-CONFIG_I: …
//	29: host RP/0/RP0/CPU0:Apr 29 13:58:40.411 UTC: bgp[1051]: …
//	host: 2026 Apr 29 13:58:40 UTC: %AUTHPRIV-6-SYSTEM_MSG: …
//	29: 20w2d: %SYS-5-CONFIG_I: …
type ciscoHeader struct {
	host     []byte
	numbered bool // by the syslog server's count or the device's own
	node     bool // of IOS-XR: where in the chassis the message comes from
	mark     byte // '*', '.' or 0
	uptime   bool // instead of a stamp
	stamp    message.Stamp
}

// parseCisco reads a message with such a header, and reports whether it is one.
func parseCisco(b []byte, m *message.Message) bool {
	var h ciscoHeader
	n := h.readPrefix(b)
	if n == 0 && !isStampStart(b[0]) {
		return false
	}
	stamped := h.readStamp(b[n:])
	n += stamped
	text := withoutSpaces(b[n:])
	if !h.isCisco(stamped > 0, text) {
		if h.numbered && looksLikeDate(bytes.TrimLeft(text, "*.")) {
			m.Sent.Format = message.StampInvalid
		}
		return false
	}
	m.Host, m.Sent = h.host, h.stamp
	if h.mark != 0 {
		m.TimeQuality.IsSynced = message.ClaimedFalse
	}
	setText(m, cutTag(text, m))
	return true
}

// isCisco reports whether what was found is enough to tell the header from a text with
// a date in it. Where neither a number nor a mark or node shows it, the text's "%" must,
// and so it must where there is no date.
func (h *ciscoHeader) isCisco(stamped bool, text []byte) bool {
	switch {
	case !stamped:
		return h.numbered && startsMnemonic(text)
	case h.uptime:
		return startsMnemonic(text)
	}
	return h.numbered || h.node || h.mark != 0 || startsMnemonic(text)
}

// startsMnemonic reports whether b begins as Cisco's messages do: "%SYS-5-CONFIG_I:".
func startsMnemonic(b []byte) bool {
	if len(b) == 0 || b[0] != '%' {
		return false
	}
	word := firstWord(b)
	for i := 2; i+2 < len(word); i++ {
		if word[i] == '-' && word[i+1]-'0' < 8 && word[i+2] == '-' {
			return bytes.IndexByte(b[i:], ':') > 0
		}
	}
	return false
}

// maxPrefixes is how many parts stand before a stamp at most: a colon alone, two numbers,
// the host, and a task or node.
const maxPrefixes = 5

// readPrefix reads what stands before the stamp and returns its length.
func (h *ciscoHeader) readPrefix(b []byte) (n int) {
	for range maxPrefixes {
		n += countSpaces(b[n:])
		length := h.readPart(b[n:])
		if length == 0 {
			break
		}
		n += length
	}
	return n
}

// readPart reads one part of the prefix: ":", "29:", "host:", "*task:", "RP/0/RP0/CPU0:",
// which the stamp follows at once, or a host without its colon before that.
func (h *ciscoHeader) readPart(b []byte) (n int) {
	if len(b) == 0 || h.node {
		return 0
	}
	word := firstWord(b)
	if len(word) == 0 {
		return 0
	}
	if n = nodeLength(b); n > 0 {
		h.node = true
		return n
	}
	last := len(word) - 1
	switch {
	case word[0] == ':':
		return 1
	case word[0] == '*' && word[last] == ':':
		return len(word) // the task of a wireless controller: "*spamApTask1:"
	case word[last] == ':' && countDigits(word) == last:
		h.numbered = true
		return len(word)
	case h.host != nil || !isHostStart(word[0]) || isDigit(word[0]) && uptimeLength(word) > 0:
		return 0
	case word[last] == ':':
		h.host = word[:last]
		return len(word)
	case len(b) > len(word) && nodeLength(b[len(word)+1:]) > 0:
		h.host = word
		return len(word)
	}
	return 0
}

// nodeLength returns the length of "RP/0/RP0/CPU0:" at the start of b; 0 if there is no
// such. No kind of node has a name of more than four letters.
func nodeLength(b []byte) int {
	slash := 0
	for slash < len(b) && slash <= 4 && isUpper(b[slash]) {
		slash++
	}
	if slash == 0 || slash+1 >= len(b) || b[slash] != '/' || !isDigit(b[slash+1]) {
		return 0
	}
	return bytes.IndexByte(firstWord(b), ':') + 1
}

// isStampStart reports whether a stamp, with or without a mark, may begin with c.
func isStampStart(c byte) bool { return c == '*' || c == '.' || isDigit(c) || isUpper(c) }

func isHostStart(c byte) bool { return isDigit(c) || c|0x20-'a' < 26 || c == '[' }

// readStamp reads the mark, the stamp, its zone and the colon behind it, and returns
// their length; 0 if there is no stamp.
func (h *ciscoHeader) readStamp(b []byte) (n int) {
	n = countSpaces(b)
	if n < len(b) && (b[n] == '*' || b[n] == '.') {
		h.mark = b[n]
		n++
	}
	length := uptimeLength(b[n:])
	if h.uptime = length > 0; h.uptime {
		return n + length
	}
	if length = h.readDate(b[n:]); length == 0 {
		return 0
	}
	n += length
	n += readHalfDay(b[n:], &h.stamp)
	n += readZoneBehind(b[n:], &h.stamp)
	if n == len(b) || b[n] != ':' {
		return 0
	}
	return n + 1
}

func (h *ciscoHeader) readDate(b []byte) (n int) {
	if n = readBSD(b, &h.stamp); n == 0 {
		n = readBSDYear(b, &h.stamp)
	}
	if n == 0 {
		n = readISO(b, &h.stamp)
	}
	return n
}

// readHalfDay reads " AM" or " PM", which the Unified Communications Manager writes
// between the seconds and their fraction: "04:34:17 PM.969".
func readHalfDay(b []byte, s *message.Stamp) (n int) {
	if len(b) < len(" AM") || b[0] != ' ' || b[1] != 'A' && b[1] != 'P' || b[2] != 'M' {
		return 0
	}
	nanos, digits := readFraction(b[3:])
	if n = len(" AM"); digits > 0 {
		n += 1 + digits
	}
	if !s.Usable() {
		return n
	}
	const halfDay = nanosPerDay / 2
	hour := s.Civil % nanosPerDay / (nanosPerDay / 24)
	if s.Civil < 0 || s.Digits > 0 || s.LeapSecond || digits > maxDigits || hour == 0 || hour > 12 {
		*s = message.Stamp{Format: message.StampInvalid}
		return n
	}
	if hour == 12 {
		s.Civil -= halfDay
	}
	if b[1] == 'P' {
		s.Civil += halfDay
	}
	s.Civil, s.Digits = s.Civil+nanos, uint8(digits)
	return n
}

// uptimeLength returns the length of a time since the start, "00:01:01:" or "20w2d:", at
// the start of b; 0 if there is none. It names no time of day.
func uptimeLength(b []byte) (n int) {
	if clock, length := readTimeOfDay(b); length > 0 && clock.digits == 0 {
		n = length
	} else {
		for n < len(b) && isDigit(b[n]) {
			n += countDigits(b[n:])
			if n == len(b) || bytes.IndexByte([]byte("ywdhms"), b[n]) < 0 {
				return 0
			}
			n++
		}
	}
	if n == 0 || n == len(b) || b[n] != ':' {
		return 0
	}
	return n + 1
}

// cutBeforeMnemonic finds what stands before "%ASA-6-302013: …" where the host seems to be
// missing, and returns what follows it: the zone behind a stamp, "UTC:", or the host of a
// firewall, "fw1:", which has no programs whose tag that could be. Any other is left.
func cutBeforeMnemonic(b, name []byte, m *message.Message) (rest []byte) {
	text := withoutSpaces(b[len(name)+1:])
	switch {
	case !startsMnemonic(text):
		return b
	case isZoneName(name):
		setZoneName(&m.Sent, name)
		return text
	case isFirewall(text):
		m.Host = name
		return text
	}
	return b
}

// isFirewall reports whether a mnemonic is of Cisco's firewalls or load balancers.
func isFirewall(text []byte) bool {
	switch facility, _, _ := bytes.Cut(text, []byte("-")); string(facility) {
	case "%ASA", "%FTD", "%PIX", "%FWSM", "%ACE":
		return true
	}
	return false
}

// cutHostBeforeColon reads the host where a colon follows alone, "fw1 : %ASA-6-302013: …",
// and finds that it is a zone, or not there at all.
func cutHostBeforeColon(b, word []byte, m *message.Message) (rest []byte) {
	if len(word) == 1 && word[0] == ':' {
		if text := withoutSpaces(b[1:]); startsMnemonic(text) {
			return text
		}
		return b
	}
	rest = b[len(word)+1:]
	text := withoutSpaces(rest[1:])
	switch ours := rest[0] == ':' && startsMnemonic(text); {
	case ours && isZoneName(word):
		setZoneName(&m.Sent, word)
		return text
	case ours:
		m.Host = word
		return text
	}
	m.Host = word
	return rest
}

func isZoneName(word []byte) bool {
	for _, c := range word {
		if !isUpper(c) {
			return false
		}
	}
	return len(word) <= maxZoneName
}

func countSpaces(b []byte) int { return len(b) - len(withoutSpaces(b)) }
