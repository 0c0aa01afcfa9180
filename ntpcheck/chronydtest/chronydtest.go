// Package chronydtest runs real chronyd instances on loopback for tests, honest
// ones and liars.
package chronydtest

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/beevik/ntp"
)

// startTimeout is how long chronyd may take until it answers.
const startTimeout = 10 * time.Second

// Options says what kind of server is wanted.
type Options struct {
	// FakeTime is what libfaketime makes of the server's clock, as in "+100s";
	// empty for an honest server. Shifts of less than about two seconds reach only
	// half of a reply: chronyd then still uses the kernel's receive stamps.
	FakeTime string

	// Stratum is the stratum the server claims; 0 means 3.
	Stratum int

	// Port is the UDP port; 0 means a free one. A port of a stopped server can be
	// given again.
	Port int

	// Address is one of 127.0.0.0/8; "" means 127.0.0.1.
	Address string

	// Keys is a file in the format of chrony.keys: queries authenticated by a key in it
	// are answered so.
	Keys string

	// NTS, if not nil, makes the server speak NTS by this certificate.
	NTS *Certificate

	// Directives are further lines of the configuration.
	Directives string
	// Command has it answer `chronyc tracking` and the like, at CommandAddr.
	Command bool
}

// A Server is a running chronyd.
type Server struct {
	addr   netip.AddrPort
	nts    netip.AddrPort
	asked  netip.AddrPort // the command port
	dir    string
	cmd    *exec.Cmd
	output bytes.Buffer
	exited chan struct{}
	stop   sync.Once
}

// Start runs a chronyd until the test ends or Stop, and returns when it answers.
// Without the programs the test is skipped, but fails where CI is "true".
//
// The server never touches the machine's clock (chronyd -x).
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	program := find(t)
	if o.Stratum == 0 {
		o.Stratum = 3
	}
	if o.Address == "" {
		o.Address = "127.0.0.1"
	}
	if o.Port == 0 {
		o.Port = FreePort(t)
	}
	ntsPort, command := FreeTCPPort(t), 0
	if o.Command {
		command = FreePort(t)
	}
	conf := configure(t, o, ntsPort, command)
	s := launch(t, program, conf, fakeTime(t, o.FakeTime))
	address := netip.MustParseAddr(o.Address)
	s.addr, s.nts = netip.AddrPortFrom(address, uint16(o.Port)), netip.AddrPortFrom(address, uint16(ntsPort))
	s.asked, s.dir = loopback(command), filepath.Dir(conf)
	err := s.waitUntilItAnswers()
	if err == nil && o.NTS != nil {
		err = s.waitForKeyExchange()
	}
	if err != nil {
		s.Stop()
		t.Fatalf("chronyd on %s: %v\n%s", s.Addr(), err, s.output.Bytes())
	}
	return s
}

// Run starts a chronyd by a configuration of one's own, which must keep to loopback and
// high ports, until the test ends or Stop, and returns at once. It serves on a port, 0
// for none.
func Run(t testing.TB, configuration string, port int) *Server {
	t.Helper()
	path := filepath.Join(t.TempDir(), "chrony.conf")
	if err := os.WriteFile(path, []byte(configuration), 0o600); err != nil {
		t.Fatalf("writing chronyd's configuration: %v", err)
	}
	s := launch(t, find(t), path, nil)
	s.addr = loopback(port)
	return s
}

// launch starts a chronyd that never touches the machine's clock (-x).
func launch(t testing.TB, program, configuration string, environment []string) *Server {
	t.Helper()
	s := &Server{cmd: exec.Command(program, "-x", "-d", "-U", "-u", owner(t), "-f", configuration), exited: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	s.cmd.Env = append(os.Environ(), environment...)
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("starting chronyd: %v", err)
	}
	go func() {
		s.cmd.Wait()
		close(s.exited)
	}()
	t.Cleanup(s.Stop)
	return s
}

// Output returns what the server wrote, when it has been stopped.
func (s *Server) Output() string { return s.output.String() }

