package simulate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

// oneOfEach returns a host for each transport.
func oneOfEach() *config.Fleet {
	f := &config.Fleet{Seed: 1}
	for _, transport := range []config.FleetTransport{config.FleetUDP, config.FleetTCP, config.FleetTCPLF, config.FleetTLS, config.FleetRELP} {
		h := config.NewFleetHost("over-" + string(transport))
		h.Transport = transport
		h.Says.Every = 4 * time.Millisecond
		f.Hosts = append(f.Hosts, h)
	}
	return f
}

// What hosts send over each transport a real server gets, all of it once, each from an
// address of its own.
func TestTransports(t *testing.T) {
	t.Parallel()
	authority := tlstest.NewAuthority(t)
	own := authority.Issue(t, "collector.example")
	s := servertest.Start(t, t.TempDir(), "SKEWATCH_LISTEN_RELP=127.0.0.1:0", "SKEWATCH_LISTEN_TLS=127.0.0.1:0",
		"SKEWATCH_TLS_CERT="+own.File, "SKEWATCH_TLS_KEY="+own.Key)
	pem, err := os.ReadFile(authority.File)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	listen := s.Notice().Listen
	sender := &Sender{
		Targets: append(Targets(listen), Target{"tls", listen["tls"][0]}),
		TLS:     &tls.Config{RootCAs: pool},
		Note:    func(text string) { t.Error(text) },
	}
	const span = 2 * time.Second
	hosts := Hosts(oneOfEach(), time.Now(), span, nil)
	if err := sender.Run(t.Context(), hosts); err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, func() error {
		have, sent := 0, int(sender.Sent.Load())
		if err := s.Messages(t.Context(), api.Query{}, func(api.Message) error { have++; return nil }); err != nil || have != sent || sent < 2000 {
			return fmt.Errorf("%d messages are stored (%v), want the %d that were sent, and these some 2500", have, err, sent)
		}
		return nil
	})
	seen := map[string]string{}
	numbers := map[string]int{}
	err = s.Messages(t.Context(), api.Query{}, func(m api.Message) error {
		seen[m.Host] = m.Transport + " " + m.Source
		numbers[m.Host+" "+m.Message]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"udp", "tcp", "tcp", "tls", "relp"} {
		if h := hosts[i]; seen[h.Name] != fmt.Sprintf("%s 127.1.0.%d", want, i+1) {
			t.Errorf("%s comes over %q", h.Name, seen[h.Name])
		}
	}
	if len(numbers) != int(sender.Sent.Load()) {
		t.Errorf("of %d messages %d are different", sender.Sent.Load(), len(numbers))
	}
}

// A stream that breaks is opened again, and what it had not taken is sent again.
func TestSendingGoesOn(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	t.Cleanup(func() { l.Close() })
	var mu sync.Mutex
	var notes []string
	sender := &Sender{Targets: []Target{{"tcp", l.Addr().String()}}, Note: func(text string) {
		mu.Lock()
		defer mu.Unlock()
		notes = append(notes, text)
	}}
	f := &config.Fleet{Hosts: []config.FleetHost{config.NewFleetHost("web1")}}
	f.Hosts[0].Says.Every = 20 * time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- sender.Run(ctx, Hosts(f, time.Now(), time.Hour, Transports(sender.Targets))) }()
	next := func() net.Conn {
		select {
		case conn := <-accepted:
			return conn
		case <-time.After(servertest.Patience):
			t.Fatalf("no connection within %v", servertest.Patience)
			return nil
		}
	}
	next().Close()
	again := next()
	if n, err := again.Read(make([]byte, 1000)); n == 0 || err != nil {
		t.Errorf("after the break it reads %d octets, %v", n, err)
	}
	servertest.Eventually(t, func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(notes) < 2 || !strings.Contains(notes[0], "goes on trying") || notes[1] != "web1: sends again" {
			return fmt.Errorf("the notes are %q", notes)
		}
		return nil
	})
	stop()
	again.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestNothingListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	f := &config.Fleet{Hosts: []config.FleetHost{config.NewFleetHost("web1")}}
	for _, scheme := range []string{"tcp", "relp"} {
		sender := &Sender{Targets: []Target{{scheme, l.Addr().String()}}, Note: func(text string) { t.Error(text) }}
		err := sender.Run(t.Context(), Hosts(f, time.Now(), time.Second, Transports(sender.Targets)))
		if err == nil || !strings.Contains(err.Error(), "web1: connect to "+scheme+"://"+l.Addr().String()) {
			t.Errorf("%s: %v", scheme, err)
		}
	}
	sender := &Sender{Targets: []Target{{"udp", l.Addr().String()}}, Note: func(text string) { t.Error(text) }}
	err = sender.Run(t.Context(), Hosts(f, time.Now(), time.Second, []config.FleetTransport{config.FleetRELP}))
	if err == nil || err.Error() != "--target: none takes relp, which web1 sends over" {
		t.Errorf("without a target for relp: %v", err)
	}
}

func TestParseTarget(t *testing.T) {
	tests := []struct {
		text, want string
		loopback   bool
	}{
		{"udp://127.0.0.1:5514", "udp://127.0.0.1:5514", true},
		{"udp://127.9.9.9", "udp://127.9.9.9:514", true},
		{"tls://[::1]", "tls://[::1]:6514", true},
		{"relp://localhost", "relp://localhost:2514", true},
		{"tcp://192.0.2.1:1", "tcp://192.0.2.1:1", false},
		{"tcp://localhost.example.net", "tcp://localhost.example.net:514", false},
		{"udp://0.0.0.0:514", "udp://0.0.0.0:514", false},
		{"127.0.0.1:514", "", false},
		{"http://127.0.0.1", "", false},
		{"udp://", "", false},
		{"udp://a/b", "", false},
		{"", "", false},
	}
	for _, tt := range tests {
		have, err := ParseTarget(tt.text)
		if (err == nil) != (tt.want != "") || err == nil && (have.String() != tt.want || have.IsLoopback() != tt.loopback) {
			t.Errorf("%q is %v, on loopback %v, %v; want %q, %v", tt.text, have, have.IsLoopback(), err, tt.want, tt.loopback)
		}
	}
}

func TestTargetsOfAServer(t *testing.T) {
	listen := map[string][]string{"udp": {"[::]:514", "127.0.0.1:1"}, "tcp": {"192.0.2.1:514"}, "tls": {"0.0.0.0:6514"}, "relp": nil}
	have := fmt.Sprint(Targets(listen))
	if want := "[tcp://192.0.2.1:514 udp://127.0.0.1:514]"; have != want {
		t.Errorf("the targets are %s, want %s", have, want)
	}
}

func TestSources(t *testing.T) {
	f := BuiltIn(300, 1, Watched, []config.FleetTransport{config.FleetUDP})
	f.Hosts[7].Source = netip.MustParseAddr("127.3.3.3")
	seen := map[netip.Addr]bool{}
	for _, h := range Hosts(f, time.Now(), time.Second, nil) {
		if seen[h.Source] || !h.Source.IsLoopback() || h.Transport != config.FleetUDP {
			t.Errorf("%s sends from %v over %s", h.Name, h.Source, h.Transport)
		}
		seen[h.Source] = true
	}
	if !seen[f.Hosts[7].Source] || f.Hosts[299].Name != "iot9-25" {
		t.Errorf("the last host is %q, and 127.3.3.3 is taken: %v", f.Hosts[299].Name, seen[f.Hosts[7].Source])
	}
}
