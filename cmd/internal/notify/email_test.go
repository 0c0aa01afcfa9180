package notify

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

// A mailServer takes mails. It treats each session as the next word of its script says, and
// when that is used up it takes what comes.
type mailServer struct {
	net.Listener
	tls    *tls.Config // for STARTTLS; nil if it isn't offered
	inTLS  bool        // from the first octet on
	hung   chan struct{}
	mu     sync.Mutex
	script []string // "busy" (451), "hang", "cut" or "take and cut"
	mails  []string // as sent
	logins []string
	plain  int // mails that came unencrypted
}

func mailServerAt(t testing.TB, s *mailServer) *mailServer {
	t.Helper()
	var err error
	if s.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.hung = make(chan struct{})
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

func (s *mailServer) next() (word string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.script) > 0 {
		word, s.script = s.script[0], s.script[1:]
	}
	return word
}

// serve speaks SMTP (RFC 5321), as far as a client of the test does.
func (s *mailServer) serve(c net.Conn) {
	word := s.next()
	if word == "hang" {
		<-s.hung
	}
	if s.inTLS {
		c = tls.Server(c, s.tls)
	}
	defer func() { c.Close() }()
	in, secure := bufio.NewReader(c), s.inTLS
	say := func(text string) { fmt.Fprintf(c, "%s\r\n", text) }
	say("220 test")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(strings.Fields(line + " x")[0]); verb {
		case "EHLO":
			fmt.Fprint(c, "250-test\r\n")
			if s.tls != nil && !secure {
				fmt.Fprint(c, "250-STARTTLS\r\n")
			}
			say("250 AUTH PLAIN")
		case "STARTTLS":
			say("220 go on")
			c = tls.Server(c, s.tls)
			in, secure = bufio.NewReader(c), true
		case "AUTH":
			login, _ := base64.StdEncoding.DecodeString(strings.Fields(line)[2])
			s.mu.Lock()
			s.logins = append(s.logins, string(login))
			s.mu.Unlock()
			say("235 welcome")
		case "DATA":
			switch word {
			case "busy":
				say("451 not now")
				continue
			case "cut":
				return
			}
			say("354 go on")
			s.take(in, secure)
			if word == "take and cut" {
				return
			}
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

func (s *mailServer) take(in *bufio.Reader, secure bool) {
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			break
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, text.String())
	if !secure {
		s.plain++
	}
}

func (s *mailServer) await(t testing.TB, n int) []string {
	t.Helper()
	eventually(t, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.mails) < n {
			return fmt.Errorf("%d of %d mails have come", len(s.mails), n)
		}
		return nil
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.mails...)
}

// A readMail is a mail as its readers see it.
type readMail struct {
	header  mail.Header
	subject string
	text    string
}

func readMailText(t testing.TB, text string) (m readMail) {
	t.Helper()
	parsed, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	m.header = parsed.Header
	if m.subject, err = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")); err != nil {
		t.Fatal(err)
	}
	body := io.Reader(parsed.Body)
	if parsed.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	m.text = strings.ReplaceAll(string(b), "\r\n", "\n")
	return m
}

func toMail(s *mailServer, transport config.NotifyTransport, ca string) config.Notify {
	return config.Notify{Name: "mail", Type: config.NotifyEmail, SMTP: s.Addr().String(), From: "Skewatch <skewatch@example.net>",
		To: []string{"ops@example.net", "Team B <b@example.net>"}, Transport: transport, CA: ca}
}

// encrypted returns a server's side of TLS, and the file of who vouches for it.
func encrypted(t testing.TB) (server *tls.Config, ca string) {
	t.Helper()
	authority := tlstest.NewAuthority(t)
	c := authority.Issue(t, "localhost")
	pair, err := tls.LoadX509KeyPair(c.File, c.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}, authority.File
}

