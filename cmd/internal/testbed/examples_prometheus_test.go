package testbed

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const prometheusExamples = "../../../examples/prometheus"

// promtool runs Prometheus' own checker on what stands in its input.
func promtool(t *testing.T, input string, args ...string) {
	t.Helper()
	cmd := exec.Command(need(t, "promtool", "prometheus"), args...)
	cmd.Stdin = strings.NewReader(input)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, output)
	}
}

func TestPrometheusExamplesAreValid(t *testing.T) {
	promtool(t, "", "check", "rules", filepath.Join(prometheusExamples, "skewatch.rules.yml"))
	promtool(t, "", "check", "config", filepath.Join(prometheusExamples, "prometheus.yml"))
	promtool(t, "", "test", "rules", filepath.Join(prometheusExamples, "skewatch.test.yml"))
}

// TestPrometheus has a real Prometheus scrape a server to which a host with a wrong clock
// logs, and evaluate the rules.
func TestPrometheus(t *testing.T) {
	s := StartSkewatch(t, t.TempDir(), "--kernel-clock", "trust", "--ntp-server", "", "--warn-hold", "0s")
	conn, err := net.Dial("tcp", s.TCP)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	address := startPrometheus(t, s.HTTP)
	deadline := time.Now().Add(40 * time.Second)
	for !firing(t, address, "ClockWrong", "fast") {
		if time.Now().After(deadline) {
			t.Fatalf("the rule doesn't fire; the metrics are:\n%s", get(t, "http://"+s.HTTP+"/metrics"))
		}
		fmt.Fprintf(conn, "<14>1 %s fast app - - - x\n", time.Now().Add(40*time.Second).UTC().Format(time.RFC3339Nano))
		time.Sleep(500 * time.Millisecond)
	}
	promtool(t, get(t, "http://"+s.HTTP+"/metrics"), "check", "metrics")
	checkDashboard(t, address)
}

// emptyHere are panels of the dashboard that have nothing to show in this test.
var emptyHere = map[string]bool{"Messages not stored": true, "NTP sources": true, "Skew": true}

// checkDashboard runs every query of the Grafana dashboard.
func checkDashboard(t *testing.T, address string) {
	t.Helper()
	text, err := os.ReadFile("../../../examples/grafana/skewatch.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil || len(dashboard.Panels) == 0 {
		t.Fatalf("the dashboard has %d panels: %v", len(dashboard.Panels), err)
	}
	variables := strings.NewReplacer("$instance", ".*", "$host", ".*", "$__rate_interval", "30s")
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			expr := variables.Replace(target.Expr)
			var answer struct {
				Status, Error string
				Data          struct{ Result []any }
			}
			if err := json.Unmarshal([]byte(get(t, "http://"+address+"/api/v1/query?query="+url.QueryEscape(expr))), &answer); err != nil {
				t.Fatal(err)
			}
			if answer.Status != "success" || len(answer.Data.Result) == 0 && !emptyHere[panel.Title] {
				t.Errorf("%s: %s: %s %s, %d results", panel.Title, expr, answer.Status, answer.Error, len(answer.Data.Result))
			}
		}
	}
}

// startPrometheus starts a Prometheus with the examples' configuration, but for the
// addresses and shorter intervals, and returns its address.
func startPrometheus(t *testing.T, target string) string {
	t.Helper()
	program := need(t, "prometheus", "prometheus")
	directory := t.TempDir()
	for name, replacements := range map[string][]string{
		"prometheus.yml":     {"127.0.0.1:8514", target, "scrape_interval: 15s", "scrape_interval: 1s"},
		"skewatch.rules.yml": {"- name: skewatch", "- name: skewatch\n    interval: 1s"},
	} {
		text, err := os.ReadFile(filepath.Join(prometheusExamples, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(directory, name), replaced(t, string(text), replacements...))
	}
	address := closedPort(t)
	output := new(log)
	cmd := exec.Command(program, "--config.file", filepath.Join(directory, "prometheus.yml"),
		"--storage.tsdb.path", filepath.Join(directory, "data"), "--web.listen-address", address)
	cmd.Stdout, cmd.Stderr = output, output
	p := start(t, cmd, "prometheus", output)
	await(t, p, "its readiness", func() bool {
		answer, err := http.Get("http://" + address + "/-/ready")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return address
}

// firing reports whether an alert about a host fires.
func firing(t *testing.T, address, name, host string) bool {
	t.Helper()
	var answer struct {
		Data struct {
			Alerts []struct {
				State  string            `json:"state"`
				Labels map[string]string `json:"labels"`
			} `json:"alerts"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(get(t, "http://"+address+"/api/v1/alerts")), &answer); err != nil {
		t.Fatal(err)
	}
	for _, a := range answer.Data.Alerts {
		if a.State == "firing" && a.Labels["alertname"] == name && a.Labels["host"] == host {
			return true
		}
	}
	return false
}

func get(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
