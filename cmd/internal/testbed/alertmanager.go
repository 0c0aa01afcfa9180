package testbed

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Alertmanager is a running Prometheus Alertmanager.
type Alertmanager struct{ URL string }

// An Alert is one that an Alertmanager knows.
type Alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	UpdatedAt    time.Time         `json:"updatedAt"`
	GeneratorURL string            `json:"generatorURL"`
	Status       struct {
		State       string   `json:"state"`       // active or suppressed
		InhibitedBy []string `json:"inhibitedBy"` // fingerprints of alerts
	} `json:"status"`
}

// StartAlertmanager runs one until the test ends. It tells the webhook at the URL of what
// begins and ends, and forgets in resolveAfter what nobody repeats.
func StartAlertmanager(t testing.TB, webhook string, resolveAfter time.Duration) *Alertmanager {
	t.Helper()
	return StartAlertmanagerWith(t, fmt.Sprintf(`global: {resolve_timeout: %s}
route: {receiver: test, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: test
    webhook_configs: [{url: %q, send_resolved: true}]
`, resolveAfter, webhook))
}

// StartAlertmanagerWith does the same with a configuration, as its file has it.
func StartAlertmanagerWith(t testing.TB, text string) *Alertmanager {
	t.Helper()
	directory := t.TempDir()
	config := filepath.Join(directory, "alertmanager.yml")
	write(t, config, text)
	address := freeAddress(t)
	cmd := exec.Command(need(t, "prometheus-alertmanager", "prometheus-alertmanager"), "--config.file="+config,
		"--storage.path="+directory, "--web.listen-address="+address, "--cluster.listen-address=")
	p := startLogged(t, cmd, "alertmanager")
	a := &Alertmanager{URL: "http://" + address}
	await(t, p, "its API", func() bool {
		answer, err := http.Get(a.URL + "/-/ready")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return a
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Alerts returns the alerts that are active.
func (a *Alertmanager) Alerts(t testing.TB) (alerts []Alert) {
	t.Helper()
	answer, err := http.Get(a.URL + "/api/v2/alerts")
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&alerts); err != nil {
		t.Fatalf("testbed: alerts: %v", err)
	}
	return alerts
}