// TestEmailTrouble has a server fail in every way: nothing is lost, and what is sent twice
// bears the same Message-ID.
func TestEmailTrouble(t *testing.T) {
	t.Parallel()
	server, ca := encrypted(t)
	s := mailServerAt(t, &mailServer{tls: server, script: []string{"busy", "cut", "hang", "take and cut"}})
	o := quick
	n := start(t, newMemory(), o, toMail(s, config.NotifySTARTTLS, ca))
	n.tell(warning("web1", raised, "crit"), warning("web2", raised, "warn"))
	n.tell(warning("web1", cleared, "crit"))
	mails := s.await(t, 2)
	first, second := readMailText(t, mails[0]), readMailText(t, mails[1])
	if first.header.Get("Message-Id") != second.header.Get("Message-Id") || first.header.Get("Message-Id") == "" {
		t.Errorf("the same mail has the IDs %s and %s", first.header.Get("Message-Id"), second.header.Get("Message-Id"))
	}
	if want := "[skewatch] 2 clock warnings, 1 cleared"; second.subject != want {
		t.Errorf("the subject is %q, want %q", second.subject, want)
	}
	for _, want := range []string{"  crit: web1 (192.0.2.1) is ahead, +40.500 s\n    ahead by 40.5 s at least\n", "  ok: web1 (192.0.2.1) is no longer ahead\n"} {
		if !strings.Contains(second.text, want) {
			t.Errorf("the mail says\n%s\nwant %q", second.text, want)
		}
	}
	n.tell(warning("web3", raised, "warn"))
	if third := readMailText(t, s.await(t, 3)[2]); third.subject != "[skewatch] warn: web3 (192.0.2.1) is ahead, +40.500 s" {
		t.Errorf("the subject is %q", third.subject)
	}
	if s.plain > 0 {
		t.Error("mails came unencrypted")
	}
}

// TestEmailEncryption wants no mail, and no password, to go to a server that can't encrypt or
// isn't who it says, unless it was told to.
func TestEmailEncryption(t *testing.T) {
	t.Parallel()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server, ca := encrypted(t)
	_, other := encrypted(t)
	tests := []struct {
		name      string
		server    *mailServer
		transport config.NotifyTransport
		ca        string
		sent      bool
	}{
		{"STARTTLS", &mailServer{tls: server}, config.NotifySTARTTLS, ca, true},
		{"TLS", &mailServer{tls: server, inTLS: true}, config.NotifyTLS, ca, true},
		{"STARTTLS stripped", &mailServer{}, config.NotifySTARTTLS, ca, false},
		{"somebody else's certificate", &mailServer{tls: server}, config.NotifySTARTTLS, other, false},
		{"somebody else's certificate, TLS", &mailServer{tls: server, inTLS: true}, config.NotifyTLS, other, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := mailServerAt(t, tt.server)
			out := toMail(s, tt.transport, tt.ca)
			out.Username, out.PasswordFile = "me", password
			n := start(t, newMemory(), quick, out)
			n.tell(raises(1)...)
			if tt.sent {
				s.await(t, 1)
				if len(s.logins) == 0 || s.logins[0] != "\x00me\x00hunter2" {
					t.Errorf("the login was %q", s.logins)
				}
				return
			}
			eventually(t, func() error {
				if st := n.Status()[0]; st.Failed < 2 || st.LastError == "" || strings.Contains(st.LastError, "hunter2") {
					return fmt.Errorf("the status is %+v, want failures", st)
				}
				return nil
			})
			if s.mu.Lock(); len(s.mails)+len(s.logins) > 0 {
				t.Errorf("it got %d mails and %d logins", len(s.mails), len(s.logins))
			}
			s.mu.Unlock()
		})
	}
	plain := mailServerAt(t, &mailServer{})
	start(t, newMemory(), quick, toMail(plain, config.NotifyPlain, "")).tell(raises(1)...)
	plain.await(t, 1)

	out := toMail(plain, config.NotifySTARTTLS, password)
	var wrong *config.Error
	if _, err := New([]config.Notify{out}, newMemory(), quick); !errors.As(err, &wrong) || wrong.Field != "notify[0].ca" {
		t.Errorf("certificates that are none: %v, want an error", err)
	}
}
