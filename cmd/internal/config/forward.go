package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/skewatch/skewatch/collector/message"
)

// A Forward is a receiver that stored messages are sent on to.
type Forward struct {
	Name      string // none has another's
	Address   string // host:port
	Transport ForwardTransport

	// CA names the file of certificates (PEM) that sign the receiver's, "" for the
	// system's; Certificate and Key are what it is shown, "" for nothing.
	CA, Certificate, Key string

	// What is sent: messages of hosts that match a glob over names in lower case ("" for
	// all), no less grave than LeastSeverity (7 for all), of one of the facilities (none
	// for all), and that Match matches as they were sent (nil for all).
	Hosts         string
	LeastSeverity uint8
	Facilities    []uint8
	Match         *regexp.Regexp

	SDID string // of the structured data that is added
}

// ForwardTransport is how a Forward reaches its receiver.
type ForwardTransport string

// The transports.
const (
	ForwardTCP     ForwardTransport = "tcp" // octets counted (RFC 6587)
	ForwardTLS     ForwardTransport = "tls" // RFC 5425
	ForwardRELP    ForwardTransport = "relp"
	ForwardRELPTLS ForwardTransport = "relp-tls"
)

// Encrypted reports whether the transport is over TLS.
func (t ForwardTransport) Encrypted() bool { return t == ForwardTLS || t == ForwardRELPTLS }

// defaultSDID bears the enterprise number that RFC 5612 keeps for documentation.
const defaultSDID = "skewatch@32473"

// leastSevere is debug's number.
const leastSevere = 7

// forwardItems makes room for n receivers and returns the settings of each.
func (c *Config) forwardItems(n int) [][]setting {
	c.Forward = make([]Forward, n)
	for i := range c.Forward {
		c.Forward[i].LeastSeverity, c.Forward[i].SDID = leastSevere, defaultSDID
	}
	return c.forwardSettings()
}

// forwardSettings declares what can be configured for each of the receivers.
func (c *Config) forwardSettings() [][]setting {
	tables := make([][]setting, len(c.Forward))
	for i := range c.Forward {
		f, at := &c.Forward[i], fmt.Sprintf("forward[%d].", i)
		tables[i] = []setting{
			{key: at + "name", binding: one(&f.Name, outputName)},
			{key: at + "address", binding: one(&f.Address, syslogReceiver)},
			{key: at + "transport", binding: one(&f.Transport, choice(word, ForwardTCP, ForwardTLS, ForwardRELP, ForwardRELPTLS))},
			{key: at + "ca", binding: one(&f.CA, secretFile)},
			{key: at + "certificate", binding: one(&f.Certificate, secretFile)},
			{key: at + "key", binding: one(&f.Key, secretFile)},
			{key: at + "hosts", binding: one(&f.Hosts, hostGlob)},
			{key: at + "min_severity", binding: one(&f.LeastSeverity, severity)},
			{key: at + "facilities", binding: list(&f.Facilities, facility)},
			{key: at + "match", binding: one(&f.Match, expression)},
			{key: at + "sd_id", binding: one(&f.SDID, structuredDataID)},
		}
	}
	return tables
}

// checkForward finds what receivers lack, and what in them can't work together.
func (l *loader) checkForward() {
	names := map[string]int{}
	for i := range l.config.Forward {
		f, at := &l.config.Forward[i], fmt.Sprintf("forward[%d].", i)
		if other, taken := names[f.Name]; taken {
			l.failItem(at, "name", f.Name, fmt.Sprintf("is forward[%d]'s name too", other), "give each receiver a name of its own")
		}
		names[f.Name] = i
		if f.Address == "" {
			l.failItem(at, "address", "", "missing", `write it as "address: siem.example.net:6514"`)
		}
		if f.Transport == "" {
			l.failItem(at, "transport", "", "missing", `write it as "transport: relp-tls", or relp, tls or tcp`)
			continue
		}
		l.checkForwardTLS(f, at)
	}
}

// checkForwardTLS wants what concerns certificates where there are any, and the key beside
// the certificate.
func (l *loader) checkForwardTLS(f *Forward, at string) {
	for _, name := range [...]string{"ca", "certificate", "key"} {
		if l.has(at+name) && !f.Transport.Encrypted() {
			l.failItem(at, name, "", fmt.Sprintf("nothing is encrypted over %s", f.Transport), `write "transport: relp-tls" or "transport: tls"`)
			return
		}
	}
	if (f.Certificate == "") != (f.Key == "") {
		given, missing := "certificate", "key"
		if f.Certificate == "" {
			given, missing = missing, given
		}
		l.failItem(at, given, "", "needs the "+missing, fmt.Sprintf("write %q beside it", missing+": /etc/skewatch/…"))
	}
}

// severity is the kind of severities, by their keywords: 0 is emerg, 7 debug.
var severity = choice(func(n uint8) string { return message.Priority(n).Severity() }, numbers(8)...)

// facility is the kind of facilities, by their keywords.
var facility = choice(func(n uint8) string { return (message.Priority(n) << 3).Facility() }, numbers(24)...)

// numbers returns those below n.
func numbers(n uint8) []uint8 {
	all := make([]uint8, n)
	for i := range all {
		all[i] = uint8(i)
	}
	return all
}

// expression is the kind of regular expressions, nil for none.
var expression = kind[*regexp.Regexp]{
	format: func(e *regexp.Regexp) string {
		if e == nil {
			return ""
		}
		return e.String()
	},
	parse: func(text string) (*regexp.Regexp, *fault) {
		if text == "" {
			return nil, nil
		}
		e, err := regexp.Compile(text)
		if err != nil {
			return nil, &fault{problem: "not a regular expression: " + strings.TrimPrefix(err.Error(), "error parsing regexp: "),
				hint: `write \ before a character that stands for itself, such as "\(" or "\*"`}
		}
		return e, nil
	},
}

// structuredDataID is the kind of names of structured data of one's own (RFC 5424, section
// 7.2.2): a name, and the number of an enterprise.
var structuredDataID = verbatim(func(text string) *fault {
	name, number, _ := strings.Cut(text, "@")
	outside := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`="]`, r) }
	if name == "" || strings.Trim(number, "0123456789.") != "" || strings.Trim(number, ".") != number || number == "" ||
		len(text) > 32 || strings.ContainsFunc(name, outside) {
		return &fault{problem: "not the name of structured data of one's own", hint: fmt.Sprintf("write up to 32 characters, such as %q", defaultSDID)}
	}
	return nil
})
