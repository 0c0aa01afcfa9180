package config

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestNotify(t *testing.T) {
	c := mustLoad(t, everything, nil, nil)
	want := []Notify{
		{Name: "ops", Type: NotifyWebhook, URL: "https://hooks.example.net/a?b=c", SecretFile: "/etc/skewatch/secret", MinSeverity: NotifyWarn, Hosts: "web*"},
		{Name: "mail", Type: NotifyEmail, SMTP: "mail.example.net:587", From: "Skewatch <skewatch@example.net>",
			To: []string{"ops@example.net", "Team <team@example.net>"}, Transport: NotifySTARTTLS, MinSeverity: NotifyCrit},
		{Name: "siem", Type: NotifySyslog, Address: "[2001:db8::1]:6514", Transport: NotifyTLS, CA: "ca.pem", MinSeverity: NotifyWarn},
		{Name: "out", Type: NotifyStdout, MinSeverity: NotifyWarn},
	}
	if !reflect.DeepEqual(c.Notify, want) {
		t.Errorf("outputs are\n%+v, want\n%+v", c.Notify, want)
	}
}

func TestNotifyErrors(t *testing.T) {
	const url = `url: "https://a/b"`
	tests := []struct{ item, want, hint string }{
		{"type: stdout", `config: notify[0].name: missing at :2`, `begin the item with it, such as "name: ops"`},
		{"name: a b, type: stdout", `config: notify[0].name: not a name (got "a b") at :2`, `write up to 64 letters, digits and - _ . such as "ops"`},
		{"name: a", `config: notify[0].type: missing at :2`, `write it as "type: webhook"`},
		{"name: a, type: slack", `config: notify[0].type: not one of webhook, alertmanager, email, syslog, stdout (got "slack") at :2`, ``},
		{"name: a, type: webhook", `config: notify[0].url: missing at :2`, `write it as "url: https://hooks.example.net/skewatch"`},
		{"name: a, type: webhook, url: hooks", `config: notify[0].url: not an http or https URL (got "hooks") at :2`, `write it as "https://hooks.example.net/skewatch"`},
		{"name: a, type: webhook, secret: x, " + url, `config: notify[0].secret: unknown key at :2`,
			`known here: name, type, url, secret_file, username, password_file, ca, smtp, from, to, address, transport, min_severity, hosts`},
		{"name: a, type: webhook, to: [a@b], " + url, `config: notify[0].to: outputs of type webhook have no such setting at :2`,
			`known here: name, type, min_severity, hosts, url, secret_file, username, password_file, ca`},
		{"name: a, type: webhook, username: u, " + url, `config: notify[0].username: needs a password at :2`,
			`name the file that holds it, such as "password_file: /etc/skewatch/password"`},
		{"name: a, type: webhook, username: u, password_file: p, url: 'http://a/b'", `config: notify[0].password_file: the password would travel unencrypted at :2`,
			`use https, or for e-mail "transport: starttls"`},
		{"name: a, type: alertmanager, secret_file: s, " + url, `config: notify[0].secret_file: outputs of type alertmanager have no such setting at :2`,
			`known here: name, type, min_severity, hosts, url, username, password_file, ca`},
		{"name: a, type: email, from: a@b, to: [a@b]", `config: notify[0].smtp: missing at :2`, `write it as "smtp: mail.example.net:587"`},
		{"name: a, type: email, smtp: m, from: a@b, to: [a@b]", `config: notify[0].smtp: missing port (got "m") at :2`, `write "m:587"`},
		{"name: a, type: email, smtp: 'm:25', from: a, to: [a@b]", `config: notify[0].from: not an e-mail address (got "a") at :2`,
			`write it as "ops@example.net" or "Operations <ops@example.net>"`},
		{"name: a, type: email, smtp: 'm:25', from: a@b, to: []", `config: notify[0].to: missing at :2`, `write it as "to: [ops@example.net]"`},
		{"name: a, type: email, smtp: 'm:25', from: a@b, to: [a@b], transport: udp", `config: notify[0].transport: outputs of type email have no such transport (got "udp") at :2`,
			`write one of [starttls tls plain]`},
		{"name: a, type: syslog, address: ':514'", `config: notify[0].address: names no receiver (got ":514") at :2`, `write host:port, such as "logs.example.net:514"`},
		{"name: a, type: stdout, min_severity: critical", `config: notify[0].min_severity: not one of warn, crit (got "critical") at :2`, ``},
		{"name: a, type: stdout, hosts: '[a'", `config: notify[0].hosts: not a name pattern (got "[a") at :2`, `write a name with * and ? for any part, such as "web*"`},
		{"name: a, type: stdout}\n  - {name: a, type: stdout", `config: notify[1].name: is notify[0]'s name too (got "a") at :3`, `give each output a name of its own`},
	}
	for _, tt := range tests {
		_, err := load(t, "notify:\n  - {"+tt.item+"}\n", nil, nil)
		checkError(t, tt.item, err, tt.want, tt.hint)
	}
}

// TestNotifySecrets wants what a secret's file holds to be shown nowhere, and a URL that
// would hold a password to be refused.
func TestNotifySecrets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := mustLoad(t, "notify: [{name: a, type: webhook, url: 'https://a/', username: u, secret_file: "+file+", password_file: "+file+"}]", nil, nil)
	var shown bytes.Buffer
	if err := c.WriteYAML(&shown); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteJSON(&shown); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(shown.String(), "hunter2") || !strings.Contains(shown.String(), file) {
		t.Errorf("shown is\n%s, want the file's name and not what it holds", shown.String())
	}
	_, err := load(t, "notify: [{name: a, type: webhook, url: 'https://u:hunter2@a/'}]", nil, nil)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a URL with a password: %v, want an error without it", err)
	}
}
