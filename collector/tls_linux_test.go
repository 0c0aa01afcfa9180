package collector_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/tlsauth"
	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

// overTLS listens on loopback, on TLS and RELP over TLS, with kernel stamps. Clients must
// show a certificate if the Files say so.
func overTLS(t testing.TB, a *tlstest.Authority, files tlsauth.Files) collector.Config {
	t.Helper()
	issued := a.Issue(t, "collector")
	files.Certificate, files.Key = issued.File, issued.Key
	served, err := files.Config(quiet())
	if err != nil {
		t.Fatal(err)
	}
	return collector.Config{
		TLS: []string{"127.0.0.1:0"}, RELPTLS: []string{"127.0.0.1:0"}, TLSConfig: served,
		Stamps: message.StampedByKernel, Log: quiet(),
	}
}

// dialTLS connects and makes the handshake.
func dialTLS(t testing.TB, c *collector.Collector, transport message.Transport, certificates ...tls.Certificate) *tls.Conn {
	t.Helper()
	plain := dial(t, "tcp", c.Addrs(transport)[0].String())
	conn := tls.Client(plain, &tls.Config{InsecureSkipVerify: true, Certificates: certificates})
	conn.SetDeadline(time.Now().Add(deadline))
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestTLS(t *testing.T) {
	a := tlstest.NewAuthority(t)
	var s store
	c := listen(t, overTLS(t, a, tlsauth.Files{}), &s)
	run(t, c)
	conn := dialTLS(t, c, message.TLS)
	for i := range 50 {
		before := time.Now()
		write(t, conn, "5 <13>a")
		m := s.wait(t, i+1)[i]
		if m.StampedBy != message.StampedByKernel || m.Received < before.UnixNano() || m.Received > time.Now().UnixNano() {
			t.Errorf("message %d stamped by %v at %v, sent after %v", i, m.StampedBy, m.ReceivedTime(), before.UTC())
		}
		if m.PreviousRead != m.Received {
			t.Errorf("message %d: previous read %d, want %d: it came alone, and so exactly then", i, m.PreviousRead, m.Received)
		}
		if m.Transport != message.TLS || m.Trust != message.TrustHandshake || m.MinRTT <= 0 || string(m.Raw) != "<13>a" {
			t.Fatalf("got %q over %v with trust %v and round trip %v", m.Raw, m.Transport, m.Trust, m.MinRTT)
		}
	}
}

func TestClientCertificateIsTrusted(t *testing.T) {
	a := tlstest.NewAuthority(t)
	var s store
	c := listen(t, overTLS(t, a, tlsauth.Files{ClientCA: a.File}), &s)
	run(t, c)
	issued := a.Issue(t, "web1")
	pair, err := tls.LoadX509KeyPair(issued.File, issued.Key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dialTLS(t, c, message.TLS, pair), "5 <13>a")
	if got := s.wait(t, 1)[0].Trust; got != message.TrustCertificate {
		t.Errorf("trust %v, want certificate", got)
	}
	refused := dialTLS(t, c, message.TLS) // in TLS 1.3 the client hears of it when it reads
	if _, err := refused.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read without a certificate: %v, want an alert", err)
	}
	awaitClosed(t, c, message.TLS, collector.HandshakeFailed, 1)
}

// Records that wait in the socket are joined under the stamp of the last, whatever their
// sizes and however they are read.
func TestTLSPreviousReadIsALowerBound(t *testing.T) {
	const n = 60
	a := tlstest.NewAuthority(t)
	var s store
	c := listen(t, overTLS(t, a, tlsauth.Files{}), &s)
	run(t, c)
	conn := dialTLS(t, c, message.TLS)
	checkLowerBound(t, &s, conn, n)
}

// Messages that are spread over records, and records that are spread over segments.
func TestTLSInPieces(t *testing.T) {
	a := tlstest.NewAuthority(t)
	var s store
	c := listen(t, overTLS(t, a, tlsauth.Files{}), &s)
	run(t, c)
	conn := dialTLS(t, c, message.TLS)
	var want []string
	for i := range 200 {
		m := fmt.Sprintf("<13>%d %s", i, strings.Repeat("x", i*37))
		want = append(want, m)
		framed := fmt.Sprintf("%d %s", len(m), m)
		for len(framed) > 0 {
			n := min(1+i*101%5000, len(framed))
			write(t, conn, framed[:n])
			framed = framed[n:]
		}
	}
	for i, m := range s.wait(t, len(want)) {
		if string(m.Raw) != want[i] {
			t.Fatalf("message %d is %.40q of %d octets, want %.40q of %d", i, m.Raw, len(m.Raw), want[i], len(want[i]))
		}
	}
}

