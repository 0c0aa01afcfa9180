package config

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/pflag"

	"github.com/skewatch/skewatch/collector/message"
)

// load makes a Config of a YAML text ("" for no file), an environment and a
// command line.
func load(t *testing.T, yaml string, environ, args []string) (*Config, error) {
	t.Helper()
	if yaml != "" {
		name := filepath.Join(t.TempDir(), "skewatch.yaml")
		if err := os.WriteFile(name, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append([]string{"--config", name}, args...)
	}
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	Flags(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Load(set, environ)
}

func mustLoad(t *testing.T, yaml string, environ, args []string) *Config {
	t.Helper()
	c, err := load(t, yaml, environ, args)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	c, err := Load(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.origins = nil
	want := &Config{
		Data:   DefaultData(),
		Listen: Listen{UDP: []string{":514"}, TCP: []string{":514"}, TLS: []string{}, RELP: []string{}, RELPTLS: []string{}},
		TLS:    TLS{Permit: []string{}},
		Limits: Limits{
			Message: 64 << 10, Connections: 16_384, ConnectionsPerPeer: 12_288,
			Handshake: 8 * time.Second, Idle: 7 * 24 * time.Hour, Allow: []netip.Prefix{},
			Hosts: 100_000,
		},
		HTTP:          "127.0.0.1:8514",
		Web:           Web{Admins: []string{}},
		NTP:           NTP{Servers: publicServers, Poll: 16 * time.Second, Holdover: time.Hour, KernelClock: KernelAuto},
		ReceiveStamps: message.StampedByKernel,
		AssumeZone:    Zone{"UTC", time.UTC},
		WarnHold:      10 * time.Second,
		Rules:         []string{},
		Log:           Log{LogText, logrus.InfoLevel},
		Profile:       ProfileDefault,
		Tolerance:     time.Second,
		Critical:      5 * time.Second,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("Load(nil, nil) = %+v, want %+v", c, want)
	}
}

// samples are four values for each setting that has a flag, none the default.
var samples = map[string][4]string{
	"data":                        {"/a", "b", "/c d", "~"},
	"retention.age":               {"90d", "36h", "1d", "5h30m"},
	"retention.bytes":             {"100GB", "2TiB", "500MB", "123456789B"},
	"listen.udp":                  {":1514", "127.0.0.1:0", "[::1]:514", "syslog.example.net:514"},
	"listen.tcp":                  {":1514", "127.0.0.1:0", "[::1]:514", ""},
	"listen.relp":                 {":2514", "127.0.0.1:0", "[::1]:2514", "relp.example.net:20514"},
	"listen.tls":                  {":6514", "127.0.0.1:0", "[::1]:6514", "tls.example.net:6514"},
	"listen.relp_tls":             {":2515", "127.0.0.1:0", "[::1]:2515", "relp.example.net:2515"},
	"tls.certificate":             {"/a.pem", "b.pem", "/c d.pem", "e"},
	"tls.key":                     {"/a.key", "b.key", "/c d.key", "e"},
	"tls.client_ca":               {"/ca.pem", "b.pem", "", "e"},
	"tls.permit":                  {"sha-1:" + strings.Repeat("AB:", 19) + "AB", "SHA1:" + strings.Repeat("cd", 20), "sha-256:" + strings.Repeat("EF", 32), "sha256 Fingerprint=" + strings.Repeat("12:", 31) + "34"},
	"limits.message":              {"128KiB", "8KB", "480B", "1MiB"},
	"limits.connections":          {"1", "100", "20000", "1000000"},
	"limits.connections_per_peer": {"1", "100", "20000", "1000000"},
	"limits.handshake":            {"1s", "30s", "1m", "5s"},
	"limits.idle":                 {"1s", "1h", "30d", "36h"},
	"limits.hosts":                {"100", "5000", "250000", "10000000"},
	"limits.hosts_per_peer":       {"1", "2000", "40000", "10000000"},
	"limits.allow":                {"192.0.2.0/24", "192.0.2.1", "2001:db8::/32", "::1"},
	"http":                        {"127.0.0.1:0", "[::1]:80", "", "localhost:8080"},
	"web.config":                  {"/web.yml", "b.yml", "", "/c d"},
	"web.tokens":                  {"/tokens", "b", "", "/c d"},
	"web.admins":                  {"alice", "bob", "", "carol@example.net"},
	"ntp.servers":                 {"ntp1.example.net", "192.0.2.1:1123", "2001:db8::1", "[2001:db8::1]:123"},
	"ntp.keys":                    {"/etc/skewatch/ntp.keys", "b", "", "/c d"},
	"ntp.nts_ca":                  {"/ca.pem", "b.pem", "", "e"},
	"ntp.poll":                    {"1s", "17s", "1m30s", "17m4s"},
	"ntp.holdover":                {"0s", "10s", "2h", "36h"},
	"ntp.kernel_clock":            {"off", "trust", "off", "trust"},
	"receive_stamps":              {"user", "kernel", "user", "kernel"},
	"assume_zone":                 {"+02:00", "Europe/Paris", "-05:30", "Etc/GMT+3"},
	"warnings.hold":               {"0s", "1s", "1m", "1h"},
	"rules":                       {"builtin:logins", "/etc/skewatch/rules.yaml", "b.yaml", ""},
	"log.format":                  {"json", "text", "json", "text"},
	"log.level":                   {"debug", "warning", "error", "debug"},
	"profile":                     {"srg", "finra", "srg", "finra"},
	"tolerance":                   {"1ms", "250ms", "2s", "1.5s"},
}

// TestPrecedence gives each setting by every set of sources, and wants the value
// of the strongest.
func TestPrecedence(t *testing.T) {
	for _, s := range new(Config).settings() {
		if s.flag == "" {
			continue
		}
		texts, ok := samples[s.key]
		if !ok {
			t.Errorf("no samples for %s", s.key)
			continue
		}
		for sources := 1; sources < 8; sources++ {
			testPrecedence(t, s, texts, sources)
		}
	}
}

func testPrecedence(t *testing.T, s setting, texts [4]string, sources int) {
	t.Helper()
	var yaml, want string
	var environ []string
	args := needed(s.key)
	if sources&1 != 0 {
		yaml, want = yamlOf(s.key, texts[0]), texts[0]
	}
	if sources&2 != 0 {
		environ, want = []string{EnvName(s.flag) + "=" + texts[1]}, texts[1]
	}
	if sources&4 != 0 {
		args, want = append(args, "--"+s.flag+"="+texts[2+sources&1]), texts[2+sources&1]
	}
	c := mustLoad(t, yaml, environ, args)
	i := slices.IndexFunc(c.rows(), func(r row) bool { return r.key == s.key })
	if have := strings.Join(c.rows()[i].texts, ","); have != want {
		t.Errorf("%s from yaml %q, environment %q, flags %q = %q, want %q", s.key, yaml, environ, args, have, want)
	}
}

// needed returns the flags without which a key can't be set.
func needed(key string) []string {
	if strings.HasSuffix(key, "tls") {
		return []string{"--tls-cert=c.pem", "--tls-key=k.pem"}
	}
	return nil
}

// yamlOf returns a file that sets one key.
func yamlOf(key, text string) string {
	if section, name, nested := strings.Cut(key, "."); nested {
		return section + ":\n  " + name + ": " + quote(text) + "\n"
	}
	return key + ": " + quote(text) + "\n"
}

func TestLists(t *testing.T) {
	tests := []struct {
		name    string
		yaml    string
		environ []string
		args    []string
		want    []string
	}{
		{"repeated flag", "", nil, []string{"--listen-udp", ":1", "--listen-udp", ":2"}, []string{":1", ":2"}},
		{"empty flag", "", nil, []string{"--listen-udp", ""}, []string{}},
		{"commas in the environment", "", []string{"SKEWATCH_LISTEN_UDP=:1, :2"}, nil, []string{":1", ":2"}},
		{"empty variable", "", []string{"SKEWATCH_LISTEN_UDP="}, nil, []string{}},
		{"block list", "listen:\n  udp:\n    - :1\n    - :2\n", nil, nil, []string{":1", ":2"}},
		{"flow list", `listen: {udp: [":1", "[::1]:2"]}`, nil, nil, []string{":1", "[::1]:2"}},
		{"single value", "listen:\n  udp: :1\n", nil, nil, []string{":1"}},
		{"empty list", "listen: {udp: []}", nil, nil, []string{}},
		{"empty text", `listen: {udp: ""}`, nil, nil, []string{}},
		{"a list replaces, never adds", "listen: {udp: [\":1\", \":2\"]}", nil, []string{"--listen-udp", ":3"}, []string{":3"}},
		{"free ports repeat", "", nil, []string{"--listen-udp", "127.0.0.1:0", "--listen-udp", "127.0.0.1:0"}, []string{"127.0.0.1:0", "127.0.0.1:0"}},
	}
	for _, tt := range tests {
		c := mustLoad(t, tt.yaml, tt.environ, tt.args)
		if !slices.Equal(c.Listen.UDP, tt.want) || c.Listen.UDP == nil {
			t.Errorf("%s: Listen.UDP = %q, want %q", tt.name, c.Listen.UDP, tt.want)
		}
	}
}

func TestProfile(t *testing.T) {
	tests := []struct {
		name     string
		yaml     string
		environ  []string
		args     []string
		profile  Profile
		tol, max time.Duration
	}{
		{"srg", "", nil, []string{"--profile", "srg"}, ProfileSRG, time.Second, time.Second},
		{"finra", "profile: finra", nil, nil, ProfileFINRA, 50 * time.Millisecond, 50 * time.Millisecond},
		{"tolerance alone", "", nil, []string{"--tolerance", "2s"}, ProfileCustom, 2 * time.Second, 10 * time.Second},
		{"custom with tolerance", "profile: custom\ntolerance: 100ms", nil, nil, ProfileCustom, 100 * time.Millisecond, 500 * time.Millisecond},
		{"tolerance over a file's profile", "profile: srg", nil, []string{"--tolerance", "2s"}, ProfileCustom, 2 * time.Second, 10 * time.Second},
		{"profile over a file's tolerance", "tolerance: 2s", nil, []string{"--profile", "srg"}, ProfileSRG, time.Second, time.Second},
		{"profile over a variable's tolerance", "", []string{"SKEWATCH_TOLERANCE=2s"}, []string{"--profile", "finra"}, ProfileFINRA, 50 * time.Millisecond, 50 * time.Millisecond},
		{"a profile and its own tolerance", "profile: srg\ntolerance: 1s", nil, nil, ProfileSRG, time.Second, time.Second},
	}
	for _, tt := range tests {
		c := mustLoad(t, tt.yaml, tt.environ, tt.args)
		if c.Profile != tt.profile || c.Tolerance != tt.tol || c.Critical != tt.max {
			t.Errorf("%s: %s warns at %v, critical at %v, want %s, %v, %v", tt.name,
				c.Profile, c.Tolerance, c.Critical, tt.profile, tt.tol, tt.max)
		}
	}
}

const everything = `
data: "a b: #c"
listen:
  udp:
    - :514
    - "[::1]:514"
  tcp: []
http: ""
ntp:
  servers: ["10.0.0.1"]
  kernel_clock: trust
assume_zone: -0530
tolerance: 40ms
hosts:
  - match: "*.example.net"
    tolerance: 3s
  - zone: Europe/Paris
    match: 10.0.0.0/8
    relay: true
    expected: 90m
  - match: router
notify:
  - {name: ops, type: webhook, url: "https://hooks.example.net/a?b=c", secret_file: /etc/skewatch/secret, hosts: "Web*"}
  - name: mail
    type: email
    smtp: mail.example.net:587
    from: Skewatch <skewatch@example.net>
    to: [ops@example.net, "Team <team@example.net>"]
    min_severity: crit
  - {name: siem, type: syslog, address: "[2001:db8::1]:6514", transport: tls, ca: ca.pem}
  - {name: out, type: stdout}
forward:
  - {name: siem, address: "siem.example.net:20514", transport: relp-tls, ca: ca.pem, certificate: c.pem, key: k.pem}
  - {name: auth, address: "192.0.2.9:514", transport: tcp, hosts: "Web*", min_severity: warning, facilities: [auth, authpriv], match: "a|b", sd_id: clock@1.2}
reports:
  - {name: weekly, schedule: 0 12 * * 5, zone: Europe/Paris, period: 7d, format: csv, hosts: "DB*", profile: srg, sign: true, directory: /srv/reports, keep: 52}
  - {name: minutes, schedule: "*/5 * * * *", tolerance: 20ms, mail: mail, to: [boss@example.net]}
  - {name: daily, schedule: "@daily", directory: /srv/reports}
`

func TestWrittenConfigLoadsTheSame(t *testing.T) {
	for _, yaml := range []string{"# nothing\n", everything} {
		c := mustLoad(t, yaml, nil, nil)
		var b bytes.Buffer
		if err := c.WriteYAML(&b); err != nil {
			t.Fatal(err)
		}
		again := mustLoad(t, b.String(), nil, nil)
		c.origins, again.origins = nil, nil
		if !reflect.DeepEqual(c, again) {
			t.Errorf("%s\nloads as %+v, want %+v", b.String(), again, c)
		}
		if c.Hash() != again.Hash() {
			t.Errorf("%s\nhas hash %s, want %s", b.String(), again.Hash(), c.Hash())
		}
	}
}

func TestHash(t *testing.T) {
	plain := mustLoad(t, "", nil, nil)
	if h := plain.Hash(); len(h) != 12 || strings.Trim(h, "0123456789abcdef") != "" {
		t.Errorf("Hash() = %q, want 12 hexadecimal digits", h)
	}
	if stated := mustLoad(t, "ntp: {poll: 16s}", nil, nil); stated.Hash() != plain.Hash() {
		t.Errorf("the default written out has hash %s, want %s", stated.Hash(), plain.Hash())
	}
	seen := map[string]string{plain.Hash(): "the defaults"}
	for key, texts := range samples {
		h := mustLoad(t, yamlOf(key, texts[0]), nil, needed(key)).Hash()
		if other, ok := seen[h]; ok {
			t.Errorf("%s: %q has the hash of %s", key, texts[0], other)
		}
		seen[h] = key
	}
}

func TestWriteJSON(t *testing.T) {
	var b bytes.Buffer
	c := mustLoad(t, everything, []string{"SKEWATCH_LOG_LEVEL=debug"}, []string{"--ntp-poll", "32s"})
	if err := c.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Hash     string
		Settings []struct {
			Key   string
			Value any
			From  string
		}
	}
	if err := json.Unmarshal(b.Bytes(), &shown); err != nil {
		t.Fatal(err)
	}
	if shown.Hash != c.Hash() {
		t.Errorf("hash = %q, want %q", shown.Hash, c.Hash())
	}
	have := map[string]any{}
	for _, s := range shown.Settings {
		from, _, _ := strings.Cut(s.From, " ")
		have[s.Key+" from "+from] = s.Value
	}
	for key, want := range map[string]any{
		"data from file":               "a b: #c",
		"listen.udp from file":         []any{":514", "[::1]:514"},
		"listen.tcp from file":         []any{},
		"ntp.poll from flag":           "32s",
		"log.level from env":           "debug",
		"warnings.hold from default":   "10s",
		"hosts[1].zone from file":      "Europe/Paris",
		"hosts[0].tolerance from file": "3s",
		"hosts[1].relay from file":     "true",
		"hosts[1].expected from file":  "1h30m",
	} {
		if !reflect.DeepEqual(have[key], want) {
			t.Errorf("%s: %#v, want %#v", key, have[key], want)
		}
	}
}

func TestOddities(t *testing.T) {
	tests := []struct {
		name    string
		yaml    string
		environ []string
		args    []string
		want    []string // fields
	}{
		{"nothing", "", nil, nil, nil},
		{"finra", "", nil, []string{"--profile", "finra"}, []string{"profile"}},
		{"own small tolerance", "", nil, []string{"--tolerance", "10ms"}, []string{"tolerance"}},
		{"two servers", "ntp: {servers: [a, b]}", nil, nil, []string{"ntp.servers"}},
		{"no server, but the kernel", "ntp: {servers: []}", nil, nil, nil},
		{"no reference at all", "ntp: {servers: [], kernel_clock: off}", nil, nil, []string{"ntp.servers"}},
		{"trusted clock", "ntp: {kernel_clock: trust}", nil, nil, []string{"ntp.kernel_clock"}},
		{"pool polled too often", "", nil, []string{"--ntp-poll", "1s"}, []string{"ntp.poll"}},
		{"own servers may be polled so", "ntp: {servers: [a, b, c, d], poll: 1s}", nil, nil, nil},
		{"three servers", "ntp: {servers: [a key 1, b nts, c]}", nil, nil, []string{"ntp.servers"}},
		{"a pool is four", "ntp: {servers: [a pool]}", nil, nil, nil},
		{"short holdover", "", nil, []string{"--ntp-holdover", "10s"}, []string{"ntp.holdover"}},
		{"no listener", "listen: {udp: [], tcp: []}", nil, nil, []string{"listen"}},
		{"RELP alone", "listen: {udp: [], tcp: [], relp: [\":2514\"]}", nil, nil, nil},
		{"client CA for nobody", "tls: {client_ca: a.pem}", nil, nil, []string{"tls.client_ca"}},
		{"permit for nobody", "tls: {permit: 'sha-1:" + strings.Repeat("AB", 20) + "'}", nil, nil, []string{"tls.permit"}},
		{"idle soon", "limits: {idle: 30s}", nil, nil, []string{"limits.idle"}},
		{"a peer may take all", "limits: {hosts: 1000, hosts_per_peer: 2000}", nil, nil, []string{"limits.hosts_per_peer"}},
		{"host twice", "hosts: [{match: a, zone: UTC}, {match: b}, {match: a}]", nil, nil, []string{"hosts[2]"}},
		{"misspelt variable", "", []string{"SKEWATCH_LISTEN_UPD=:1"}, nil, []string{"SKEWATCH_LISTEN_UPD"}},
		{"variables of others", "", []string{"SKEWATCH_PORT=tcp://10.0.0.1:514", "SKEWATCH_SERVICE_HOST=10.0.0.1", "HTTP=1", "SKEWATCH_SERVER=x"}, nil, nil},
	}
	for _, tt := range tests {
		var have []string
		for _, odd := range mustLoad(t, tt.yaml, tt.environ, tt.args).Oddities() {
			have = append(have, odd.Field)
		}
		if !slices.Equal(have, tt.want) {
			t.Errorf("%s: Oddities() are about %q, want %q", tt.name, have, tt.want)
		}
	}
}
