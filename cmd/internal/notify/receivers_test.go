package notify

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

// A pager is whom an Alertmanager tells what begins and ends.
type pager struct {
	*httptest.Server
	mu   sync.Mutex
	told []string // alertname, host and status
}

func startPager(t testing.TB) *pager {
	t.Helper()
	p := new(pager)
	p.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var page struct {
			Alerts []struct {
				Status string
				Labels map[string]string
			}
		}
		_ = json.NewDecoder(r.Body).Decode(&page) // the test looks at what was told
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, a := range page.Alerts {
			p.told = append(p.told, strings.Join([]string{a.Labels["alertname"], a.Labels["host"], a.Status}, " "))
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *pager) all() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.told, ", ")
}

// TestAlertmanager has a real Alertmanager page once for what begins and once for its end,
// though the verdict changes meanwhile, though it forgets within a second what isn't
// repeated, and though the notifier is started anew.
func TestAlertmanager(t *testing.T) {
	t.Parallel()
	p := startPager(t)
	am := testbed.StartAlertmanager(t, p.URL, time.Second)
	o := quick
	o.Refresh = 200 * time.Millisecond
	o.URL = func() string { return "http://127.0.0.1:8514" }
	out := config.Notify{Name: "pager", Type: config.NotifyAlertmanager, URL: am.URL, MinSeverity: config.NotifyWarn}
	m := newMemory()
	n := start(t, m, o, out)
	n.tell(warning(`web1 "\é`, raised, "warn"))
	active := func(verdict, severity string) {
		t.Helper()
		eventually(t, func() error {
			alerts := am.Alerts(t)
			if len(alerts) != 1 || alerts[0].Annotations["verdict"] != verdict || alerts[0].Annotations["severity"] != severity {
				return fmt.Errorf("the alerts are %+v, want one of %s, %s", alerts, verdict, severity)
			}
			return nil
		})
	}
	active("ahead", "warn")
	a := am.Alerts(t)[0]
	if a.Labels["host"] != `web1 "\é` || a.Labels["source"] != "192.0.2.1" || a.Labels["output"] != "pager" || a.Status.State != "active" {
		t.Errorf("the alert is %+v", a)
	}
	if a.Annotations["offset_seconds"] != "40.5" || a.Annotations["check"] != "run chronyc tracking there" || !strings.Contains(a.GeneratorURL, "http://127.0.0.1:8514/api/v1/report?host=web1") {
		t.Errorf("the alert is %+v", a)
	}
	changed := warning(`web1 "\é`, "change", "crit")
	changed.Verdict, changed.Previous = "wrong-zone", "ahead"
	n.tell(changed)
	active("wrong-zone", "crit")
	n.stop()
	n = start(t, m, o, out)
	seen := am.Alerts(t)[0].UpdatedAt
	eventually(t, func() error {
		if at := am.Alerts(t)[0].UpdatedAt; at.Sub(seen) < 2*time.Second { // twice what it forgets in
			return fmt.Errorf("the alert was repeated at %v, and before at %v", at, seen)
		}
		return nil
	})
	n.tell(warning(`web1 "\é`, cleared, "crit"))
	eventually(t, func() error {
		if told, want := p.all(), `ClockWrong web1 "\é firing, ClockWrong web1 "\é resolved`; told != want || len(am.Alerts(t)) > 0 {
			return fmt.Errorf("paged are %s, want %s; %d alerts are active", told, want, len(am.Alerts(t)))
		}
		return nil
	})
	beside := warning("web2", raised, "warn")
	beside.Verdict, beside.Previous = "in-sync", "in-sync"
	many := warning("", raised, "warn")
	many.Source, many.Since = "", many.Time.Add(time.Second) // no reason to refuse it
	n.tell(beside, many)
	eventually(t, func() error {
		told := p.all()
		if !strings.Contains(told, "ClockNotice web2 firing") || !strings.Contains(told, "ClockNotice  firing") || strings.Contains(told, "Notice web2 resolved") {
			return fmt.Errorf("paged are %s, want two notices", told)
		}
		return nil
	})
	if s := n.Status()[0]; s.Failed > 0 {
		t.Errorf("the status is %+v, want no failures", s)
	}
}

