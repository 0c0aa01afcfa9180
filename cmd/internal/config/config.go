// Package config makes one validated Config of a YAML file, the environment and
// the command line.
//
// Every setting is declared once, in settings.go: its YAML key, its flag, its
// default and what it means. The name of its environment variable follows from
// the flag: --ntp-poll is SKEWATCH_NTP_POLL. A flag wins over the environment,
// the environment over the file, and the file over the default.
//
// Nothing that isn't understood is passed over: an unknown key is an error, and
// all errors are reported at once, each with its place and its remedy.
package config

import (
	"errors"
	"net/netip"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/pflag"

	"github.com/skewatch/skewatch/collector/message"
)

// A Config is what a skewatch server is told to do. Load makes it; every field
// is valid then.
type Config struct {
	// Data is the directory that holds messages and state.
	Data string

	// Simulated says that what is received is made up, and so is every report of it.
	Simulated bool

	Retention Retention

	Listen Listen
	TLS    TLS
	Limits Limits

	// HTTP is the address of the HTTP API and dashboard, host:port; "" turns it off. If
	// others than this machine reach it, Web says who is let in.
	HTTP string
	Web  Web

	NTP NTP

	// ReceiveStamps is the clock that is asked for receive stamps. With
	// StampedByKernel, what the kernel didn't stamp is stamped by the process and
	// says so.
	ReceiveStamps message.StampedBy

	// AssumeZone is the zone in which stamps that name none are read.
	AssumeZone Zone

	// WarnHold is how long a verdict must stand before it warns.
	WarnHold time.Duration

	Log Log

	// Profile names where Tolerance and Critical come from.
	Profile Profile

	// Tolerance is the largest offset, ahead or behind, of a clock that is in
	// order.
	Tolerance time.Duration

	// Critical is the offset, ahead or behind, beyond which a warning is
	// critical. It is never below Tolerance.
	Critical time.Duration

	// Hosts are exceptions for some hosts. HostFor says which hold for one.
	Hosts []Host

	// Notify are the outputs that warnings are sent to.
	Notify []Notify

	// Forward are the receivers that messages are sent on to.
	Forward []Forward

	// Reports are made by a schedule.
	Reports []Report

	// Rules are files of rules over messages, or the names of those that come with the
	// program.
	Rules []string

	origins  map[string]origin // by key
	misnamed []Oddity          // environment variables that name no setting
}

// Listen holds the addresses of the listeners, host:port. An empty list turns a
// listener off, and port 0 stands for any free one.
type Listen struct {
	UDP     []string
	TCP     []string
	TLS     []string
	RELP    []string
	RELPTLS []string
}

// TLS names the files that TLS is served with, "" for none, and the clients that are let
// in. Package tlsauth says what they mean.
type TLS struct {
	Certificate string
	Key         string
	ClientCA    string
	Permit      []string
}

// Web names the files that say who may ask over HTTP, "" for none. Package access says what
// they hold. With neither, everybody who reaches the address may.
type Web struct {
	Config string
	Tokens string
	Admins []string // users who may change something
}

// Limits bounds what senders can take up.
type Limits struct {
	Message            int64         // octets of the longest message kept whole
	Connections        int           // open at once
	ConnectionsPerPeer int           // of one address
	Handshake          time.Duration // of TLS
	Idle               time.Duration // for which a connection may send nothing
	Allow              []netip.Prefix

	// Hosts is how many hosts' clocks are judged at once.
	Hosts int

	// HostsPerPeer is how many of them one peer may send for; 0 for half.
	HostsPerPeer int
}

// NTP says how the collector's own clock is judged.
type NTP struct {
	// Servers are the sources, as ntpcheck.ParseServer reads them, none twice.
	Servers []string

	// Keys is the file of the symmetric keys that Servers name, "" for none.
	Keys string

	// NTSCA is a file of CAs that sign NTS servers' certificates beside the system's,
	// "" for none.
	NTSCA string

	// Poll is the shortest time between two questions to one source.
	Poll time.Duration

	// Holdover is how long the reference is relied on after its last answer.
	Holdover time.Duration

	KernelClock KernelClock
}

// KernelClock says what the kernel's own word about its clock is worth.
type KernelClock string

// The uses of the kernel's word.
const (
	KernelAuto  KernelClock = "auto"  // the reference when no source answers and the kernel says that it is synchronised
	KernelOff   KernelClock = "off"   // not asked
	KernelTrust KernelClock = "trust" // true on the operator's word; every report says so
)

// Log says how the server reports on itself.
type Log struct {
	Format LogFormat
	Level  logrus.Level
}

// LogFormat is the shape of a log line.
type LogFormat string

// The shapes of log lines.
const (
	LogText LogFormat = "text" // key=value pairs
	LogJSON LogFormat = "json" // one object a line
)

// Load makes a Config of what was given: the file that --config or
// SKEWATCH_CONFIG names, the environment (as os.Environ returns it), and flags
// that Flags has declared. Nil stands for no flags and for no environment. The
// error joins an *Error for each thing that is wrong.
func Load(flags *pflag.FlagSet, environ []string) (*Config, error) {
	l := newLoader()
	l.defaults()
	env := environment(environ)
	if file, ok := fileName(flags, env); ok {
		l.file("config", file)
	}
	l.environment(env)
	l.flags(flags)
	l.checkTogether()
	if err := errors.Join(l.errs...); err != nil {
		return nil, err
	}
	return l.config, nil
}

// PerPeer returns how many hosts one peer may send for.
func (l Limits) PerPeer() int {
	if l.HostsPerPeer == 0 {
		return l.Hosts / 2
	}
	return l.HostsPerPeer
}

// Retention is how long messages are kept. Zero is for ever.
type Retention struct {
	Age   time.Duration
	Bytes int64 // of all segments
}
