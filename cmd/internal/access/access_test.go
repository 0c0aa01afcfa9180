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
	if dearest(dearestCost).work() > allWork {
		t.Errorf("a check of the cost %d counts more than there ever is", dearestCost)
	}
}

// TestWrongPasswordsTakeTheSame counts the work of wrong passwords of users whose hashes differ
// in cost, and of nobody: bcrypt doubles it with each step.
func TestWrongPasswordsTakeTheSame(t *testing.T) {
	g, c, f, _ := guarded(t, io.Discard)
	lines := []string{"basic_auth_users:"}
	for name, cost := range map[string]int{"cheap": 4, "middle": 6, "dear": 8} {
		b, err := bcrypt.GenerateFromPassword([]byte("of "+name), cost)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, "  "+name+": "+string(b))
	}
	write(t, f.Config, lines...)
	work := 0
	g.compare = func(hash, password []byte) error {
		cost, err := bcrypt.Cost(hash)
		if err != nil {
			t.Errorf("%q is compared: %v", hash, err)
		}
		work += 1 << cost
		err = bcrypt.CompareHashAndPassword(hash, password)
		if err != nil && err != bcrypt.ErrMismatchedHashAndPassword {
			t.Errorf("%q is compared with %v: in no time?", hash, err)
		}
		return err
	}
	for _, name := range []string{"cheap", "middle", "dear", "mallory", ""} {
		work = 0
		c.forward(peerEvery)
		if _, err := g.Password(t.Context(), peer, name, "guess"); err != ErrPassword || work != 1<<8 {
			t.Errorf("a wrong password of %q takes %d, %v, want %d", name, work, err, 1<<8)
		}
	}
	write(t, f.Config, "# nobody")
	work = 0
	c.forward(peerEvery)
	if _, err := g.Password(t.Context(), peer, "cheap", "guess"); err != ErrPassword || work != 1<<bcrypt.MinCost {
		t.Errorf("with tokens only a password takes %d, %v, want %d", work, err, 1<<bcrypt.MinCost)
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

// TestChangeDuringReload changes files after they were read and before that is noted.
func TestChangeDuringReload(t *testing.T) {
	alice, bob := "  alice: "+hash(t, "secret"), "  bob: "+hash(t, "of bob")
	for _, tt := range []struct {
		name    string
		changes int  // while they are read, one each time
		later   bool // the last one is found by a later look only
	}{
		{"once", 1, false},
		{"nearly for ever", mostReads + 1, true},
	} {
		g, c, f, _ := guarded(t, io.Discard)
		reads, load := 0, g.load
		g.load = func() (*rules, error) {
			r, err := load()
			if reads++; reads < tt.changes {
				write(t, f.Config, "basic_auth_users:", alice, bob, "# "+strings.Repeat("x", reads))
			} else if reads == tt.changes {
				write(t, f.Config, "basic_auth_users:", alice)
			}
			return r, err
		}
		write(t, f.Config, "basic_auth_users:", alice, bob, "#")
		if c.forward(lookEvery); g.IsUser("bob") != tt.later {
			t.Errorf("%s: after the reload bob is a user: %v, want %v", tt.name, !tt.later, tt.later)
		}
		if c.forward(lookEvery); g.IsUser("bob") {
			t.Errorf("%s: bob was taken out while the files were read, and is still a user", tt.name)
		}
		before := reads
		if c.forward(lookEvery); g.IsUser("bob") || reads != before {
			t.Errorf("%s: files that don't change any more are read again", tt.name)
		}
	}
}

// TestChangeThatLooksTheSame puts another user's hash of the same length in the place of one,
// as quickly as the file's time can't tell.
func TestChangeThatLooksTheSame(t *testing.T) {
	g, c, f, _ := guarded(t, io.Discard)
	info, err := os.Stat(f.Config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.Config, "basic_auth_users:", "  alice: "+hash(t, "another"), "  bob: "+hash(t, "of bob"))
	if err := os.Chtimes(f.Config, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	c.forward(lookEvery)
	if _, err := g.Password(t.Context(), peer, "alice", "secret"); err != ErrPassword {
		t.Errorf("alice's password of before: %v, want %v", err, ErrPassword)
	}
}

// TestCertificateComesLater names a certificate that is put in its place afterwards.
func TestCertificateComesLater(t *testing.T) {
	authority := tlstest.NewAuthority(t)
	first, second := authority.Issue(t, "first.example.net"), authority.Issue(t, "second.example.net")
	directory := t.TempDir()
	path, users := filepath.Join(directory, "web.yml"), "basic_auth_users: {alice: "+hash(t, "x")+"}"
	write(t, path, fmt.Sprintf("tls_server_config: {cert_file: %q, key_file: %q}", first.File, first.Key), users)
	g, err := Open(Files{Config: path}, logrus.New())
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{noon}
	g.now, g.looked = func() time.Time { return c.now }, noon
	shows := func(when, want string) {
		t.Helper()
		c.forward(lookEvery)
		if got := g.TLS().Certificates[0].Leaf.Subject.CommonName; got != want {
			t.Errorf("%s: the certificate is of %s, want %s", when, got, want)
		}
	}
	write(t, path, fmt.Sprintf("tls_server_config: {cert_file: new.crt, key_file: %q}", second.Key), users)
	shows("before there is one", first.Name)
	if err := os.Rename(second.File, filepath.Join(directory, "new.crt")); err != nil {
		t.Fatal(err)
	}
	shows("when it has come", second.Name)
}

// TestChangeDuringCheck takes a user out while her password is checked, which takes a while.
func TestChangeDuringCheck(t *testing.T) {
	g, c, f, _ := guarded(t, io.Discard)
	g.compare = func(hash, password []byte) error {
		write(t, f.Config, "basic_auth_users:", "  bob: "+string(hash))
		c.forward(lookEvery)
		return bcrypt.CompareHashAndPassword(hash, password)
	}
	if who, err := g.Password(t.Context(), peer, "alice", "secret"); err != ErrPassword {
		t.Errorf("it is %+v, %v, want %v", who, err, ErrPassword)
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
