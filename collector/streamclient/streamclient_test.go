package streamclient

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

const long = 10 * time.Second

// connect returns a connection whose other end does as a script says, and a channel that is
// closed when that has closed it.
func connect(t *testing.T, script func(c *net.TCPConn)) (net.Conn, <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		script(c.(*net.TCPConn))
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); l.Close(); <-done })
	return conn, done
}

func TestFinish(t *testing.T) {
	came := make(chan string, 1)
	conn, _ := connect(t, func(c *net.TCPConn) {
		text, err := io.ReadAll(c)
		if err != nil {
			t.Error(err)
		}
		came <- string(text)
	})
	s := New(conn, long)
	defer s.Close()
	for _, send := range []func([]byte) error{s.Send, s.SendLine} {
		if err := send([]byte("<13>x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Finish(); err != nil {
		t.Fatal(err)
	}
	if got, want := <-came, "5 <13>x<13>x\n"; got != want {
		t.Errorf("the receiver has read %q, want %q", got, want)
	}
}

// TestUnread has receivers that don't read to the end, or don't say that they have.
func TestUnread(t *testing.T) {
	begun := func(c *net.TCPConn) *bufio.Reader {
		from := bufio.NewReader(c)
		_, _ = from.ReadByte()
		return from
	}
	tests := []struct {
		name   string
		script func(c *net.TCPConn)
		want   error
	}{
		{"closes early", func(c *net.TCPConn) { begun(c) }, ErrClosedEarly},
		{"ends its side early", func(c *net.TCPConn) { from := begun(c); _ = c.CloseWrite(); _, _ = io.Copy(io.Discard, from) }, ErrClosedEarly},
		{"resets early", func(c *net.TCPConn) { begun(c); _ = c.SetLinger(0) }, ErrClosedEarly},
		{"never closes", func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c); awaitReset(c) }, ErrUnconfirmed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn, _ := connect(t, tt.script)
			patience := long
			if tt.want == ErrUnconfirmed {
				patience = 50 * time.Millisecond
			}
			s := New(conn, patience)
			defer s.Abort()
			err := errors.Join(s.Send([]byte("<13>x")), s.Flush())
			if tt.want == ErrClosedEarly {
				<-s.Over()
			}
			if err == nil {
				err = s.Finish()
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("the stream ends by %v, want %v", err, tt.want)
			}
		})
	}
}

// awaitReset waits until the other side is gone altogether: until writing fails.
func awaitReset(c net.Conn) {
	for deadline := time.Now().Add(long); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if _, err := c.Write([]byte{'x'}); err != nil {
			return
		}
	}
}

// A slow connection takes until the receiver is gone to say TLS's farewell.
type slow struct {
	*tls.Conn
	gone <-chan struct{}
}

func (s slow) CloseWrite() error {
	err := s.Conn.CloseWrite()
	<-s.gone
	return err
}

// TestGoneAfterFarewell has a receiver answer to TLS's farewell and be gone before ours of
// TCP: it has read all.
func TestGoneAfterFarewell(t *testing.T) {
	authority := tlstest.NewAuthority(t)
	own := authority.Issue(t, "localhost")
	pair, err := tls.LoadX509KeyPair(own.File, own.Key)
	if err != nil {
		t.Fatal(err)
	}
	conn, gone := connect(t, func(c *net.TCPConn) {
		secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}})
		if text, err := io.ReadAll(secure); err != nil || string(text) != "5 <13>x" {
			t.Errorf("the receiver has read %q, %v", text, err)
		}
		_ = secure.CloseWrite()
		_ = c.SetLinger(0)
	})
	secure := tls.Client(conn, &tls.Config{RootCAs: authority.Pool(t), ServerName: "localhost"})
	s := New(slow{secure, gone}, long)
	defer s.Close()
	if err := s.Send([]byte("<13>x")); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(); err != nil {
		t.Error(err)
	}
}
