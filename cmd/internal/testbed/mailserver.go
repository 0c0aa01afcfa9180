package testbed

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A MailServer takes mails. It treats each session as the next word of its script says, and
// when that is used up it takes what comes.
type MailServer struct {
	Address string
	TLS     *tls.Config // for STARTTLS; nil if it isn't offered
	InTLS   bool        // from the first octet on
	Script  []string    // "busy" (451), "refuse" (552), "unknown" (550 for a recipient), "hang", "cut" or "take and cut"; not to be changed once it runs

	hung   chan struct{}
	mu     sync.Mutex
	mails  []string // as sent
	logins []string
	plain  int // mails that came unencrypted
}

// StartMailServer runs a server on a free loopback port until the test ends.
func StartMailServer(t testing.TB, s *MailServer) *MailServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	s.Address, s.hung = l.Addr().String(), make(chan struct{})
	t.Cleanup(func() { close(s.hung); l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return s
}

// Mails returns what has come, as sent.
func (s *MailServer) Mails() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Logins returns the names and passwords that were given.
func (s *MailServer) Logins() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.logins)
}

// Unencrypted returns how many mails came so.
func (s *MailServer) Unencrypted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plain
}

func (s *MailServer) next() (word string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.Script) > 0 {
		word, s.Script = s.Script[0], s.Script[1:]
	}
	return word
}

// serve speaks SMTP (RFC 5321), as far as a client of the test does.
func (s *MailServer) serve(c net.Conn) {
	word := s.next()
	if word == "hang" {
		<-s.hung
	}
	if s.InTLS {
		c = tls.Server(c, s.TLS)
	}
	defer func() { c.Close() }()
	in, secure := bufio.NewReader(c), s.InTLS
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
			if s.TLS != nil && !secure {
				fmt.Fprint(c, "250-STARTTLS\r\n")
			}
			say("250 AUTH PLAIN")
		case "STARTTLS":
			say("220 go on")
			c = tls.Server(c, s.TLS)
			in, secure = bufio.NewReader(c), true
		case "AUTH":
			login, _ := base64.StdEncoding.DecodeString(strings.Fields(line)[2])
			s.mu.Lock()
			s.logins = append(s.logins, string(login))
			s.mu.Unlock()
			say("235 welcome")
		case "RCPT":
			if word == "unknown" {
				say("550 no such mailbox")
				continue
			}
			say("250 fine")
		case "DATA":
			switch word {
			case "busy":
				say("451 not now")
				continue
			case "cut":
				return
			}
			say("354 go on")
			text := readMail(in)
			if word == "refuse" {
				say("552 too large")
				continue
			}
			s.take(text, secure)
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

// readMail reads a mail to the line that ends it.
func readMail(in *bufio.Reader) string {
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return text.String()
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
}

func (s *MailServer) take(text string, secure bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, text)
	if !secure {
		s.plain++
	}
}
