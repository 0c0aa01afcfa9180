package ntpcheck_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/ntpcheck/chronydtest"
)

// example returns a configuration that users copy, with what is a test's own in place of
// what is theirs. Each thing to be replaced must be there.
func example(t *testing.T, file string, replacements ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../examples/chrony", file))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replacements); i += 2 {
		if !strings.Contains(string(text), replacements[i]) {
			t.Fatalf("%s has no %q", file, replacements[i])
		}
	}
	return strings.NewReplacer(replacements...).Replace(string(text))
}

var serverLine = regexp.MustCompile(`(?m)^server \S+ iburst nts$`)

// asking points the four servers of a configuration at others.
func asking(t *testing.T, text string, servers ...string) string {
	t.Helper()
	if n := len(serverLine.FindAllString(text, -1)); n != 4 {
		t.Fatalf("%d servers are asked by NTS, want 4", n)
	}
	i := -1
	return serverLine.ReplaceAllStringFunc(text, func(string) string {
		i++
		return servers[i%len(servers)]
	})
}

// onLoopback keeps a chronyd to the test's own files and ports.
func onLoopback(dir string, port, commands int) string {
	return fmt.Sprintf("\npidfile %s\nbindaddress 127.0.0.1\nport %d\nbindcmdaddress 127.0.0.1\nbindcmdaddress /\ncmdport %d\n",
		filepath.Join(dir, "pid"), port, commands)
}

func ntsServer(s *chronydtest.Server) string {
	host, port, _ := strings.Cut(s.NTS(), ":")
	return fmt.Sprintf("server %s port %d iburst nts ntsport %s", host, s.Port(), port)
}

// TestChronyExamples runs a time server and a client by the examples, and asks the
// server by NTS and by key.
func TestChronyExamples(t *testing.T) {
	t.Parallel()
	authority := chronydtest.NewAuthority(t)
	var upstream []string
	for i := range 4 {
		upstream = append(upstream, ntsServer(chronydtest.Start(t, chronydtest.Options{NTS: authority.Issue(t), Address: fmt.Sprintf("127.0.0.%d", 2+i)})))
	}
	port, ntsPort, commands, dir := chronydtest.FreePort(t), chronydtest.FreeTCPPort(t), chronydtest.FreePort(t), t.TempDir()
	certificate, keys := authority.Issue(t), keyFile(t, "7 AES128 HEX:"+strings.Repeat("5b", 16))
	server := asking(t, example(t, "server.conf", "/var/lib/chrony", dir, "192.0.2.0/24", "127.0.0.1", "/etc/chrony/ntp.pem", certificate.File,
		"/etc/chrony/ntp.key", certificate.Key, "/etc/chrony/chrony.keys", keys), upstream...)
	chronydtest.Run(t, server+fmt.Sprintf("ntstrustedcerts %s\nntsport %d\n", authority.File, ntsPort)+onLoopback(dir, port, commands), port)
	m := start(t, ntpcheck.Config{
		Servers: []string{fmt.Sprintf("127.0.0.1:%d nts", ntsPort), fmt.Sprintf("127.0.0.1:%d key 7", port)},
		NTSCA:   authority.File, KeyFile: keys, Poll: 2 * time.Second, Kernel: ntpcheck.KernelOff,
	})
	r := await(t, m, 60*time.Second, ntpcheck.Synchronised)
	if r.Offset.Abs() > r.Bound || r.Stratum != 5 {
		t.Errorf("%+v, want synchronised to a server of stratum 4", r)
	}
	awaitStatus(t, m, 30*time.Second, "both authenticated", func(s ntpcheck.Status) bool {
		return s.Sources[0].Authentication.String() == "nts ok" && s.Sources[1].Authentication.String() == "key ok" && s.Sources[1].OffsetSeconds != nil
	})
	checkClient(t, authority.File, fmt.Sprintf("server 127.0.0.1 port %d iburst nts ntsport %d", port, ntsPort), upstream)
}

// checkClient runs a client by its example, and wants it synchronised by NTS. chronyd
// takes each address once, so three of its servers are others.
func checkClient(t *testing.T, authority, server string, others []string) {
	t.Helper()
	dir, commands := t.TempDir(), chronydtest.FreePort(t)
	client := strings.Replace(asking(t, example(t, "client.conf", "/var/lib/chrony", dir, "/etc/chrony/ca.pem", authority),
		append([]string{server}, others[:3]...)...), "port 0\n", "", 1)
	chronydtest.Run(t, client+onLoopback(dir, 0, commands), 0)
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		// All its sources are by NTS, and it is told to require that.
		tracking, err := chronyc(commands, "tracking")
		if strings.Contains(tracking, "Leap status     : Normal") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the client is not synchronised by NTS (%v):\n%s", err, tracking)
		}
	}
}

func chronyc(port int, command string) (string, error) {
	output, err := exec.Command("chronyc", "-n", "-h", "127.0.0.1", "-p", strconv.Itoa(port), command).CombinedOutput()
	return string(output), err
}

// awaitStatus polls a monitor until what it says is as wanted.
func awaitStatus(t *testing.T, m *ntpcheck.Monitor, within time.Duration, what string, want func(ntpcheck.Status) bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !want(m.Status()); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %+v", what, within, m.Status())
		}
	}
}
