package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
)

// A Notify is an output that warnings are sent to.
type Notify struct {
	Name         string // none has another's
	Type         NotifyType
	URL          string // of a webhook or an Alertmanager, without a path of its API
	SecretFile   string // holds the key that a webhook's requests are signed with; "" for none
	Username     string // for HTTP's basic authentication, or SMTP's; "" for none
	PasswordFile string
	CA           string // certificates (PEM) that sign the receiver's; "" for the system's
	SMTP         string // of an e-mail's server, host:port
	From         string
	To           []string
	Address      string          // of a syslog receiver, host:port
	Transport    NotifyTransport // never empty for a type that has any
	MinSeverity  NotifySeverity
	Hosts        string // a glob over host names in lower case; "" for all
}

// NotifyType is what an output speaks.
type NotifyType string

// The types of outputs.
const (
	NotifyWebhook      NotifyType = "webhook"
	NotifyAlertmanager NotifyType = "alertmanager"
	NotifyEmail        NotifyType = "email"
	NotifySyslog       NotifyType = "syslog"
	NotifyStdout       NotifyType = "stdout"
)

// NotifyTransport is how an output reaches its receiver.
type NotifyTransport string

// The transports of syslog, and those of e-mail.
const (
	NotifyUDP      NotifyTransport = "udp"
	NotifyTCP      NotifyTransport = "tcp" // octets counted (RFC 6587)
	NotifyTLS      NotifyTransport = "tls" // RFC 5425; of e-mail, TLS from the first octet on
	NotifySTARTTLS NotifyTransport = "starttls"
	NotifyPlain    NotifyTransport = "plain" // not encrypted
)

// NotifySeverity is how bad what an output tells must be.
type NotifySeverity string

// The severities.
const (
	NotifyWarn NotifySeverity = "warn"
	NotifyCrit NotifySeverity = "crit"
)

// notifyItems makes room for n outputs and returns the settings of each.
func (c *Config) notifyItems(n int) [][]setting {
	c.Notify = make([]Notify, n)
	for i := range c.Notify {
		c.Notify[i].MinSeverity = NotifyWarn
	}
	return c.notifySettings()
}

// notifySettings declares what can be configured for each of the outputs.
func (c *Config) notifySettings() [][]setting {
	tables := make([][]setting, len(c.Notify))
	for i := range c.Notify {
		n, at := &c.Notify[i], fmt.Sprintf("notify[%d].", i)
		tables[i] = []setting{
			{key: at + "name", binding: one(&n.Name, outputName)},
			{key: at + "type", binding: one(&n.Type, choice(word, NotifyWebhook, NotifyAlertmanager, NotifyEmail, NotifySyslog, NotifyStdout))},
			{key: at + "url", binding: one(&n.URL, receiverURL)},
			{key: at + "secret_file", binding: one(&n.SecretFile, secretFile)},
			{key: at + "username", binding: one(&n.Username, userName)},
			{key: at + "password_file", binding: one(&n.PasswordFile, secretFile)},
			{key: at + "ca", binding: one(&n.CA, secretFile)},
			{key: at + "smtp", binding: one(&n.SMTP, smtpServer)},
			{key: at + "from", binding: one(&n.From, mailAddress)},
			{key: at + "to", binding: list(&n.To, mailAddress)},
			{key: at + "address", binding: one(&n.Address, syslogReceiver)},
			{key: at + "transport", binding: one(&n.Transport, choice(word, NotifyUDP, NotifyTCP, NotifyTLS, NotifySTARTTLS, NotifyPlain))},
			{key: at + "min_severity", binding: one(&n.MinSeverity, choice(word, NotifyWarn, NotifyCrit))},
			{key: at + "hosts", binding: one(&n.Hosts, hostGlob)},
		}
	}
	return tables
}

// What each type of output must and may be given besides its name, and the transports that
// it can choose from, its default first.
var notifyTypes = map[NotifyType]struct {
	must, may  []string
	transports []NotifyTransport
}{
	NotifyWebhook:      {must: []string{"url"}, may: []string{"secret_file", "username", "password_file", "ca"}},
	NotifyAlertmanager: {must: []string{"url"}, may: []string{"username", "password_file", "ca"}},
	NotifyEmail: {must: []string{"smtp", "from", "to"}, may: []string{"transport", "username", "password_file", "ca"},
		transports: []NotifyTransport{NotifySTARTTLS, NotifyTLS, NotifyPlain}},
	NotifySyslog: {must: []string{"address"}, may: []string{"transport", "ca"},
		transports: []NotifyTransport{NotifyTCP, NotifyTLS, NotifyUDP}},
	NotifyStdout: {},
}

// everyNotify are the settings that all types have.
var everyNotify = []string{"name", "type", "min_severity", "hosts"}

// notifyExamples are values that show how the settings are written which a type must have.
var notifyExamples = map[string]string{
	"type": "type: webhook", "url": "url: https://hooks.example.net/skewatch", "smtp": "smtp: mail.example.net:587",
	"from": "from: skewatch@example.net", "to": "to: [ops@example.net]", "address": "address: siem.example.net:514",
}

// checkNotify finds what outputs lack, and what makes no sense for their type.
func (l *loader) checkNotify() {
	names := map[string]int{}
	for i := range l.config.Notify {
		n, at := &l.config.Notify[i], fmt.Sprintf("notify[%d].", i)
		if other, taken := names[n.Name]; taken {
			l.fail(at+"name", l.config.origins[at+"name"], n.Name, fault{
				problem: fmt.Sprintf("is notify[%d]'s name too", other), hint: "give each output a name of its own"})
		}
		names[n.Name] = i
		l.checkOutput(i, at)
	}
}

