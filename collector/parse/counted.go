package parse

// withoutCount takes away the octet count of RFC 6587, section 3.4.1, where it stands
// before a message although the transport needs none: `logger --udp --octet-count` puts
// it into datagrams. Digits are a count only if a PRI follows and they count right.
func withoutCount(b []byte) []byte {
	n := countDigits(b[:min(len(b), maxCountDigits)])
	if n == 0 || n+1 >= len(b) || b[n] != ' ' || b[n+1] != '<' || b[0] == '0' {
		return b
	}
	message := b[n+1:]
	if count, _ := number(b, 0, maxCountDigits); count != len(message) {
		return b
	}
	return message
}

// maxCountDigits is how many digits the count of the longest datagram has.
const maxCountDigits = 5
