package notify

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/skewatch/skewatch/cmd/internal/config"
)

// A siem takes octet-counted messages. What its script says of a connection: "cut" resets it
// before all is read, "hang" reads nothing, "gone" resets it after a farewell when all is read.
type siem struct {
	net.Listener
	hung   chan struct{}
	mu     sync.Mutex
	script []string
	got    []string
}

func siemAt(t testing.TB, secure *tls.Config, script ...string) *siem {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &siem{Listener: l, script: script, hung: make(chan struct{})}
	if secure != nil {
		s.Listener = tls.NewListener(l, secure)
	}
	t.Cleanup(func() { close(s.hung); s.Close() })
	go func() {
		for {
			c, err := s.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return s
}

func (s *siem) serve(c net.Conn) {
	defer c.Close()
	s.mu.Lock()
	word := ""
	if len(s.script) > 0 {
		word, s.script = s.script[0], s.script[1:]
	}
	s.mu.Unlock()
	switch word {
	case "cut":
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, whatever was sent
		}
		return
	case "hang":
		<-s.hung
	case "gone":
		if tcp, ok := c.(*tls.Conn).NetConn().(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	in := bufio.NewReader(c)
	for {
		length, err := in.ReadString(' ')
		n, bad := strconv.Atoi(strings.TrimSuffix(length, " "))
		if err != nil || bad != nil {
			return
		}
		text := make([]byte, n)
		if _, err := io.ReadFull(in, text); err != nil {
			return
		}
		s.mu.Lock()
		s.got = append(s.got, string(text))
		s.mu.Unlock()
	}
}

func (s *siem) await(t testing.TB, n int) []string {
	t.Helper()
	eventually(t, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.got) < n {
			return fmt.Errorf("%d of %d messages have come", len(s.got), n)
		}
		return nil
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// hostsIn returns the hosts that messages name.
func hostsIn(messages []string) (hosts []string) {
	for _, m := range messages {
		_, rest, _ := strings.Cut(m, ` host="`)
		host, _, _ := strings.Cut(rest, `"`)
		hosts = append(hosts, host)
	}
	return hosts
}

func TestSyslogStreams(t *testing.T) {
	t.Parallel()
	server, ca := encrypted(t)
	for name, secure := range map[config.NotifyTransport]*tls.Config{config.NotifyTCP: nil, config.NotifyTLS: server} {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			s := siemAt(t, secure, "", "cut", "hang", "cut")
			o := quick
			n := start(t, newMemory(), o, config.Notify{Name: "siem", Type: config.NotifySyslog, Address: s.Addr().String(), Transport: name, CA: ca})
			n.tell(raises(1)...)
			s.await(t, 1)
			n.tell(raises(5)...)
			want := []string{"web0", "web0", "web1", "web2", "web3", "web4"}
			if have := hostsIn(s.await(t, 6)); !slices.Equal(have, want) {
				t.Errorf("messages of %v have come, want of %v", have, want)
			}
		})
	}
}

// TestSyslogGone has a receiver say farewell and be gone before we are: it has read all, and
// gets nothing twice.
func TestSyslogGone(t *testing.T) {
	t.Parallel()
	server, ca := encrypted(t)
	const times = 50 // it is a race
	s := siemAt(t, server, slices.Repeat([]string{"gone"}, times)...)
	n := start(t, newMemory(), quick, config.Notify{Name: "siem", Type: config.NotifySyslog, Address: s.Addr().String(), Transport: config.NotifyTLS, CA: ca})
	events := raises(times)
	var want []string
	for i, e := range events {
		n.tell(e)
		want = append(want, e.Host)
		if have := hostsIn(s.await(t, i+1)); !slices.Equal(have, want) {
			t.Fatalf("messages of %v have come, want of %v", have, want)
		}
	}
}

func TestSyslogDatagrams(t *testing.T) {
	t.Parallel()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	n := start(t, newMemory(), quick, config.Notify{Name: "siem", Type: config.NotifySyslog, Address: c.LocalAddr().String(), Transport: config.NotifyUDP})
	n.tell(raises(3)...)
	var got []string
	for range 3 {
		b := make([]byte, 64<<10)
		k, _, err := c.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b[:k]))
	}
	if have, want := hostsIn(got), []string{"web0", "web1", "web2"}; !slices.Equal(have, want) {
		t.Errorf("messages of %v have come, want of %v", have, want)
	}
}
