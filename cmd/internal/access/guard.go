package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/bcrypt"
)

// A Guard knows callers by what they show. Files that are replaced hold from a second later
// on.
type Guard struct {
	files    Files
	log      logrus.FieldLogger
	now      func() time.Time
	sessions sessions
	attempts attempts

	mu     sync.Mutex
	rules  *rules
	looked time.Time
	seen   string // what the files looked like when they were last read

	// known are the passwords that were right, by user: bcrypt takes its time, and scrapers
	// come each few seconds. Only a keyed hash of each is kept.
	known map[string][]byte
	key   [32]byte

	checking chan struct{} // holds one while bcrypt works
}

// Open reads the files. The error is a *ConfigError if they can't be used now; later the
// last good ones are kept, and the log says so.
func Open(f Files, log logrus.FieldLogger) (*Guard, error) {
	g := &Guard{files: f, log: log, now: time.Now, known: map[string][]byte{}, checking: make(chan struct{}, 1)}
	g.sessions.byID = map[digest]*session{}
	g.attempts.init()
	rand.Read(g.key[:]) // never fails
	r, err := f.load()
	if err != nil {
		return nil, err
	}
	if len(r.absent) > 0 {
		return nil, &ConfigError{"web.admins", "no such user in the web configuration file", r.absent[0],
			"write the name as it stands beneath basic_auth_users, or remove it"}
	}
	g.rules, g.looked = r, g.now()
	g.seen = g.look()
	return g, nil
}

// lookEvery is how often the files are looked at, at most.
const lookEvery = time.Second

// current returns what the files say, or said when they last could be used.
func (g *Guard) current() *rules {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if now.Sub(g.looked) < lookEvery {
		return g.rules
	}
	g.looked = now
	seen := g.look()
	if seen == g.seen {
		return g.rules
	}
	g.seen = seen
	r, err := g.files.load()
	if err == nil && (r.tls == nil) != (g.rules.tls == nil) {
		err = errors.New("TLS is turned on and off at a restart only")
	}
	if err != nil {
		g.log.WithError(err).Error("the files of web access have changed and can't be used: those before stay in use")
		return g.rules
	}
	for _, name := range r.absent { // no error: taking a user out must work at once
		g.log.WithField("user", name).Warn("web.admins names somebody who is no user any more")
	}
	g.log.Info("the files of web access have changed and are in use")
	g.rules = r
	g.seen = g.look() // they may name other certificates
	return r
}

// look returns what changes when a file does.
func (g *Guard) look() string {
	var b strings.Builder
	for _, path := range append([]string{g.files.Config, g.files.Tokens}, g.rules.paths...) {
		if path == "" {
			continue
		}
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintln(&b, info.Size(), info.ModTime().UnixNano())
		} else {
			fmt.Fprintln(&b, err)
		}
	}
	return b.String()
}

// TLS returns the configuration of the server, nil for plain HTTP.
func (g *Guard) TLS() *tls.Config {
	r := g.current()
	if r.tls == nil {
		return nil
	}
	c := r.tls.Clone()
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return g.current().tls, nil }
	return c
}

// HTTP2 reports whether HTTP/2 may be spoken.
func (g *Guard) HTTP2() bool { return g.current().http2 }

// Header returns what the files want to stand in the header of every answer.
func (g *Guard) Header() map[string]string { return g.current().header }

// Pace reports whether one more request is within the rate that the files set.
func (g *Guard) Pace() bool {
	pace := g.current().pace
	return pace == nil || pace.AllowN(g.now(), 1)
}

// Token returns whose token it is, or ErrToken.
func (g *Guard) Token(token string) (Caller, error) {
	if who, ok := g.current().tokens[digestOf(token)]; ok {
		return who, nil
	}
	return Caller{}, ErrToken
}

// Password returns the user of that name, or ErrPassword, or a *BusyError if there were too
// many attempts. Wrong names take as long as wrong passwords.
func (g *Guard) Password(ctx context.Context, peer netip.Addr, name, password string) (Caller, error) {
	r := g.current()
	u, exists := r.users[name]
	sum := g.sum(name, u.hash, password)
	g.mu.Lock()
	known := exists && hmac.Equal(g.known[name], sum)
	g.mu.Unlock()
	if known {
		return Caller{name, u.role}, nil
	}
	if err := g.attempts.take(g.now(), peer, r.dearest); err != nil {
		return Caller{}, err
	}
	hash := u.hash
	if !exists {
		hash = r.dearest.decoy()
	}
	right, err := g.matches(ctx, hash, password)
	switch {
	case err != nil:
		return Caller{}, err
	case !right || !exists:
		return Caller{}, ErrPassword
	}
	g.mu.Lock()
	g.known[name] = sum
	g.mu.Unlock()
	return Caller{name, u.role}, nil
}

// IsUser reports whether there is a user of that name.
func (g *Guard) IsUser(name string) bool {
	_, ok := g.current().users[name]
	return ok
}

// matches checks one password at a time, so that guesses take one processor at most.
func (g *Guard) matches(ctx context.Context, hash, password string) (bool, error) {
	select {
	case g.checking <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-g.checking }()
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil, nil
}

// sum returns what is remembered of a password that fits a hash.
func (g *Guard) sum(parts ...string) []byte {
	h := hmac.New(sha256.New, g.key[:])
	for _, part := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}
