package parse

import (
	"bytes"

	"github.com/skewatch/skewatch/collector/message"
)

// forwardedFrom stands before the host in what AIX passes on: "Message forwarded from
// web1: su: …".
var forwardedFrom = []byte("Message forwarded from ")

// cutHostOfAIX reads the host of a message that begins with "Message", which is a
// host's name itself unless AIX wrote it.
func cutHostOfAIX(b []byte, m *message.Message) (rest []byte) {
	if !bytes.HasPrefix(b, forwardedFrom) {
		word := firstWord(b)
		m.Host = word
		return b[len(word)+1:]
	}
	b = b[len(forwardedFrom):]
	word := firstWord(b)
	m.Host = present(bytes.TrimSuffix(word, []byte(":")))
	return b[min(len(word)+1, len(b)):]
}

// cutHostBeforeTag reads the host from a word that looks like a tag, with a colon at its
// end, where devices write their hosts so.
func cutHostBeforeTag(b, name []byte, m *message.Message) (rest []byte) {
	text := b[len(name)+1:]
	if len(text) < 2 || text[0] != ' ' {
		return b
	}
	if text[1] == '%' {
		return cutBeforeMnemonic(b, name, m)
	}
	if host := withoutUniFi(name); len(host) < len(name) {
		m.Host = host
		return text[1:]
	}
	return b
}

// uniFiTail is how much stands at least behind the name in "name,18e829487600,v4.0.66".
const uniFiTail = len(",18e829487600,v4")

// withoutUniFi returns the name in such a word of a UniFi device, which would change with
// its firmware, and any other word as it is.
func withoutUniFi(word []byte) []byte {
	const digits = 12 // of a MAC
	comma := bytes.IndexByte(word, ',')
	if comma <= 0 || len(word) < comma+uniFiTail {
		return word
	}
	after := word[comma+1:]
	for _, c := range after[:digits] {
		if !isHex(c) {
			return word
		}
	}
	if after[digits] != ',' || after[digits+1] != 'v' {
		return word
	}
	return word[:comma]
}

func isHex(c byte) bool { return isDigit(c) || c|0x20-'a' < 6 }

// withoutSecondHost takes away the host's name where UniFi devices write it a second
// time, alone or as "name,18e829487600,v4.0.66". A tag or a bracket must follow: any text
// may begin with the word that stands before it.
func withoutSecondHost(b, host []byte) []byte {
	word := firstWord(b)
	if len(word) == len(b) || !bytes.Equal(withoutUniFi(word), host) {
		return b
	}
	rest := b[len(word)+1:]
	if _, _, n := readTag(firstWord(rest)); n > 0 || len(rest) > 0 && rest[0] == '[' {
		return rest
	}
	return b
}
