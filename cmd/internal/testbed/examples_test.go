package testbed

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// examples is where the configurations stand that users copy.
const examples = "../../../examples/rsyslog"

func TestExamplesAreValid(t *testing.T) {
	needOmrelp(t)
	tests := [][]string{
		{"10-udp.conf"},
		{"20-tcp.conf"},
		{"10-udp.conf", "30-quiet-hosts.conf"},
		{"20-tcp.conf", "30-quiet-hosts.conf"},
		{"25-relp.conf"},
		{"25-relp.conf", "30-quiet-hosts.conf"},
		{"40-central-relay.conf"},
		{"50-archive.conf"},
	}
	validated := map[string]bool{"22-tls.conf": true, "27-relp-tls.conf": true} // by a test of their own
	for _, files := range tests {
		config := filepath.Join(t.TempDir(), "rsyslog.conf")
		text := fmt.Sprintf("global(workDirectory=%q)\n", t.TempDir())
		for _, file := range files {
			text += example(t, file)
			validated[file] = true
		}
		write(t, config, text)
		output, err := exec.Command(need(t, "rsyslogd", "rsyslog"), "-N1", "-f", config).CombinedOutput()
		if err != nil {
			t.Errorf("rsyslogd -N1 on %v: %v\n%s", files, err, output)
		}
	}
	all, err := filepath.Glob(filepath.Join(examples, "*.conf"))
	if err != nil || len(all) != len(validated) {
		t.Errorf("examples are %v (%v), but the tests know %v", all, err, validated)
	}
}

func TestExamplesForward(t *testing.T) {
	for _, tt := range []struct{ file, transport string }{{"10-udp.conf", "udp"}, {"20-tcp.conf", "tcp"}} {
		for _, format := range []Format{Protocol23, Forward} {
			t.Run(tt.file+" "+string(format), func(t *testing.T) {
				collector := listen(t, tt.transport, "127.0.0.1:0")
				r := startExample(t, t.TempDir(), adapted(t, tt.file, collector.address,
					string(Protocol23)+`"`, string(format)+`"`))
				logNumbers(t, r, 0, 20)
				counted := Host{Format: format, OctetCounting: tt.transport == "tcp"}
				for i, a := range collector.await(t, 20) {
					if off := time.Since(readShape(t, counted, a, i)); off < 0 || off > patience {
						t.Errorf("%q is stamped %v ago", a.text, off)
					}
				}
			})
		}
	}
}

func TestExampleTCPWaitsForTheCollector(t *testing.T) {
	const messages = 300
	address := closedPort(t)
	r := startExample(t, t.TempDir(), adapted(t, "20-tcp.conf", address, `Interval="5"`, `Interval="1"`))
	logNumbers(t, r, 0, messages)
	listen(t, "tcp", address).awaitNumbers(t, messages)
}

func TestExampleTCPKeepsMessagesOverARestart(t *testing.T) {
	const messages = 300
	address, directory := closedPort(t), t.TempDir()
	taken := filepath.Join(directory, "taken") // what has passed the queue's beginning
	output := adapted(t, "20-tcp.conf", address, `Interval="5"`, `Interval="1"`) +
		fmt.Sprintf("action(type=\"omfile\" file=%q)\n", taken)

	r := startExample(t, directory, output)
	logNumbers(t, r, 0, messages/2)
	await(t, r.process, "the last message", func() bool {
		text, _ := os.ReadFile(taken)
		return strings.HasSuffix(string(text), fmt.Sprintf("number %d\n", messages/2-1))
	})
	r.Stop(t)
	if saved, _ := filepath.Glob(filepath.Join(directory, "skewatch.*")); len(saved) == 0 {
		t.Fatal("rsyslogd stopped without saving its queue")
	}

	r = startExample(t, directory, output)
	logNumbers(t, r, messages/2, messages)
	listen(t, "tcp", address).awaitNumbers(t, messages)
}

// Over RELP everything arrives that was logged before the collector was there, and again
// after it was killed.
func TestExampleRELP(t *testing.T) {
	needOmrelp(t)
	const messages = 300
	address, data := closedPort(t), t.TempDir()
	host, port, _ := net.SplitHostPort(address)
	r := startExample(t, t.TempDir(), replaced(t, example(t, "25-relp.conf"),
		`target="skewatch.example.com"`, fmt.Sprintf("target=%q", host), `port="2514"`, fmt.Sprintf("port=%q", port), `Interval="5"`, `Interval="1"`))
	for from := range 2 {
		logNumbers(t, r, from*messages, (from+1)*messages)
		s := StartSkewatch(t, data, "--listen-relp", address, "--ntp-server", "", "--kernel-clock", "trust")
		await(t, s.process, "all messages", func() bool {
			found, _, _ := s.Run("search", "--raw")
			arrived := map[string]bool{}
			for _, number := range numberInMessage.FindAllString(found, -1) {
				arrived[number] = true
			}
			return len(arrived) == (from+1)*messages
		})
		s.Kill()
	}
}

func TestExampleQuietHostsMark(t *testing.T) {
	collector := listen(t, "udp", "127.0.0.1:0")
	startExample(t, t.TempDir(),
		adapted(t, "10-udp.conf", collector.address)+
			replaced(t, example(t, "30-quiet-hosts.conf"), `interval="60"`, `interval="1"`))

	marks := collector.await(t, 3)
	for _, a := range marks[:3] {
		if !strings.HasSuffix(a.text, " web1 rsyslogd - - - -- MARK --") {
			t.Errorf("message %q, want a mark", a.text)
		}
	}
	if between := marks[2].at.Sub(marks[0].at); between < time.Second || between > 5*time.Second {
		t.Errorf("three marks took %v, want one each second", between)
	}
}

// startExample starts the host web1, whose clock is right, with an example for its
// output.
func startExample(t *testing.T, directory, output string) *Rsyslogd {
	t.Helper()
	return startConfigured(t, Host{Name: "web1"}, directory, output)
}

// example returns the text of one example.
func example(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// adapted returns an example with the collector's address in place of the one that
// users replace, and with further replacements in pairs of old and new.
func adapted(t *testing.T, file, address string, replacements ...string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return replaced(t, example(t, file), append(replacements,
		`target="skewatch.example.com"`, fmt.Sprintf("target=%q", host),
		`port="514"`, fmt.Sprintf("port=%q", port))...)
}

func replaced(t *testing.T, text string, replacements ...string) string {
	t.Helper()
	for i := 0; i < len(replacements); i += 2 {
		if !strings.Contains(text, replacements[i]) {
			t.Fatalf("the example doesn't hold %s", replacements[i])
		}
		text = strings.ReplaceAll(text, replacements[i], replacements[i+1])
	}
	return text
}

func logNumbers(t *testing.T, r *Rsyslogd, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := r.Log(feedApp, fmt.Sprint("number ", n)); err != nil {
			t.Fatal(err)
		}
	}
}

var numberInMessage = regexp.MustCompile(`(?m)number \d+$`)

// awaitNumbers waits until each of the numbers 0 to n-1 has arrived. Some may arrive
// twice: on a new connection rsyslog sends again what it isn't sure of.
func (l *listener) awaitNumbers(t *testing.T, n int) {
	t.Helper()
	arrived := map[int]bool{}
	for total := n; len(arrived) < n; total++ {
		for _, a := range l.await(t, total) {
			number, ok := Number(numberInMessage.FindString(a.text))
			if !ok || number >= n {
				t.Fatalf("message %q, want a number below %d", a.text, n)
			}
			arrived[number] = true
		}
	}
}

// closedPort returns a loopback address at which nobody listens yet.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
