package testbed

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// StartCapture has tcpdump write down what goes to some addresses of this machine, and returns
// what ends that and gives the file.
func StartCapture(t testing.TB, addresses ...string) (stop func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "traffic.pcap")
	program := need(t, "tcpdump", "tcpdump")
	if os.Geteuid() != 0 {
		t.Skip("testbed: only root may capture traffic")
	}
	var ports []string
	for _, a := range addresses {
		_, port, err := net.SplitHostPort(a)
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, "port "+port)
	}
	p := startLogged(t, exec.Command(program, "-i", "lo", "-n", "-U", "-Z", "root", "-w", path, strings.Join(ports, " or ")), "tcpdump")
	await(t, p, fmt.Sprintf("%s to be begun", path), func() bool { return strings.Contains(p.output.String(), "listening on") })
	return func() string {
		t.Helper()
		p.terminate(t, "tcpdump")
		return path
	}
}
