package collector

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"

	"github.com/sirupsen/logrus"
	"gopkg.in/mcuadros/go-syslog.v2/format"

	"github.com/skewatch/skewatch/collector/message"
)

// Defaults of a Config.
const (
	DefaultMaxMessage       = 64 << 10
	DefaultMaxConnections   = 16_384
	DefaultPerPeer          = 12_288 // a quarter is left for others
	DefaultHandshakeTimeout = 8 * time.Second
	DefaultIdleTimeout      = 7 * 24 * time.Hour
	DefaultReceiveBuffer    = 8 << 20
)

// minMaxMessage is what every receiver must take (RFC 5424, section 6.1).
const minMaxMessage = 480

// mostUDPSockets is the most sockets that serve one UDP address.
const mostUDPSockets = 4

// Config says what to listen on and how. Zero values stand for the defaults.
type Config struct {
	// Addresses to listen on, host:port; port 0 picks a free one.
	UDP, TCP, TLS, RELP, RELPTLS []string

	// Custom are listeners for messages that package parse doesn't know.
	Custom []Custom

	// Inherited are sockets that somebody else has bound, such as systemd. The
	// Collector takes them over, and closes the files.
	Inherited []Inherited

	// TLSConfig is what TLS and RELPTLS are served with. A client that shows a
	// certificate is trusted as its owner, so the TLSConfig must verify those that it
	// asks for.
	TLSConfig *tls.Config

	// Stamps is the clock to stamp messages with. StampedByKernel falls back to
	// StampedByUser, and the log says so, where the system can't.
	Stamps message.StampedBy

	// MaxMessage is the longest message kept whole, in octets: at least 480.
	// Longer ones are cut there and marked Truncated. A datagram holds no more
	// than 65,507 octets over IPv4.
	MaxMessage int

	// MaxConnections is how many connections of all streams together may be open at
	// once, and MaxPerPeer how many of one address, or of one /64 of IPv6: three quarters
	// of MaxConnections at most. Further ones are closed at once and counted.
	MaxConnections, MaxPerPeer int

	// HandshakeTimeout is how long the TLS handshake of a connection may take.
	HandshakeTimeout time.Duration

	// IdleTimeout is for how long a connection may send nothing; up to a sixteenth of it
	// may be missing. A RELP peer that waits for our acknowledgement isn't idle. Keep-alives
	// find a peer that is gone long before. Most senders lose what they write first into
	// a connection that was closed.
	IdleTimeout time.Duration

	// Allow are the networks whose messages are taken; none stands for all.
	Allow []netip.Prefix

	// UDPSockets is how many sockets serve each UDP address, where the system spreads
	// datagrams over several; all of one sender's go to one of them.
	UDPSockets int

	// ReceiveBuffer is how many octets a UDP socket may queue in the kernel. Twice
	// that is granted, and 700 or more a datagram are the kernel's own.
	ReceiveBuffer int

	Now func() time.Time // the clock of user stamps; time.Now if nil
	Log logrus.FieldLogger
}

// Custom is a listener whose messages are read by a format of go-syslog.v2, which may be
// anybody's. Package custom says what of it is believed.
type Custom struct {
	Transport message.Transport // UDP, TCP or TLS
	Address   string            // host:port
	Format    format.Format
}

// Inherited is a socket that was bound before the Collector came.
type Inherited struct {
	File      *os.File
	Transport message.Transport // what is spoken there
}

func (cfg Config) withDefaults() Config {
	cfg.MaxMessage = cmp.Or(cfg.MaxMessage, DefaultMaxMessage)
	cfg.MaxConnections = cmp.Or(cfg.MaxConnections, DefaultMaxConnections)
	cfg.MaxPerPeer = cmp.Or(cfg.MaxPerPeer, DefaultPerPeer)
	cfg.HandshakeTimeout = cmp.Or(cfg.HandshakeTimeout, DefaultHandshakeTimeout)
	cfg.IdleTimeout = cmp.Or(cfg.IdleTimeout, DefaultIdleTimeout)
	cfg.UDPSockets = cmp.Or(cfg.UDPSockets, min(runtime.GOMAXPROCS(0), mostUDPSockets))
	cfg.ReceiveBuffer = cmp.Or(cfg.ReceiveBuffer, DefaultReceiveBuffer)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = logrus.StandardLogger()
	}
	return cfg
}

func (cfg *Config) validate() error {
	if cfg.MaxMessage < minMaxMessage {
		return fmt.Errorf("MaxMessage: too short (got %d): every receiver must take %d octets", cfg.MaxMessage, minMaxMessage)
	}
	if cfg.TLSConfig == nil && cfg.NeedsTLS() {
		return errors.New("TLSConfig: missing: TLS and RELPTLS need one, with a certificate")
	}
	for i, custom := range cfg.Custom {
		switch {
		case custom.Format == nil:
			return fmt.Errorf("Custom[%d].Format: missing", i)
		case speaksRELP(custom.Transport):
			return fmt.Errorf("Custom[%d].Transport: has a framing of its own (got %v): give UDP, TCP or TLS", i, custom.Transport)
		}
	}
	for _, limit := range [...]struct {
		name string
		n    int64
	}{
		{"MaxConnections", int64(cfg.MaxConnections)}, {"MaxPerPeer", int64(cfg.MaxPerPeer)},
		{"UDPSockets", int64(cfg.UDPSockets)}, {"ReceiveBuffer", int64(cfg.ReceiveBuffer)},
		{"HandshakeTimeout", int64(cfg.HandshakeTimeout)}, {"IdleTimeout", int64(cfg.IdleTimeout)},
	} {
		if limit.n < 0 {
			return fmt.Errorf("%s: negative (got %d): give 0 for the default", limit.name, limit.n)
		}
	}
	return nil
}

// NeedsTLS reports whether something is to be served over TLS, inherited sockets included.
func (cfg *Config) NeedsTLS() bool {
	for _, in := range cfg.Inherited {
		if overTLS(in.Transport) {
			return true
		}
	}
	for _, custom := range cfg.Custom {
		if overTLS(custom.Transport) {
			return true
		}
	}
	return len(cfg.TLS)+len(cfg.RELPTLS) > 0
}

// addresses returns those of a transport.
func (cfg *Config) addresses(t message.Transport) []string {
	return [message.Transports][]string{
		message.UDP: cfg.UDP, message.TCP: cfg.TCP, message.TLS: cfg.TLS, message.RELP: cfg.RELP, message.RELPTLS: cfg.RELPTLS,
	}[t]
}

// filesOfOthers are open files that connections must leave to the rest of the program: the
// store's, the sockets listened on, and questions over HTTP.
const filesOfOthers = 48

// fitOpenFiles lowers the limit of connections to what the limit of open files allows, so
// that files can still be opened when all connections are taken.
func (cfg *Config) fitOpenFiles() {
	limit, known := openFileLimit()
	if !known {
		return
	}
	most := max(1, int(min(limit, 1<<30))-filesOfOthers)
	if most < cfg.MaxConnections {
		cfg.Log.Warnf("%d connections may be open at once instead of %d, because %d files may be: raise that with LimitNOFILE= in the systemd unit, or ulimit -n",
			most, cfg.MaxConnections, limit)
		cfg.MaxConnections = most
	}
}

// leaveRoom lowers the limit of one peer's connections so that a quarter of all is left for
// others.
func (cfg *Config) leaveRoom() {
	quarter := (cfg.MaxConnections-1)/4 + 1
	cfg.MaxPerPeer = min(cfg.MaxPerPeer, max(1, cfg.MaxConnections-quarter))
}
