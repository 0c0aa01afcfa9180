package access

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/bcrypt"

	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// A clock is set by hand.
type clock struct{ now time.Time }

func (c *clock) forward(d time.Duration) { c.now = c.now.Add(d) }

func hash(t *testing.T, password string) string {
	t.Helper()
	b, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, path string, lines ...string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// guarded returns a guard of the users alice, who is an administrator, and bob, and of a
// token, and its clock. Log lines go to log.
func guarded(t *testing.T, log io.Writer) (*Guard, *clock, Files, string) {
	t.Helper()
	directory := t.TempDir()
	token, line, err := NewToken("scraper", Read)
	if err != nil {
		t.Fatal(err)
	}
	f := Files{Admins: []string{"alice"}, Tokens: write(t, filepath.Join(directory, "tokens"), "# tokens", "", line),
		Config: write(t, filepath.Join(directory, "web.yml"), "basic_auth_users:", "  alice: "+hash(t, "secret"), "  bob: "+hash(t, "of bob"))}
	logger := logrus.New()
	logger.SetOutput(log)
	g, err := Open(f, logger)
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{noon}
	g.now, g.looked = func() time.Time { return c.now }, noon
	return g, c, f, token
}

var peer = netip.MustParseAddr("192.0.2.1")

func TestPassword(t *testing.T) {
	g, _, _, token := guarded(t, io.Discard)
	for range 2 { // the second time what was right is remembered
		for _, tt := range []struct {
			name, password string
			want           Caller
			err            error
		}{
			{"alice", "secret", Caller{"alice", Admin}, nil},
			{"bob", "of bob", Caller{"bob", Read}, nil},
			{"bob", "secret", Caller{}, ErrPassword},
			{"mallory", "secret", Caller{}, ErrPassword},
			{"", "", Caller{}, ErrPassword},
		} {
			got, err := g.Password(t.Context(), peer, tt.name, tt.password)
			if got != tt.want || err != tt.err {
				t.Errorf("Password(%q, %q) = %v, %v, want %v, %v", tt.name, tt.password, got, err, tt.want, tt.err)
			}
		}
	}
	if got, err := g.Token(token); got != (Caller{"scraper", Read}) || err != nil {
		t.Errorf("the token is %v's, %v", got, err)
	}
	if got, err := g.Token(token + "x"); got != (Caller{}) || err != ErrToken {
		t.Errorf("another token is %v's, %v", got, err)
	}
}

// TestAttempts guesses until it isn't let any more. Whoever was in before still is.
func TestAttempts(t *testing.T) {
	g, c, _, _ := guarded(t, io.Discard)
	if _, err := g.Password(t.Context(), peer, "alice", "secret"); err != nil {
		t.Fatal(err)
	}
	guess := func(from string) error {
		_, err := g.Password(t.Context(), netip.MustParseAddr(from), "bob", "guess")
		return err
	}
	var busy *BusyError
	for n := 2; n <= peerAttempts; n++ {
		if err := guess(peer.String()); err != ErrPassword {
			t.Fatalf("attempt %d: %v", n, err)
		}
	}
	if err := guess(peer.String()); !errors.As(err, &busy) || busy.After != peerEvery {
		t.Errorf("attempt %d: %v, want to wait for %v", peerAttempts+1, err, peerEvery)
	}
	if _, err := g.Password(t.Context(), peer, "alice", "secret"); err != nil {
		t.Errorf("a password that was right before: %v", err)
	}
	for n := range 2 * peerAttempts { // all of one /64
		err := guess(fmt.Sprintf("2001:db8::%x", n+1))
		if over := n >= peerAttempts; errors.As(err, &busy) != over {
			t.Errorf("attempt %d of a /64: %v", n+1, err)
		}
	}
	others := 0
	for n := range 100 {
		if guess(fmt.Sprintf("198.51.100.%d", n)) == ErrPassword {
			others++
		}
	}
	if want := allWork - 2*peerAttempts; others != want {
		t.Errorf("%d attempts of others are let in, want %d", others, want)
	}
	c.forward(peerEvery)
	if err := guess(peer.String()); err != ErrPassword {
		t.Errorf("after %v: %v", peerEvery, err)
	}
}

// TestPeersAreForgotten guesses from very many addresses for a long time.
func TestPeersAreForgotten(t *testing.T) {
	var a attempts
	a.init()
	now, let := noon, 0
	for n := range 20 * mostPeers {
		if a.take(now, netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), leastCost) == nil {
			let++
		}
		now = now.Add(allEvery)
		if len(a.peers) > mostPeers {
			t.Fatalf("after %d attempts %d peers are remembered, want %d at most", n+1, len(a.peers), mostPeers)
		}
	}
	if let != 20*mostPeers {
		t.Errorf("%d attempts are let in, want all", let)
	}
}

func TestDearHashesCountMore(t *testing.T) {
	var d dearest
	if d.work() != 1 {
		t.Errorf("without users a check counts %d", d.work())
	}
	d.add(11)
	d.add(10)
	if d.work() != 2 {
		t.Errorf("a check of the cost 11 counts %d, want 2", d.work())
	}
	if cost, err := bcrypt.Cost([]byte(d.decoy())); cost != 11 || err != nil {
		t.Errorf("the decoy costs %d, %v", cost, err)
	}
	if dearest(dearestCost).work() > allWork {
		t.Errorf("a check of the cost %d counts more than there ever is", dearestCost)
	}
	if err := bcrypt.CompareHashAndPassword([]byte(d.decoy()), nil); err != bcrypt.ErrMismatchedHashAndPassword {
		t.Errorf("the decoy is compared with %v: in no time?", err)
	}
}

