package main_test

import (
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// TestEndToEndSocketActivation passes sockets to a server as systemd does, with messages
// that arrived before it was there.
func TestEndToEndSocketActivation(t *testing.T) {
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	relp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var files []*os.File
	for _, socket := range []interface {
		File() (*os.File, error)
		Close() error
	}{udp, tcp, relp} {
		f, err := socket.File()
		if err != nil {
			t.Fatal(err)
		}
		socket.Close()
		t.Cleanup(func() { f.Close() })
		files = append(files, f)
	}
	early, err := net.Dial("udp", udp.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	early.Write([]byte("<13>Nov 20 23:53:09 early x: y"))

	s := testbed.StartSkewatchBy(t, files, "LISTEN_PID=$$ LISTEN_FDS=3 LISTEN_FDNAMES=syslog.socket:syslog.socket:relp exec", t.TempDir(),
		"--kernel-clock", "trust", "--ntp-server", "")
	if s.UDP != udp.LocalAddr().String() || s.TCP != tcp.Addr().String() || s.RELP != relp.Addr().String() {
		t.Fatalf("the server listens on %s, %s and %s, want the sockets that it was passed: %v, %v and %v",
			s.UDP, s.TCP, s.RELP, udp.LocalAddr(), tcp.Addr(), relp.Addr())
	}
	late, err := net.Dial("tcp", s.TCP)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	late.Write([]byte("<13>Nov 20 23:53:09 late x: y\n"))
	eventually(t, 10*time.Second, func() error {
		if n := len(askMessages(t, s, "late")); n != 1 {
			return fmt.Errorf("%d messages are stored, want 1", n)
		}
		return nil
	})
	if found := askMessages(t, s, "early"); len(found) != 1 || found[0].StampedBy != "user" {
		t.Errorf("what came before the server: %+v, want one message, stamped by user", found)
	}
	if found := askMessages(t, s, "late"); found[0].StampedBy != "kernel" {
		t.Errorf("what came later is stamped by %s, want kernel", found[0].StampedBy)
	}
}
