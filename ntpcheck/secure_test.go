package ntpcheck_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/ntpcheck/chronydtest"
)

// awaitSource polls a monitor until its only source is as wanted.
func awaitSource(t *testing.T, m *ntpcheck.Monitor, within time.Duration, what string, want func(ntpcheck.SourceStatus) bool) ntpcheck.SourceStatus {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(10 * time.Millisecond) {
		s := m.Status()
		if want(s.Sources[0]) {
			return s.Sources[0]
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %+v", what, within, s)
		}
	}
}

func authenticatedBy(kind string) func(ntpcheck.SourceStatus) bool {
	return func(s ntpcheck.SourceStatus) bool {
		return s.State == ntpcheck.Selected && s.Authenticated && s.Authentication.String() == kind+" ok"
	}
}

func refusedFor(reason string) func(ntpcheck.SourceStatus) bool {
	return func(s ntpcheck.SourceStatus) bool {
		return s.State == ntpcheck.Refused && strings.Contains(s.Reason, reason)
	}
}

func TestNTS(t *testing.T) {
	t.Parallel()
	authority := chronydtest.NewAuthority(t)
	server := chronydtest.Start(t, chronydtest.Options{NTS: authority.Issue(t)})
	m := start(t, ntpcheck.Config{
		Servers: []string{server.NTS() + " nts"}, NTSCA: authority.File, Poll: 200 * time.Millisecond, Kernel: ntpcheck.KernelOff,
	})
	awaitSource(t, m, 10*time.Second, "authenticated by NTS", authenticatedBy("nts"))
	// More answers than there were cookies: those are renewed.
	awaitSource(t, m, 20*time.Second, "asked twelve times", func(s ntpcheck.SourceStatus) bool {
		return s.PollSeconds > 0.2 && s.Reach == "377"
	})
	if r := m.Reference(); r.State != ntpcheck.Synchronised || r.Offset.Abs() > time.Millisecond {
		t.Errorf("%+v, want synchronised within 1 ms", r)
	}
}

func TestNTSCertificateThatProvesNothing(t *testing.T) {
	authority, stranger := chronydtest.NewAuthority(t), chronydtest.NewAuthority(t)
	for _, tt := range []struct {
		name        string
		certificate *chronydtest.Certificate
		reason      string
	}{
		{"of a stranger", stranger.Issue(t), "NTS key exchange: certificate refused: x509: certificate signed by unknown authority"},
		{"of another name", authority.Issue(t, "elsewhere.example"), "NTS key exchange: certificate refused: x509: cannot validate certificate for 127.0.0.1"},
	} {
		server := chronydtest.Start(t, chronydtest.Options{NTS: tt.certificate})
		m := start(t, ntpcheck.Config{
			Servers: []string{server.NTS() + " nts"}, NTSCA: authority.File, Poll: 100 * time.Millisecond, Kernel: ntpcheck.KernelOff,
		})
		s := awaitSource(t, m, 10*time.Second, tt.name, refusedFor(tt.reason))
		if s.Authenticated || s.Authentication.String() != "nts failed" || s.OffsetSeconds != nil {
			t.Errorf("%s: %+v, want nothing of it", tt.name, s)
		}
		if n := m.Notices(0); len(n) != 1 || n[0].Kind != ntpcheck.NoticeAuthentication {
			t.Errorf("%s: noticed %+v, want the failure, once", tt.name, n)
		}
	}
}

// A server that stops speaking NTS but goes on in plain is not used in plain.
func TestNTSIsNeverDowngraded(t *testing.T) {
	t.Parallel()
	authority := chronydtest.NewAuthority(t)
	server := chronydtest.Start(t, chronydtest.Options{NTS: authority.Issue(t)})
	m := start(t, ntpcheck.Config{
		Servers: []string{server.NTS() + " nts"}, NTSCA: authority.File, Poll: 100 * time.Millisecond, Holdover: time.Second, Kernel: ntpcheck.KernelOff,
	})
	awaitSource(t, m, 10*time.Second, "authenticated by NTS", authenticatedBy("nts"))
	server.Stop()
	chronydtest.Start(t, chronydtest.Options{Port: server.Port()}) // in plain, and it is told to ask in plain by nobody
	s := awaitSource(t, m, 15*time.Second, "no longer used", func(s ntpcheck.SourceStatus) bool {
		return s.State == ntpcheck.Unreachable || s.State == ntpcheck.Refused
	})
	if s.Reach != "0" && m.Reference().State == ntpcheck.Synchronised {
		t.Errorf("%+v, reference %+v: it is used in plain", s, m.Reference())
	}
	await(t, m, 5*time.Second, ntpcheck.Unsynchronised)
}