func TestSession(t *testing.T) {
	g, c, f, _ := guarded(t, io.Discard)
	wants := func(what, id string, want error) {
		t.Helper()
		got, err := g.Session(id)
		if err != want || err == nil && got != (Caller{"alice", Admin}) {
			t.Errorf("%s: %v, %v, want %v", what, got, err, want)
		}
	}
	id := g.Begin("alice")
	wants("at once", id, nil)
	wants("another ID", id+"x", ErrSession)
	c.forward(SessionIdle - 1)
	wants("nearly idle for too long", id, nil)
	c.forward(SessionIdle)
	wants("idle for too long", id, ErrSession)

	id = g.Begin("alice")
	for range SessionLength / time.Hour {
		wants("used each hour", id, nil)
		c.forward(time.Hour)
	}
	wants("too long", id, ErrSession)

	id = g.Begin("alice")
	if name := g.End(id); name != "alice" {
		t.Errorf("it was the session of %q", name)
	}
	wants("ended", id, ErrSession)

	first := g.Begin("alice")
	c.forward(time.Second)
	second, of := g.Begin("alice"), g.Begin("bob")
	for range userSessions - 1 {
		c.forward(time.Second)
		g.Begin("alice")
	}
	wants("one too many", first, ErrSession)
	wants("not one too many", second, nil)
	if _, err := g.Session(of); err != nil || g.Sessions() != userSessions+1 {
		t.Errorf("bob's session: %v; there are %d", err, g.Sessions())
	}

	write(t, f.Config, "basic_auth_users:", "  alice: "+hash(t, "another"), "  bob: "+hash(t, "of bob"))
	c.forward(lookEvery)
	wants("after another password", second, ErrSession)
}

// TestReload takes users and tokens out, and breaks the files.
func TestReload(t *testing.T) {
	var log strings.Builder
	g, c, f, token := guarded(t, &log)
	try := func(what, password string, want error) {
		t.Helper()
		c.forward(peerEvery)
		if _, err := g.Password(t.Context(), peer, "alice", password); err != want {
			t.Errorf("%s: alice's %q: %v, want %v", what, password, err, want)
		}
	}
	try("at first", "secret", nil)
	write(t, f.Config, "basic_auth_users:", "  alice: s3cr3t-in-plain")
	try("with a broken file", "secret", nil)
	write(t, f.Config, "basic_auth_users:", "  alice: "+hash(t, "another password"))
	try("with another password", "secret", ErrPassword)
	try("with another password", "another password", nil)
	write(t, f.Config, "basic_auth_users:", "  carol: "+hash(t, "x"))
	try("without her", "another password", ErrPassword)
	write(t, f.Tokens, "# none")
	c.forward(lookEvery)
	if _, err := g.Token(token); err != ErrToken {
		t.Errorf("a token that was taken out: %v", err)
	}
	for _, says := range []string{"those before stay in use", "have changed and are in use", "web.admins names somebody who is no user any more"} {
		if !strings.Contains(log.String(), says) {
			t.Errorf("the log doesn't say %q:\n%s", says, &log)
		}
	}
	if strings.Contains(log.String(), "s3cr3t") || strings.Contains(log.String(), "$2a$") {
		t.Errorf("the log holds a secret:\n%s", &log)
	}
}

// TestTLSStaysOn takes the certificate away on an address that doesn't need it.
func TestTLSStaysOn(t *testing.T) {
	own := tlstest.NewAuthority(t).Issue(t, "localhost")
	users := "basic_auth_users: {alice: " + hash(t, "x") + "}"
	path := write(t, filepath.Join(t.TempDir(), "web.yml"), fmt.Sprintf("tls_server_config: {cert_file: %q, key_file: %q}", own.File, own.Key), users)
	g, err := Open(Files{Config: path}, logrus.New())
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{noon}
	g.now, g.looked = func() time.Time { return c.now }, noon
	write(t, path, users)
	if c.forward(lookEvery); g.TLS() == nil {
		t.Error("without a certificate in the file TLS is turned off")
	}
}

// TestNetworkNeedsTLS reloads what a server that others reach can't do without.
func TestNetworkNeedsTLS(t *testing.T) {
	authority := tlstest.NewAuthority(t)
	first, second := authority.Issue(t, "first.example.net"), authority.Issue(t, "second.example.net")
	path := filepath.Join(t.TempDir(), "web.yml")
	users := "basic_auth_users: {alice: " + hash(t, "x") + "}"
	with := func(c tlstest.Certificate) string {
		return fmt.Sprintf("tls_server_config: {cert_file: %q, key_file: %q}", c.File, c.Key)
	}
	f := Files{Config: write(t, path, with(first), users), Network: true}
	g, err := Open(f, logrus.New())
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{noon}
	g.now, g.looked = func() time.Time { return c.now }, noon
	shown := func() string {
		c.forward(lookEvery)
		config, err := g.TLS().GetConfigForClient(nil)
		if err != nil {
			t.Fatal(err)
		}
		return config.Certificates[0].Leaf.Subject.CommonName
	}
	for _, step := range []struct{ file, want string }{
		{with(second) + "\n" + users, second.Name},
		{users, second.Name},                                 // TLS can't be taken away
		{with(first), second.Name},                           // nor can all users
		{with(first) + "\n" + users + "\nx: 1", second.Name}, // it isn't understood
		{with(first) + "\n" + users, first.Name},
	} {
		write(t, path, step.file)
		if got := shown(); got != step.want {
			t.Errorf("with the file\n%s\nthe certificate is of %s, want %s", step.file, got, step.want)
		}
	}
}