// Addr returns host and port of the server.
func (s *Server) Addr() string { return s.addr.String() }

// NTS returns host and port of the server's NTS key exchange.
func (s *Server) NTS() string { return s.nts.String() }

// CommandAddr returns host and port where it can be asked about itself.
func (s *Server) CommandAddr() string { return s.asked.String() }

// CommandSocket returns the path of the socket for the same.
func (s *Server) CommandSocket() string { return filepath.Join(s.dir, "run", "chronyd.sock") }

// Port returns the server's port.
func (s *Server) Port() int { return int(s.addr.Port()) }

// Stop ends the server and returns when it is gone. It may be called again.
func (s *Server) Stop() {
	s.stop.Do(func() {
		s.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.exited:
		case <-time.After(5 * time.Second):
			s.cmd.Process.Kill()
			<-s.exited
		}
	})
}

func (s *Server) waitUntilItAnswers() error {
	for deadline := time.Now().Add(startTimeout); ; {
		reply, err := ntp.QueryWithOptions(s.Addr(), ntp.QueryOptions{Timeout: 200 * time.Millisecond})
		if err == nil {
			err = reply.Validate()
		}
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no usable answer within %v: %w", startTimeout, err)
		}
		select {
		case <-s.exited:
			return fmt.Errorf("ended: %v", s.cmd.ProcessState)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// find also looks where chronyd lies but a user's path often doesn't lead.
func find(t testing.TB) string {
	t.Helper()
	for _, program := range []string{"chronyd", "/usr/sbin/chronyd", "/usr/local/sbin/chronyd"} {
		if path, err := exec.LookPath(program); err == nil {
			return path
		}
	}
	missing(t, "chronyd is not installed (Debian: chrony)")
	return ""
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// configure writes the configuration and returns its path. Without a command port (0) and
// socket several instances live side by side.
func configure(t testing.TB, o Options, ntsPort, command int) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "chrony.conf")
	bind := "/" // no socket
	if command != 0 {
		bind = filepath.Join(dir, "run", "chronyd.sock") + "\nbindcmdaddress 127.0.0.1"
	}
	text := fmt.Sprintf(`port %d
bindaddress %s
allow 127.0.0.1
local stratum %d
cmdport %d
bindcmdaddress %s
pidfile %s
`, o.Port, o.Address, o.Stratum, command, bind, filepath.Join(dir, "chronyd.pid"))
	if o.Keys != "" {
		text += fmt.Sprintf("keyfile %s\n", o.Keys)
	}
	if o.NTS != nil {
		text += fmt.Sprintf("ntsservercert %s\nntsserverkey %s\nntsport %d\n", o.NTS.File, o.NTS.Key, ntsPort)
	}
	text += o.Directives
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatalf("writing chronyd's configuration: %v", err)
	}
	return path
}

// owner keeps chronyd from changing to a user that can't read the test's files.
func owner(t testing.TB) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatalf("finding the current user: %v", err)
	}
	return u.Username
}

func fakeTime(t testing.TB, shift string) []string {
	t.Helper()
	if shift == "" {
		return nil
	}
	for _, pattern := range []string{"/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib*/faketime/libfaketimeMT.so.1"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return []string{"LD_PRELOAD=" + found[0], "FAKETIME=" + shift, "FAKETIME_DONT_RESET=1"}
		}
	}
	missing(t, "libfaketime is not installed (Debian: faketime)")
	return nil
}

// waitForKeyExchange waits until somebody accepts connections there.
func (s *Server) waitForKeyExchange() error {
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.NTS())
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no key exchange within %v: %w", startTimeout, err)
		}
	}
}

// FreeTCPPort returns a TCP port of 127.0.0.1 that nobody uses.
func FreeTCPPort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", loopback(0).String())
	if err != nil {
		t.Fatalf("looking for a free port: %v", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// FreePort returns a UDP port of 127.0.0.1 that nobody uses.
func FreePort(t testing.TB) int {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(loopback(0)))
	if err != nil {
		t.Fatalf("looking for a free port: %v", err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port
}

func loopback(port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
}