// No key exchange where there is no TLS, or nobody.
func TestNTSWithoutKeyExchange(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Write([]byte("220 mail ESMTP\r\n"))
			conn.Close()
		}
	}()
	m := start(t, ntpcheck.Config{Servers: []string{listener.Addr().String() + " nts"}, Poll: 100 * time.Millisecond, Kernel: ntpcheck.KernelOff})
	awaitSource(t, m, 5*time.Second, "mail", refusedFor("NTS key exchange: no NTS there"))
	listener.Close()
	awaitSource(t, m, 10*time.Second, "nobody", func(s ntpcheck.SourceStatus) bool {
		return s.State == ntpcheck.Unreachable && strings.Contains(s.Reason, "nothing listens there")
	})
}

func TestSymmetricKeys(t *testing.T) {
	for _, kind := range []string{
		"MD5 ASCII:secret-of-md5", "SHA1 HEX:0102030405060708090A0B0C0D0E0F1011121314", "SHA256 HEX:" + strings.Repeat("1f", 32),
		"SHA512 HEX:" + strings.Repeat("2e", 32), "AES128 HEX:" + strings.Repeat("3d", 16), "AES256 HEX:" + strings.Repeat("4c", 32),
	} {
		name, _, _ := strings.Cut(kind, " ")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := chronydtest.Start(t, chronydtest.Options{Keys: keyFile(t, "7 "+kind)})
			m := start(t, ntpcheck.Config{
				Servers: []string{server.Addr() + " key 7"}, KeyFile: keyFile(t, "# ours", "7 "+kind), Poll: 200 * time.Millisecond, Kernel: ntpcheck.KernelOff,
			})
			awaitSource(t, m, 10*time.Second, "authenticated by key", authenticatedBy("key"))
		})
	}
}

func TestWrongSymmetricKey(t *testing.T) {
	const right, wrong = "7 SHA1 ASCII:right-and-long", "7 SHA1 ASCII:wrong-and-long"
	for _, tt := range []struct{ name, theirs string }{
		{"another key", wrong},
		{"no key", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			options := chronydtest.Options{}
			if tt.theirs != "" {
				options.Keys = keyFile(t, tt.theirs)
			}
			server := chronydtest.Start(t, options)
			m := start(t, ntpcheck.Config{
				Servers: []string{server.Addr() + " key 7"}, KeyFile: keyFile(t, right), Poll: 200 * time.Millisecond, Kernel: ntpcheck.KernelOff,
			})
			// chronyd doesn't answer to a key it can't verify, or says in plain that it can't.
			s := awaitSource(t, m, 10*time.Second, "not used", func(s ntpcheck.SourceStatus) bool { return s.Reason != "not answered yet" })
			if s.Authenticated || s.OffsetSeconds != nil || m.Reference().State != ntpcheck.Unsynchronised {
				t.Errorf("%+v, want nothing of it", s)
			}
			t.Logf("%s: %v: %s", tt.name, s.State, s.Reason)
		})
	}
}

func keyFile(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "chrony.keys")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The members of a pool prove themselves by its name.
func TestNTSPool(t *testing.T) {
	t.Parallel()
	authority := chronydtest.NewAuthority(t)
	server := chronydtest.Start(t, chronydtest.Options{NTS: authority.Issue(t, "pool.example")})
	_, port, _ := net.SplitHostPort(server.NTS())
	m := start(t, ntpcheck.Config{
		Servers: []string{"pool.example:" + port + " pool nts"}, NTSCA: authority.File, Poll: 100 * time.Millisecond, Kernel: ntpcheck.KernelOff,
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
	})
	if s := awaitSource(t, m, 10*time.Second, "authenticated by NTS", authenticatedBy("nts")); s.Address != server.NTS() {
		t.Errorf("the member is %s, want %s", s.Address, server.NTS())
	}
}

// A key exchange that never ends doesn't hold anybody up for longer than its timeout,
// whether the server says nothing or too much.
func TestEndlessKeyExchange(t *testing.T) {
	for _, tt := range []struct {
		name  string
		write []byte
	}{
		{"says nothing", nil},
		{"gives cookies without end", append([]byte{0, 5, 0, 100}, make([]byte, 100)...)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			authority := chronydtest.NewAuthority(t)
			address := exchangeForever(t, authority.Issue(t), tt.write)
			m := start(t, ntpcheck.Config{Servers: []string{address + " nts"}, NTSCA: authority.File, Poll: 100 * time.Millisecond, Kernel: ntpcheck.KernelOff})
			awaitSource(t, m, 10*time.Second, "given up", func(s ntpcheck.SourceStatus) bool {
				return s.State == ntpcheck.Unreachable && s.Reason == "NTS key exchange: no answer within 5s"
			})
		})
	}
}

// exchangeForever speaks TLS as a key exchange does, and then writes the same again and
// again until the client leaves.
func exchangeForever(t *testing.T, c *chronydtest.Certificate, record []byte) (address string) {
	t.Helper()
	certificate, err := tls.LoadX509KeyPair(c.File, c.Key)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"ntske/1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go exhaust(conn, record)
		}
	}()
	return listener.Addr().String()
}

func exhaust(conn net.Conn, record []byte) {
	defer conn.Close()
	if record == nil {
		io.Copy(io.Discard, conn)
		return
	}
	for {
		if _, err := conn.Write(record); err != nil {
			return
		}
	}
}
