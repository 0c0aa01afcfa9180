package testbed

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// StartTimeClient runs a host's chronyd until the test ends, which asks a server, HOST:PORT,
// once a second. It never touches the machine's clock (-x), but reads and watches the
// host's. Each line that it writes, without its time, is passed to told.
func StartTimeClient(t testing.TB, c Clock, server string, told func(line string)) {
	t.Helper()
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	self, err := user.Current()
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	directory := t.TempDir()
	config := filepath.Join(directory, "chrony.conf")
	write(t, config, fmt.Sprintf("server %s port %s minpoll 0 maxpoll 0 iburst\nport 0\ncmdport 0\nbindcmdaddress /\npidfile %s\nlogchange 0.5\n",
		host, port, filepath.Join(directory, "chronyd.pid")))
	cmd := exec.Command(need(t, "chronyd", "chrony"), "-x", "-d", "-U", "-u", self.Username, "-f", config)
	cmd.Env = withEnvironment(c.environment(t))
	output, written := io.Pipe()
	messages := new(log)
	cmd.Stdout, cmd.Stderr = io.MultiWriter(messages, written), io.MultiWriter(messages, written)
	start(t, cmd, "chronyd", messages)
	go func() {
		for lines := bufio.NewScanner(output); lines.Scan(); {
			_, line, _ := strings.Cut(lines.Text(), " ")
			told(line)
		}
	}()
}
