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
	load   func() (*rules, error)
	rules  *rules
	paths  []string // of what was last read
	looked time.Time
	seen   string // what the files looked like before they were last read

	// known are the passwords that were right, by user: bcrypt takes its time, and scrapers
	// come each few seconds. Only a keyed hash of each is kept.
	known map[string][]byte
	key   [32]byte

	checking chan struct{} // holds one while bcrypt works
	compare  func(hash, password []byte) error
}

// Open reads the files. The error is a *ConfigError if they can't be used now; later the
// last good ones are kept, and the log says so.
func Open(f Files, log logrus.FieldLogger) (*Guard, error) {
	g := &Guard{files: f, log: log, now: time.Now, known: map[string][]byte{}, checking: make(chan struct{}, 1), compare: bcrypt.CompareHashAndPassword}
	g.sessions.byID = map[digest]*session{}
	g.attempts.init()
	rand.Read(g.key[:]) // never fails
	g.load, g.paths = f.load, f.paths()
	r, err := g.read()
	if err != nil {
		return nil, err
	}
	if len(r.absent) > 0 {
		return nil, &ConfigError{"web.admins", "no such user in the web configuration file", r.absent[0],
			"write the name as it stands beneath basic_auth_users, or remove it"}
	}
	g.rules, g.looked = r, g.now()
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
	if look(g.paths) == g.seen {
		return g.rules
	}
	r, err := g.read()
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
	return r
}

// mostReads is how often files that keep changing are read at once. They are read again at
// the next look.
const mostReads = 5

// read reads the files until they look the same before and after, so that what is read goes
// together, and no change meanwhile is taken for one that was read. What they name, such as
// certificates, is theirs, even where it can't be used: it may be mended.
func (g *Guard) read() (r *rules, err error) {
	for range mostReads {
		g.seen = look(g.paths)
		r, err = g.load()
		g.paths = append(g.files.paths(), r.paths...)
		if look(g.paths) == g.seen {
			break
		}
	}
	return r, err
}

// look returns what changes when a file does. That is what it holds: its size and time stay
// the same where a secret gives way to another of its length within the same tick.
func look(paths []string) string {
	var b strings.Builder
	for _, path := range paths {
		if text, err := os.ReadFile(path); err == nil {
			fmt.Fprintf(&b, "%q %x\n", path, sha256.Sum256(text))
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
// many attempts. Wrong names take as long as wrong passwords, whatever these cost.
func (g *Guard) Password(ctx context.Context, peer netip.Addr, name, password string) (Caller, error) {
	if caller, err := g.Remembered(name, password); err == nil {
		return caller, nil
	}
	r := g.current()
	u := r.users[name] // whose hash is "" if there is none
	if err := g.attempts.take(g.now(), peer, r.dearest); err != nil {
		return Caller{}, err
	}
	right, err := g.matches(ctx, r.dearest, u.hash, password)
	switch {
	case err != nil:
		return Caller{}, err
	case !right, g.current().users[name] != u: // who was taken out meanwhile isn't let in
		return Caller{}, ErrPassword
	}
	sum := g.sum(name, u.hash, password)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known[name] = sum
	return Caller{name, u.role}, nil
}

// Remembered returns the user of that name if the password was right before and still is, else
// ErrPassword.
func (g *Guard) Remembered(name, password string) (Caller, error) {
	u, exists := g.current().users[name]
	sum := g.sum(name, u.hash, password)
	g.mu.Lock()
	defer g.mu.Unlock()
	if exists && hmac.Equal(g.known[name], sum) {
		return Caller{name, u.role}, nil
	}
	return Caller{}, ErrPassword
}

// IsUser reports whether there is a user of that name.
func (g *Guard) IsUser(name string) bool {
	_, ok := g.current().users[name]
	return ok
}

// matches checks one password at a time, so that guesses take one processor at most. A wrong
// one takes as long as with the dearest hash, whatever the hash is, and also if it is "",
// which is nobody's: how long doesn't tell which users there are.
func (g *Guard) matches(ctx context.Context, d dearest, hash, password string) (bool, error) {
	select {
	case g.checking <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-g.checking }()
	if hash != "" && g.compare([]byte(hash), []byte(password)) == nil {
		return true, nil
	}
	for _, decoy := range d.decoys(hash) {
		_ = g.compare([]byte(decoy), []byte(password)) // it can't fit
	}
	return false, nil
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
