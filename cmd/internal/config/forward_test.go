package config

import (
	"reflect"
	"regexp"
	"testing"
)

func TestForward(t *testing.T) {
	c := mustLoad(t, everything, nil, nil)
	want := []Forward{
		{Name: "siem", Address: "siem.example.net:20514", Transport: ForwardRELPTLS, CA: "ca.pem", Certificate: "c.pem", Key: "k.pem",
			LeastSeverity: 7, SDID: "skewatch@32473"},
		{Name: "auth", Address: "192.0.2.9:514", Transport: ForwardTCP, Hosts: "web*", LeastSeverity: 4, Facilities: []uint8{4, 10},
			Match: regexp.MustCompile("a|b"), SDID: "clock@1.2"},
	}
	if !reflect.DeepEqual(c.Forward, want) {
		t.Errorf("receivers are\n%+v, want\n%+v", c.Forward, want)
	}
}

func TestForwardErrors(t *testing.T) {
	const to = `name: a, address: "a:514", transport: relp`
	tests := []struct{ item, want, hint string }{
		{`address: "a:514", transport: relp`, `config: forward[0].name: missing at :2`, `begin the item with it, such as "name: siem"`},
		{"name: a, transport: relp", `config: forward[0].address: missing at :2`, `write it as "address: siem.example.net:6514"`},
		{`name: a, address: "a:514"`, `config: forward[0].transport: missing at :2`, `write it as "transport: relp-tls", or relp, tls or tcp`},
		{`name: a, address: "a", transport: tcp`, `config: forward[0].address: missing port (got "a") at :2`, `write "a:514"`},
		{`name: a, address: "a:514", transport: udp`, `config: forward[0].transport: not one of tcp, tls, relp, relp-tls (got "udp") at :2`, ``},
		{to + ", ca: ca.pem", `config: forward[0].ca: nothing is encrypted over relp at :2`, `write "transport: relp-tls" or "transport: tls"`},
		{`name: a, address: "a:514", transport: tls, key: k`, `config: forward[0].key: needs the certificate at :2`, `write "certificate: /etc/skewatch/…" beside it`},
		{`name: a, address: "a:514", transport: tls, certificate: k`, `config: forward[0].certificate: needs the key at :2`, `write "key: /etc/skewatch/…" beside it`},
		{to + ", min_severity: warn", `config: forward[0].min_severity: not one of emerg, alert, crit, err, warning, notice, info, debug (got "warn") at :2`, `write "warning"`},
		{to + ", facilities: [auth, none]", `config: forward[0].facilities[1]: not one of kern, user, mail, daemon, auth, syslog, lpr, news, uucp, cron, authpriv, ftp, ntp, audit, alert, clock, local0, local1, local2, local3, local4, local5, local6, local7 (got "none") at :2`, ``},
		{to + ", match: '('", "config: forward[0].match: not a regular expression: missing closing ): `(` (got \"(\") at :2",
			`write \ before a character that stands for itself, such as "\(" or "\*"`},
		{to + ", sd_id: skewatch", `config: forward[0].sd_id: not the name of structured data of one's own (got "skewatch") at :2`, `write up to 32 characters, such as "skewatch@32473"`},
		{to + `, sd_id: "a]@1"`, `config: forward[0].sd_id: not the name of structured data of one's own (got "a]@1") at :2`, `write up to 32 characters, such as "skewatch@32473"`},
		{to + "}\n  - {" + to, `config: forward[1].name: is forward[0]'s name too (got "a") at :3`, `give each receiver a name of its own`},
	}
	for _, tt := range tests {
		_, err := load(t, "forward:\n  - {"+tt.item+"}\n", nil, nil)
		checkError(t, tt.item, err, tt.want, tt.hint)
	}
}
