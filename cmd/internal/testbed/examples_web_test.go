package testbed

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

const webExamples = "../../../examples/web"

// webExample returns the text of an example, but for replacements.
func webExample(t *testing.T, name string, replacements ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(webExamples, name))
	if err != nil {
		t.Fatal(err)
	}
	return replaced(t, string(text), replacements...)
}

// TestWebExample runs a server by the examples, with a certificate of the test's, and has a
// real Prometheus scrape it by the example.
func TestWebExample(t *testing.T) {
	program, curl := need(t, "prometheus", "prometheus"), need(t, "curl", "curl")
	directory := t.TempDir()
	in := func(name string) string { return filepath.Join(directory, name) }
	authority := tlstest.NewAuthority(t)
	certificate := authority.Issue(t, "skewatch.example.com")
	for from, to := range map[string]string{certificate.File: "skewatch.crt", certificate.Key: "skewatch.key"} {
		if err := os.Rename(from, in(to)); err != nil {
			t.Fatal(err)
		}
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.DefaultCost)
	if err != nil {
		t.Fatal(err)
	}
	made := exec.Command(Binary(t), "config", "token", "prometheus")
	var line strings.Builder
	made.Stderr = &line
	token, err := made.Output()
	if err != nil {
		t.Fatal(err)
	}
	_, sum, _ := strings.Cut(strings.TrimSpace(line.String()), "sha256:")
	write(t, in("prometheus.token"), string(token))
	write(t, in("web.yml"), webExample(t, "web.yml", "HASH-OF-ALICE", string(hash), "HASH-OF-BOB", string(hash)))
	write(t, in("tokens"), webExample(t, "tokens", "HASH-OF-PROMETHEUS", sum))
	write(t, in("skewatch.yaml"), webExample(t, "skewatch.yaml", `":8514"`, `"0.0.0.0:0"`, "/etc/skewatch", directory))
	s := StartSkewatch(t, t.TempDir(), "--config", in("skewatch.yaml"), "--kernel-clock", "trust", "--ntp-server", "", "--http", "127.0.0.1:0")

	write(t, in("prometheus.yml"), webExample(t, "prometheus.yml", "skewatch.example.com:8514", s.HTTP, "scrape_interval: 15s", "scrape_interval: 1s",
		"/etc/prometheus/skewatch-ca.crt", authority.File, "/etc/prometheus", directory))
	promtool(t, "", "check", "config", in("prometheus.yml"))
	address := closedPort(t)
	output := new(log)
	cmd := exec.Command(program, "--config.file", in("prometheus.yml"), "--storage.tsdb.path", in("data"), "--web.listen-address", address)
	cmd.Stdout, cmd.Stderr = output, output
	p := start(t, cmd, "prometheus", output)
	await(t, p, "a scrape of skewatch", func() bool {
		var answer struct{ Data struct{ Result []any } }
		text, err := exec.Command(curl, "-sf", "http://"+address+"/api/v1/query?query=up%7Bjob%3D%22skewatch%22%7D%3D%3D1").Output()
		return err == nil && json.Unmarshal(text, &answer) == nil && len(answer.Data.Result) == 1
	})

	for arguments, want := range map[string]string{
		"-u alice:secret": "200",
		"-u alice:wrong":  "401",
		"-H @" + header(t, strings.TrimSpace(string(token))): "200",
	} {
		arguments := append(strings.Fields(arguments), "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", authority.File, "https://"+s.HTTP+"/api/v1/report")
		if text, err := exec.Command(curl, arguments...).CombinedOutput(); err != nil || string(text) != want {
			t.Errorf("curl %q: %s, %v, want %s", arguments, text, err, want)
		}
	}
}

// header writes a token as a file that curl reads headers from.
func header(t *testing.T, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "header")
	write(t, path, fmt.Sprintf("Authorization: Bearer %s\n", token))
	return path
}
