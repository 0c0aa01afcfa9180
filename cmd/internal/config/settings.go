package config

import (
	"strconv"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
)

// settings declares all that can be configured, bound to the fields of c, in the
// order in which it is shown. Keys of one section stand together.
func (c *Config) settings() []setting {
	return []setting{
		{key: "data", flag: "data", arg: "DIR", preset: []string{DefaultData()},
			usage:   "keep messages and state in this directory",
			binding: one(&c.Data, directory)},
		{key: "simulated", preset: []string{"false"}, rare: true, binding: one(&c.Simulated, choice(strconv.FormatBool, true, false))},

		{key: "retention.age", flag: "retention-age", arg: "TIME", preset: []string{forever},
			usage:   "remove messages older than this, such as 400d, a day's worth at a time",
			binding: one(&c.Retention.Age, age)},
		{key: "retention.bytes", flag: "retention-bytes", arg: "SIZE", preset: []string{unlimited},
			usage:   "remove the oldest messages while all take more than this, such as 100GB",
			binding: one(&c.Retention.Bytes, size)},

		{key: "listen.udp", flag: "listen-udp", arg: "ADDRESS", preset: []string{":514"},
			usage:   "receive syslog over UDP here; repeatable, empty for none",
			binding: list(&c.Listen.UDP, listenAddress)},
		{key: "listen.tcp", flag: "listen-tcp", arg: "ADDRESS", preset: []string{":514"},
			usage:   "receive syslog over TCP here; repeatable, empty for none",
			binding: list(&c.Listen.TCP, listenAddress)},
		{key: "listen.tls", flag: "listen-tls", arg: "ADDRESS", preset: []string{""},
			usage:   "receive syslog over TLS here, by RFC 5425; repeatable (default: none)",
			binding: list(&c.Listen.TLS, tlsAddress)},
		{key: "listen.relp", flag: "listen-relp", arg: "ADDRESS", preset: []string{""},
			usage:   "receive syslog over RELP here, acknowledged when on disk; repeatable (default: none)",
			binding: list(&c.Listen.RELP, relpAddress)},
		{key: "listen.relp_tls", flag: "listen-relp-tls", arg: "ADDRESS", preset: []string{""},
			usage:   "receive syslog over RELP over TLS here; repeatable (default: none)",
			binding: list(&c.Listen.RELPTLS, relpAddress)},

		{key: "tls.certificate", flag: "tls-cert", arg: "FILE", preset: []string{""},
			usage:   "show this certificate (PEM) over TLS; read anew when it changes",
			binding: one(&c.TLS.Certificate, optionalFile)},
		{key: "tls.key", flag: "tls-key", arg: "FILE", preset: []string{""},
			usage:   "the certificate's private key (PEM)",
			binding: one(&c.TLS.Key, optionalFile)},
		{key: "tls.client_ca", flag: "tls-client-ca", arg: "FILE", preset: []string{""},
			usage:   "let in only senders whose certificate one of these CAs (PEM) has signed",
			binding: one(&c.TLS.ClientCA, optionalFile)},
		{key: "tls.permit", flag: "tls-permit", arg: "NAME", preset: []string{""},
			usage:   "let in only senders with this name in their certificate, or this fingerprint; repeatable",
			binding: list(&c.TLS.Permit, permit)},

		{key: "limits.message", flag: "max-message", arg: "SIZE", preset: []string{"64KiB"},
			usage:   "cut messages that are longer, and mark them",
			binding: one(&c.Limits.Message, messageSize)},
		{key: "limits.connections", flag: "max-connections", arg: "N", preset: []string{strconv.Itoa(collector.DefaultMaxConnections)},
			usage:   "have no more connections open at once",
			binding: one(&c.Limits.Connections, count(1))},
		{key: "limits.connections_per_peer", flag: "max-connections-per-peer", arg: "N", preset: []string{strconv.Itoa(collector.DefaultPerPeer)},
			usage:   "have no more connections of one address open at once",
			binding: one(&c.Limits.ConnectionsPerPeer, count(1))},
		{key: "limits.handshake", flag: "handshake-timeout", arg: "TIME", preset: []string{formatDuration(collector.DefaultHandshakeTimeout)},
			usage:   "close a connection whose TLS handshake takes longer",
			binding: one(&c.Limits.Handshake, duration(time.Second))},
		{key: "limits.idle", flag: "idle-timeout", arg: "TIME", preset: []string{formatAge(collector.DefaultIdleTimeout)},
			usage:   "close a connection that has sent nothing for so long",
			binding: one(&c.Limits.Idle, span(time.Second))},
		{key: "limits.allow", flag: "allow", arg: "NETWORK", preset: []string{""},
			usage:   "take messages from this network only; repeatable (default: from all)",
			binding: list(&c.Limits.Allow, network)},
		{key: "limits.hosts", flag: "max-hosts", arg: "N", preset: []string{"100000"},
			usage:   "judge at most this many hosts' clocks at once (some 6 kB of memory each)",
			binding: one(&c.Limits.Hosts, count(leastHosts))},
		{key: "limits.hosts_per_peer", flag: "max-hosts-per-peer", arg: "N", preset: []string{half},
			usage:   "let one peer, such as a relay, send for this many of them at most, or half",
			binding: one(&c.Limits.HostsPerPeer, or(half, count(1)))},

		{key: "http", flag: "http", arg: "ADDRESS", preset: []string{"127.0.0.1:8514"},
			usage:   "serve the HTTP API here; any address but loopback needs --web-config; empty for none",
			binding: one(&c.HTTP, httpAddress)},
		{key: "web.config", flag: "web-config", arg: "FILE", preset: []string{""},
			usage:   "serve HTTPS and let in users by this web configuration file of exporter-toolkit's; read anew when it changes",
			binding: one(&c.Web.Config, optionalFile)},
		{key: "web.tokens", flag: "web-tokens", arg: "FILE", preset: []string{""},
			usage:   "let in programs by the tokens in this file, as skewatch config token makes them; read anew when it changes",
			binding: one(&c.Web.Tokens, optionalFile)},
		{key: "web.admins", flag: "web-admin", arg: "NAME", preset: []string{""},
			usage:   "let this user change things too, such as silencing warnings; the others may only read; repeatable",
			binding: list(&c.Web.Admins, verbatim(func(string) *fault { return nil }))},

		{key: "ntp.servers", flag: "ntp-server", arg: "HOST[:PORT]", preset: publicServers,
			usage:   "judge the collector's own clock by this NTP server, after which may stand: key N, nts, pool; repeatable, empty for none",
			binding: list(&c.NTP.Servers, ntpServer)},
		{key: "ntp.keys", flag: "ntp-keys", arg: "FILE", preset: []string{""},
			usage:   "read the keys that servers name from here, in the format of chrony.keys",
			binding: one(&c.NTP.Keys, optionalFile)},
		{key: "ntp.nts_ca", flag: "nts-ca", arg: "FILE", preset: []string{""},
			usage:   "believe NTS servers whose certificate one of these CAs (PEM) has signed, beside the system's",
			binding: one(&c.NTP.NTSCA, optionalFile)},
		{key: "ntp.poll", flag: "ntp-poll", arg: "TIME", preset: []string{"16s"},
			usage:   "ask each NTP server this often, and less while it agrees, down to once in 1024s",
			binding: one(&c.NTP.Poll, duration(time.Second))},
		{key: "ntp.holdover", flag: "ntp-holdover", arg: "TIME", preset: []string{"1h"},
			usage:   "rely on the last NTP answers for this long",
			binding: one(&c.NTP.Holdover, duration(0))},
		{key: "ntp.kernel_clock", flag: "kernel-clock", arg: "USE", preset: []string{string(KernelAuto)},
			usage:   "use the kernel's own word about its clock: auto, off or trust",
			binding: one(&c.NTP.KernelClock, choice(word, KernelAuto, KernelOff, KernelTrust))},

		{key: "receive_stamps", flag: "receive-stamps", arg: "CLOCK", preset: []string{"kernel"},
			usage:   "stamp arrivals in the kernel or in this process: kernel or user",
			binding: one(&c.ReceiveStamps, choice(message.StampedBy.String, message.StampedByKernel, message.StampedByUser))},
		{key: "assume_zone", flag: "assume-zone", arg: "ZONE", preset: []string{"UTC"},
			usage:   "read stamps that name no zone as written in this one: UTC, +02:00, Europe/Paris",
			binding: one(&c.AssumeZone, zone)},

		{key: "warnings.hold", flag: "warn-hold", arg: "TIME", preset: []string{"10s"},
			usage:   "warn only of a verdict that has stood for this long",
			binding: one(&c.WarnHold, duration(0))},

		{key: "rules", flag: "rules", arg: "FILE", preset: []string{""},
			usage:   "watch messages by the rules in this file, or by builtin:NAME (see skewatch rules list); repeatable (default: none)",
			binding: list(&c.Rules, optionalFile)},

		{key: "log.format", flag: "log-format", arg: "FORMAT", preset: []string{string(LogText)},
			usage:   "write log lines as text or json",
			binding: one(&c.Log.Format, choice(word, LogText, LogJSON))},
		{key: "log.level", flag: "log-level", arg: "LEVEL", preset: []string{"info"},
			usage: "log this and what is graver: error, warning, info or debug",
			binding: one(&c.Log.Level, choice(logrus.Level.String,
				logrus.ErrorLevel, logrus.WarnLevel, logrus.InfoLevel, logrus.DebugLevel))},

		{key: "profile", flag: "profile", arg: "NAME", preset: []string{string(ProfileDefault)},
			usage:   "judge clocks by a rule's tolerance: default, srg, finra or custom",
			binding: one(&c.Profile, choice(word, ProfileDefault, ProfileSRG, ProfileFINRA, ProfileCustom))},
		{key: "tolerance", flag: "tolerance", arg: "TIME",
			usage:   "let clocks be this far off (default: the profile's; makes the profile custom)",
			binding: one(&c.Tolerance, duration(time.Microsecond))},

		{key: "hosts", items: c.hostItems, example: "match: web*"},
		{key: "notify", items: c.notifyItems, example: "name: ops"},
		{key: "forward", items: c.forwardItems, example: "name: siem"},
		{key: "reports", items: c.reportItems, example: "name: weekly"},
	}
}

// publicServers are of the public pool: one each of its four subsets, so that
// four names don't resolve to one server.
var publicServers = []string{"0.pool.ntp.org", "1.pool.ntp.org", "2.pool.ntp.org", "3.pool.ntp.org"}