// All that was received before the stop is stored, and a record that isn't finished holds
// nobody up.
func TestStopReadsOutTLS(t *testing.T) {
	const n = 100
	a := tlstest.NewAuthority(t)
	var s store
	c := listen(t, overTLS(t, a, tlsauth.Files{}), &s)
	stop := run(t, c)
	plain := dial(t, "tcp", c.Addrs(message.TLS)[0].String())
	conn := tls.Client(plain, &tls.Config{InsecureSkipVerify: true})
	write(t, conn, "5 <13>a")
	s.wait(t, 1)
	s.shut.Lock()
	for range n {
		write(t, conn, "5 <13>b")
	}
	write(t, plain, "\x17\x03\x03\x01\x00unfinished")
	time.AfterFunc(300*time.Millisecond, s.shut.Unlock)
	began := time.Now()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if got := len(s.all()); got != 1+n {
		t.Errorf("stored %d messages, want %d", got, 1+n)
	}
}

// What crypto/tls has taken from the socket and Read had no room for is stored at the stop.
func TestStopReadsOutWhatTLSHolds(t *testing.T) {
	const n = 140
	a := tlstest.NewAuthority(t)
	var s store
	c := listen(t, overTLS(t, a, tlsauth.Files{}), &s)
	stop := run(t, c)
	plain := dial(t, "tcp", c.Addrs(message.TLS)[0].String())
	conn := tls.Client(plain, &tls.Config{InsecureSkipVerify: true, DynamicRecordSizingDisabled: true})
	s.shut.Lock()
	write(t, conn, "<13>first\n")
	poll(t, func() string {
		if c.Stats()[message.TLS].Pending != 1 {
			return "the first message isn't put"
		}
		return ""
	})
	write(t, conn, strings.Repeat("<13>"+strings.Repeat("x", 100)+"\n", n)) // in one record
	time.AfterFunc(200*time.Millisecond, s.shut.Unlock)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := len(s.all()); got != 1+n {
		t.Errorf("stored %d messages, want %d", got, 1+n)
	}
}

// A holdingConn gathers what is written instead of sending it.
type holdingConn struct {
	net.Conn
	held *bytes.Buffer // nil to send
}

func (h *holdingConn) Write(p []byte) (int, error) {
	if h.held != nil {
		return h.held.Write(p)
	}
	return h.Conn.Write(p)
}

// The beginning of an alert right behind data doesn't hold the data back, nor does its rest
// give the data a later stamp.
func TestDataBeforeAnAlert(t *testing.T) {
	a := tlstest.NewAuthority(t)
	var s store
	c := listen(t, overTLS(t, a, tlsauth.Files{}), &s)
	run(t, c)
	h := &holdingConn{Conn: dial(t, "tcp", c.Addrs(message.TLS)[0].String())}
	conn := tls.Client(h, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	h.held = new(bytes.Buffer)
	write(t, conn, "5 <13>a")
	data := h.held.Len()
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	octets := h.held.String()
	h.SetWriteDeadline(time.Time{}) // which CloseWrite has set
	write(t, h.Conn, octets[:data+3])
	sent := time.Now()
	if m := s.wait(t, 1)[0]; m.Received > sent.UnixNano() {
		t.Errorf("stamped at %v, sent before %v", m.ReceivedTime(), sent.UTC())
	}
	write(t, h.Conn, octets[data+3:])
	poll(t, func() string {
		if c.Stats()[message.TLS].Open != 0 {
			return "the connection stays open after close_notify"
		}
		return ""
	})
}

// A sniffedConn keeps what was read.
type sniffedConn struct {
	net.Conn
	read bytes.Buffer
}

func (s *sniffedConn) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	s.read.Write(p[:n])
	return n, err
}

// Whoever ends a connection says so inside of it (RFC 5425, section 4.4): a client can tell
// the end from one that somebody else has made.
func TestCloseNotify(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(conn *tls.Conn, stop func() error)
	}{
		{"idle", func(*tls.Conn, func() error) {}},
		{"stop", func(_ *tls.Conn, stop func() error) { go stop() }},
		{"answer", func(conn *tls.Conn, _ func() error) { conn.CloseWrite() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := overTLS(t, tlstest.NewAuthority(t), tlsauth.Files{})
			if tt.name == "idle" {
				cfg.IdleTimeout = 200 * time.Millisecond
			}
			var s store
			c := listen(t, cfg, &s)
			stop := run(t, c)
			sniffed := &sniffedConn{Conn: dial(t, "tcp", c.Addrs(message.TLS)[0].String())}
			conn := tls.Client(sniffed, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
			write(t, conn, "5 <13>a")
			s.wait(t, 1)
			sniffed.read.Reset()
			tt.end(conn, stop)
			conn.SetReadDeadline(time.Now().Add(deadline))
			if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("read: %v, want io.EOF", err)
			}
			const alert = 21 // the type of its record, which is in the clear
			if got := sniffed.read.Bytes(); len(got) == 0 || got[0] != alert {
				t.Errorf("the server ends with % x, want an alert", got)
			}
		})
	}
}