// checkOutput checks output i, whose keys begin with at.
func (l *loader) checkOutput(i int, at string) {
	n := &l.config.Notify[i]
	given := func(name string) bool { return l.config.origins[at+name] != origin{} }
	missing := func(name string) {
		l.fail(at+name, l.config.origins[at+"name"], "", fault{problem: "missing", hint: fmt.Sprintf("write it as %q", notifyExamples[name])})
	}
	if !given("type") || l.unread(at+"type") {
		missing("type")
		return
	}
	of := notifyTypes[n.Type]
	for _, name := range of.must {
		if !given(name) || name == "to" && len(n.To) == 0 {
			missing(name)
		}
	}
	known := slices.Concat(everyNotify, of.must, of.may)
	for _, s := range l.config.notifySettings()[i] {
		if name := strings.TrimPrefix(s.key, at); given(name) && !slices.Contains(known, name) {
			l.fail(s.key, l.config.origins[s.key], "", fault{problem: fmt.Sprintf("outputs of type %s have no such setting", n.Type),
				hint: "known here: " + strings.Join(known, ", ")})
		}
	}
	l.checkTransport(n, at)
	l.checkLogin(n, at)
}

// checkTransport settles the transport of a type that has any.
func (l *loader) checkTransport(n *Notify, at string) {
	known := notifyTypes[n.Type].transports
	switch {
	case len(known) == 0:
	case n.Transport == "":
		n.Transport = known[0]
	case !slices.Contains(known, n.Transport):
		l.fail(at+"transport", l.config.origins[at+"transport"], string(n.Transport), fault{
			problem: fmt.Sprintf("outputs of type %s have no such transport", n.Type), hint: fmt.Sprintf("write one of %v", known)})
	}
}

// checkLogin wants a password for each user name, and none to travel in the clear.
func (l *loader) checkLogin(n *Notify, at string) {
	name, password := at+"username", at+"password_file"
	switch from := l.config.origins; {
	case l.unread(name, password):
	case n.Username != "" && n.PasswordFile == "":
		l.fail(name, from[name], "", fault{problem: "needs a password", hint: `name the file that holds it, such as "password_file: /etc/skewatch/password"`})
	case n.Username == "" && n.PasswordFile != "":
		l.fail(password, from[password], "", fault{problem: "needs a user name", hint: `write "username: …" beside it`})
	case n.Username != "" && n.inClear():
		l.fail(password, from[password], "", fault{problem: "the password would travel unencrypted", hint: `use https, or for e-mail "transport: starttls"`})
	}
}

// inClear reports whether what is sent to another machine isn't encrypted.
func (n *Notify) inClear() bool {
	host, _, _ := net.SplitHostPort(n.SMTP)
	plain := n.Transport == NotifyPlain
	if u, err := url.Parse(n.URL); err == nil && n.URL != "" {
		host, plain = u.Hostname(), u.Scheme == "http"
	}
	addr, err := netip.ParseAddr(host)
	return plain && host != "localhost" && !(err == nil && addr.IsLoopback())
}

// outputName is the kind of names of outputs, which stand in metrics and as keys.
var outputName = verbatim(func(text string) *fault {
	const known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	if text == "" || len(text) > 64 || strings.Trim(text, known) != "" {
		return &fault{problem: "not a name", hint: `write up to 64 letters, digits and - _ . such as "ops"`}
	}
	return nil
})

// receiverURL is the kind of addresses of HTTP receivers. Secrets don't belong there.
var receiverURL = kind[string]{format: word[string], parse: func(text string) (string, *fault) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "", &fault{problem: "not an http or https URL", hint: `write it as "https://hooks.example.net/skewatch"`, hidden: strings.Contains(text, "@")}
	case u.User != nil:
		return "", &fault{problem: "holds a user name, and the configuration is shown to people", hint: `write it as "username: …" and "password_file: …"`, hidden: true}
	case u.Fragment != "":
		return "", &fault{problem: "holds a fragment, which is never sent", hint: "remove # and what follows"}
	}
	return text, nil
}}

// secretFile is the kind of names of files, "" for none.
var secretFile = verbatim(func(text string) *fault {
	if strings.ContainsAny(text, "\n\x00") {
		return &fault{problem: "not a file's name", hint: "name the file that holds it, and not what it holds"}
	}
	return nil
})

var userName = verbatim(func(text string) *fault {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return &fault{problem: "holds control characters"}
	}
	return nil
})

var (
	smtpServer     = verbatim(func(text string) *fault { return checkReceiver(text, "587") })
	syslogReceiver = verbatim(func(text string) *fault { return checkReceiver(text, "514") })
)

// checkReceiver checks where something is sent to: host:port, both given.
func checkReceiver(text, port string) *fault {
	if f := checkListen(text, port); f != nil {
		return f
	}
	if strings.HasPrefix(text, ":") || strings.HasSuffix(text, ":0") {
		return &fault{problem: "names no receiver", hint: fmt.Sprintf("write host:port, such as %q", "logs.example.net:"+port)}
	}
	return nil
}

var mailAddress = verbatim(func(text string) *fault {
	if _, err := mail.ParseAddress(text); err != nil || strings.ContainsAny(text, "\r\n") {
		return &fault{problem: "not an e-mail address", hint: `write it as "ops@example.net" or "Operations <ops@example.net>"`}
	}
	return nil
})

// hostGlob is the kind of globs over host names, "" for all.
var hostGlob = kind[string]{format: word[string], parse: func(text string) (string, *fault) {
	if _, err := path.Match(text, ""); err != nil {
		return "", &fault{problem: "not a name pattern", hint: `write a name with * and ? for any part, such as "web*"`}
	}
	return strings.ToLower(text), nil
}}
