package rules

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// parsed returns a line as a host sent it.
func parsed(line string) *message.Message {
	m := &message.Message{Source: netip.MustParseAddr("192.0.2.250"), Trust: message.TrustHandshake}
	parse.Parse([]byte(line), m)
	return m
}

// builtins returns the rules that come with the program.
func builtins(t testing.TB) *Set {
	t.Helper()
	var files []*File
	for _, name := range Builtins() {
		f, _, err := Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	s, err := NewSet(files...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// what writes hits for comparison: the rules that count them, and the groups.
func what(hits []Hit) string {
	var all []string
	for i := range hits {
		h := &hits[i]
		kind := "failure"
		switch {
		case h.pattern.roles[0].rule.Name == "login-after-failures" && !h.pattern.roles[0].before:
			kind = "login"
		case strings.HasPrefix(h.pattern.roles[0].rule.Name, "refused"):
			kind = "refused"
		}
		text := fmt.Sprintf("%s %s@%s", kind, h.value("user"), h.value("address"))
		if h.times > 1 {
			text += fmt.Sprintf(" x%d", h.times)
		}
		if h.matcher.echo {
			text += " echo"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// TestBuiltinsMatch holds the rules against lines as the programs write them.
func TestBuiltinsMatch(t *testing.T) {
	const windows = "An account failed to log on.    Subject:   Security ID:  S-1-0-0   Account Name:  -   Account Domain:  -   Logon ID:  0x0    Logon Type:   3    " +
		"Account For Which Logon Failed:   Security ID:  S-1-0-0   Account Name:  Administrator   Account Domain:  CORP    Failure Information:   " +
		"Failure Reason:  Unknown user name or bad password.   Status:   0xC000006D   Sub Status:  0xC000006A    Process Information:   Caller Process ID: 0x0   " +
		"Caller Process Name: -    Network Information:   Workstation Name: WS1   Source Network Address: 192.0.2.7   Source Port:  51234"
	tests := []struct{ line, want string }{
		{"<38>Nov 21 10:00:00 web1 sshd[4711]: Failed password for root from 192.0.2.7 port 51182 ssh2", "failure root@192.0.2.7"},
		{"<38>Nov 21 10:00:00 web1 sshd[4711]: Failed password for invalid user admin from 2001:db8::7 port 51182 ssh2", "failure admin@2001:db8::7"},
		{"<38>Nov 21 10:00:00 web1 sshd-session[4711]: Failed keyboard-interactive/pam for invalid user from x from 192.0.2.7 port 51182 ssh2", "failure from x@192.0.2.7"},
		{"<38>Nov 21 10:00:00 web1 sshd[4711]: message repeated 3 times: [ Failed password for root from 192.0.2.7 port 51182 ssh2]", "failure root@192.0.2.7 x3"},
		{"<38>Nov 21 10:00:00 web1 sshd[4711]: Invalid user pascal5 from 35.188.49.176 port 53502", "failure pascal5@35.188.49.176 echo"},
		{"<38>Nov 21 10:00:00 web1 sshd[4711]: Invalid user  from 35.188.49.176 port 53502", "failure @35.188.49.176 echo"},
		{"<38>Nov 21 10:00:00 web1 sshd[4711]: Disconnected from authenticating user root 179.43.183.98 port 59402 [preauth]", "failure root@179.43.183.98 echo"},
		{"<38>Nov 21 10:00:00 web1 sshd[4711]: Connection closed by invalid user ftp 192.0.2.7 port 26138 [preauth]", "failure ftp@192.0.2.7 echo"},
		{"<86>Nov 21 10:00:00 web1 sshd[4711]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root", "failure root@192.0.2.7 echo"},
		{"<38>1 2026-11-21T10:00:00+00:00 OPNsense.localdomain sshd 14281 - [meta sequenceId=\"11\"] Failed password for root from ::ffff:192.0.2.7 port 33176 ssh2", "failure root@192.0.2.7"},
		{"<38>Nov 21 10:00:00 web1 sshd[4711]: Accepted publickey for vagrant from 192.0.2.7 port 56296 ssh2: RSA SHA256:1M4R", "login vagrant@192.0.2.7"},
		{"<38>Nov 21 10:00:00 web1 sshd[4711]: Connection closed by 192.0.2.7 port 33594 [preauth]", ""},
		{"<38>Nov 21 10:00:00 web1 sshd[4711]: Received disconnect from 192.0.2.7 port 4711:11: Bye Bye [preauth]", ""},
		{"<13>Nov 21 10:00:00 web1 app[4711]: Failed password for root from 192.0.2.7 port 51182 ssh2", ""},
		{"<85>Nov 21 10:00:00 web1 sudo:   alice : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/sh", "failure alice@ x3"},
		{"<85>Nov 21 10:00:00 web1 sudo: pam_unix(sudo:auth): authentication failure; logname=alice uid=1000 euid=0 tty=/dev/pts/0 ruser=alice rhost=  user=alice", "failure alice@ echo"},
		{"<85>Nov 21 10:00:00 web1 sudo:    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/ls", ""},
		{"<85>Nov 21 10:00:00 web1 su[900]: pam_unix(su:auth): authentication failure; logname=alice uid=1000 euid=0 tty=pts/1 ruser=alice rhost=  user=root", "failure root@"},
		{"<85>Nov 21 10:00:00 web1 login[901]: pam_unix(login:auth): 2 more authentication failures; logname=LOGIN uid=0 euid=0 tty=/dev/tty1 ruser= rhost=  user=bob", "failure bob@ x2"},
		{"<85>Nov 21 10:00:00 web1 vsftpd[33]: pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=bob rhost=192.0.2.7  user=bob", "failure bob@192.0.2.7"},
		{"<14>Nov 21 10:00:00 evil app: pam_unix(su:auth): authentication failure; rhost=192.0.2.7 user=bob", ""},
		{"<22>Nov 21 10:00:00 mail dovecot: imap-login: Info: Disconnected: Aborted login by logging out (auth failed, 2 attempts in 15 secs): user=<hess@test.example>, method=PLAIN, rip=172.17.0.1, lip=172.17.0.2, TLS, session=<6wz>", "failure hess@test.example@172.17.0.1 x2"},
		{"<22>Nov 21 10:00:00 mail dovecot: pop3-login: Info: Login: user=<test@yourdomain.example>, method=PLAIN, rip=172.17.0.1, lip=172.17.0.2, mpid=18, TLS, session=<PeYc>", "login test@yourdomain.example@172.17.0.1"},
		{"<20>Nov 21 10:00:00 mail postfix/smtpd[26897]: warning: unknown[203.0.113.42]: SASL LOGIN authentication failed: authentication failure", "failure @203.0.113.42"},
		{"<20>Nov 21 10:00:00 mail postfix/submission/smtpd[2]: warning: unknown[203.0.113.42]: SASL PLAIN authentication failed: (reason unavailable), sasl_username=bob@example.com", "failure bob@example.com@203.0.113.42"},
		{`<190>Nov 21 10:00:00 web1 nginx: 192.0.2.7 - - [21/Nov/2026:10:00:00 +0000] "GET /wp-login.php HTTP/1.1" 404 153 "-" "Mozilla/5.0"`, "refused @192.0.2.7"},
		{`<190>Nov 21 10:00:00 web1 apache2[5]: shop.example:443 192.0.2.7 - bob [21/Nov/2026:10:00:00 +0000] "GET /admin HTTP/1.1" 401 381`, "refused bob@192.0.2.7"},
		{`<190>Nov 21 10:00:00 web1 nginx: 192.0.2.7 - - [21/Nov/2026:10:00:00 +0000] "GET /a\" 404 b HTTP/1.1" 200 153 "-" "x"`, ""},
		{`<190>Nov 21 10:00:00 web1 nginx: 192.0.2.7 - - [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 404 "-" "Mozilla/5.0"`, ""},
		{`<37>1 2026-11-21T10:00:00.123456+01:00 DC1 Microsoft-Windows-Security-Auditing 600 - [NXLOG@14506 Keywords="9227875636482146304" EventType="AUDIT_FAILURE" EventID="4625" SourceName="Microsoft-Windows-Security-Auditing" SubjectUserName="-" TargetUserSid="S-1-0-0" TargetUserName="Administrator" TargetDomainName="CORP" Status="0xc000006d" LogonType="3" WorkstationName="WS1" IpAddress="192.0.2.7" IpPort="51234"] An account failed to log on.`, "failure administrator@192.0.2.7"},
		{"<13>Nov 21 10:00:00 DC1 Microsoft-Windows-Security-Auditing[600]: " + windows, "failure administrator@192.0.2.7"},
		{"<13>Nov 21 10:00:00 DC1 MSWinEventLog\t1\tSecurity\t1234\tSat Nov 21 10:00:00 2026\t4625\tMicrosoft-Windows-Security-Auditing\tN/A\tN/A\tFailure Audit\tDC1\tLogon\t\t" + windows + "\t1233", "failure administrator@192.0.2.7"},
	}
	s := builtins(t)
	for _, tt := range tests {
		if got := what(s.Match(nil, parsed(tt.line))); got != tt.want {
			t.Errorf("%s\n is %q, want %q", tt.line, got, tt.want)
		}
	}
}

func TestRequiredLiterals(t *testing.T) {
	tests := []struct{ expression, want string }{
		{`Failed password for (?P<user>\S+)`, "Failed password for "},
		{`^(?:a )?Failed (?:password|none) for`, "Failed "},
		{`one|three`, "one three"},
		{`one|th?`, ""},
		{`(?i)failed`, ""},
		{`\d+`, ""},
		{`(?:abc)+x`, "abc"},
		{`(?:abc)*xy`, ""},
		{`(?:abcd){2,}`, "abcd"},
		{`x" (?:401|403|404) `, `x" 40`},
	}
	for _, tt := range tests {
		var got []string
		for _, l := range requiredLiterals(tt.expression) {
			got = append(got, string(l))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s needs %q, want %q", tt.expression, got, tt.want)
		}
	}
}

// ordinary are lines of a quiet day.
var ordinary = []string{
	"<30>Nov 21 10:00:00 web1 systemd[1]: Started Session 4711 of User alice.",
	"<6>Nov 21 10:00:00 web1 kernel: [123456.789012] eth0: renamed from veth12ab34c",
	"<78>Nov 21 10:00:00 web1 CRON[4711]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)",
	`<190>Nov 21 10:00:00 web1 nginx: 192.0.2.7 - - [21/Nov/2026:10:00:00 +0000] "GET /static/app.js HTTP/1.1" 200 48153 "https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"`,
	"<134>1 2026-11-21T10:00:00.123456Z web1 app 4711 - - order 8412 was paid in 23 ms by card, 3 items, customer 90210",
	"<38>Nov 21 10:00:00 web1 sshd[4711]: Connection closed by 192.0.2.7 port 33594 [preauth]",
}

func BenchmarkMatchOrdinary(b *testing.B) {
	s := builtins(b)
	var all []*message.Message
	for _, line := range ordinary {
		all = append(all, parsed(line))
	}
	var hits []Hit
	for i := 0; b.Loop(); i++ {
		if hits = s.Match(hits[:0], all[i%len(all)]); len(hits) > 0 {
			b.Fatal("an ordinary line counts")
		}
	}
}

func BenchmarkMatchFailure(b *testing.B) {
	s, m := builtins(b), parsed("<38>Nov 21 10:00:00 web1 sshd[4711]: Failed password for root from 192.0.2.7 port 51182 ssh2")
	var hits []Hit
	for b.Loop() {
		hits = s.Match(hits[:0], m)
	}
}