func TestRELPOverTLS(t *testing.T) {
	a := tlstest.NewAuthority(t)
	var s store
	c := listen(t, overTLS(t, a, tlsauth.Files{}), &s)
	stop := run(t, c)
	conn := dialTLS(t, c, message.RELPTLS)
	r := relpClient{conn, bufio.NewReader(conn)}
	r.send(t, 1, "open", "relp_version=0\ncommands=syslog")
	r.next(t)
	r.sendMessages(t, 2, 500)
	for n := 2; n <= 500; n++ {
		if got, want := r.next(t), fmt.Sprintf("%d rsp 200 OK", n); got != want {
			t.Fatalf("answer %q, want %q", got, want)
		}
	}
	if m := s.all()[0]; m.Transport != message.RELPTLS || s.confirmed() != 499 {
		t.Errorf("%d messages are on disk, over %v, want 499 over relp-tls", s.confirmed(), m.Transport)
	}
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	if got, want := r.next(t), "0 serverclose "; got != want {
		t.Errorf("at the stop the server says %q, want %q", got, want)
	}
	conn.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Handshakes that never come to their end are given up, and hold nobody up meanwhile.
func TestHalfOpenHandshakes(t *testing.T) {
	const silent = 1000
	a := tlstest.NewAuthority(t)
	cfg := overTLS(t, a, tlsauth.Files{})
	cfg.HandshakeTimeout = 4 * time.Second
	var s store
	c := listen(t, cfg, &s)
	run(t, c)
	for i := range silent {
		conn := dial(t, "tcp", c.Addrs(message.TLS)[0].String())
		if i%2 == 0 {
			write(t, conn, "\x16\x03\x01\x02\x00\x01") // the beginning of a ClientHello
		}
	}
	began := time.Now()
	write(t, dialTLS(t, c, message.TLS), "5 <13>a")
	s.wait(t, 1)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("an honest handshake took %v beside %d that hang", took, silent)
	}
	awaitClosed(t, c, message.TLS, collector.HandshakeTimeout, silent)
}

func TestNoTLSOnTLSPort(t *testing.T) {
	a := tlstest.NewAuthority(t)
	var s store
	c := listen(t, overTLS(t, a, tlsauth.Files{}), &s)
	run(t, c)
	conn := dial(t, "tcp", c.Addrs(message.TLS)[0].String())
	write(t, conn, "<13>Nov 20 23:53:09 web1 in the clear\n")
	conn.SetReadDeadline(time.Now().Add(deadline))
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection stays open")
	}
	awaitClosed(t, c, message.TLS, collector.HandshakeFailed, 1)
	if n := len(s.all()); n > 0 {
		t.Errorf("%d messages are stored of what came in the clear", n)
	}
}

func TestTLSNeedsACertificate(t *testing.T) {
	_, err := collector.Listen(collector.Config{TLS: []string{"127.0.0.1:0"}, Log: quiet()}, &store{})
	if err == nil || !strings.Contains(err.Error(), "TLSConfig") {
		t.Errorf("Listen without a TLSConfig: %v", err)
	}
}

// BenchmarkTLS sends lines over one connection.
func BenchmarkTLS(b *testing.B) {
	c := listen(b, overTLS(b, tlstest.NewAuthority(b), tlsauth.Files{}), discard{})
	run(b, c)
	conn := dialTLS(b, c, message.TLS)
	conn.SetDeadline(time.Time{})
	lines := []byte(strings.Repeat(benchLine+"\n", 100))
	b.ReportAllocs()
	b.SetBytes(int64(len(benchLine)))
	b.ResetTimer()
	for sent := 0; sent < b.N; sent += 100 {
		n := min(100, b.N-sent)
		if _, err := conn.Write(lines[:n*(len(benchLine)+1)]); err != nil {
			b.Fatal(err)
		}
	}
	await(b, func() bool { return c.Stats()[message.TLS].Stored == uint64(b.N) })
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "stored/s")
}