// TestSIEM has a real rsyslogd understand each transport, however hostile a host's name is.
func TestSIEM(t *testing.T) {
	t.Parallel()
	authority := tlstest.NewAuthority(t)
	secure := testbed.TLS{Authority: authority, Certificate: authority.Issue(t, "localhost"), Library: "ossl"}
	for _, transport := range []config.NotifyTransport{config.NotifyUDP, config.NotifyTCP, config.NotifyTLS} {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			s := testbed.StartSIEM(t, string(transport), secure)
			n := start(t, newMemory(), quick, config.Notify{Name: "siem", Type: config.NotifySyslog, Address: s.Address, Transport: transport, CA: authority.File})
			n.tell(warning(`a"] evil="1`, raised, "crit"), warning(`a"] evil="1`, cleared, "warn"))
			n.tell(warning("web3\n<13>1 - - - - - -", raised, "warn"))
			eventually(t, func() error {
				if got := s.Lines(); len(got) < 3 {
					return fmt.Errorf("understood are %q, want three; the status is %+v", got, n.Status())
				}
				return nil
			})
			got := s.Lines()
			for i, want := range []string{
				`26|skewatch|raise|[skewatch@32473 id="1" host="a\"\] evil=\"1" source="192.0.2.1" event="raise" severity="crit" verdict="ahead"`,
				`29|skewatch|clear|[skewatch@32473 id="2" host="a\"\] evil=\"1"`,
				`28|skewatch|raise|[skewatch@32473 id="3" host="web3\\n<13>1 - - - - - -"`,
			} {
				if i >= len(got) || !strings.HasPrefix(got[i], want) {
					t.Errorf("understood is %q, want it to begin with %q", got, want)
				}
			}
			if len(got) > 0 && !strings.HasSuffix(got[0], `offset_high_seconds="40.5"]|crit: a"] evil="1 (192.0.2.1) is ahead, +40.500 s: ahead by 40.5 s at least. Check: run chronyc tracking there`) {
				t.Errorf("understood is %q", got[0])
			}
		})
	}
}

// TestExample runs the configuration that users copy.
func TestExample(t *testing.T) {
	t.Parallel()
	authority := tlstest.NewAuthority(t)
	certificate := authority.Issue(t, "localhost")
	pair, err := tls.LoadX509KeyPair(certificate.File, certificate.Key)
	if err != nil {
		t.Fatal(err)
	}
	mails := testbed.StartMailServer(t, &testbed.MailServer{TLS: &tls.Config{Certificates: []tls.Certificate{pair}}})
	logs := testbed.StartSIEM(t, "tls", testbed.TLS{Authority: authority, Certificate: certificate, Library: "ossl"})
	am := testbed.StartAlertmanager(t, startPager(t).URL, time.Minute)
	hooks := receive(t)

	secrets := t.TempDir()
	for name, text := range map[string]string{"webhook-secret": "hunter2\n", "mail-password": "hunter3\n", "ca.pem": ""} {
		if name == "ca.pem" {
			text = readFile(t, authority.File)
		}
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	example := readFile(t, "../../../examples/notify/skewatch.yaml")
	for _, here := range [][2]string{
		{"/etc/skewatch", secrets}, {"https://hooks.example.net", hooks.URL}, {"http://alertmanager.example.net:9093", am.URL},
		{"mail.example.net:587", mails.Address}, {"siem.example.net:6514", logs.Address},
	} {
		if !strings.Contains(example, here[0]) {
			t.Fatalf("the example doesn't have %s", here[0])
		}
		example = strings.ReplaceAll(example, here[0], here[1])
	}
	file := filepath.Join(t.TempDir(), "skewatch.yaml")
	if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(nil, []string{"SKEWATCH_CONFIG=" + file})
	if err != nil {
		t.Fatal(err)
	}
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	o := quick
	o.Stdout = out
	n := start(t, newMemory(), o, cfg.Notify...)
	n.tell(warning("db1", raised, "crit"))
	eventually(t, func() error {
		for _, s := range n.Status() {
			if s.Delivered != 1 || s.Failed > 0 {
				return fmt.Errorf("the status is %+v, want one delivered", s)
			}
		}
		return nil
	})
	written := make([]byte, 4096)
	k, err := in.Read(written)
	if err != nil || !strings.Contains(string(written[:k]), `"host":"db1"`) || hooks.await(t, 1)[0].header.Get(signatureHeader) == "" {
		t.Errorf("written is %q, %v", written[:k], err)
	}
	eventually(t, func() error {
		if n, lines := len(am.Alerts(t)), logs.Lines(); n != 2 || len(lines) != 1 {
			return fmt.Errorf("%d alerts are active and the SIEM has %q, want 2 and one", n, lines)
		}
		return nil
	})
	if m := readMailText(t, await(t, mails, 1)[0]); m.header.Get("To") != `<ops@example.net>, "Database team" <db@example.net>` {
		t.Errorf("the mail is to %s", m.header.Get("To"))
	}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
