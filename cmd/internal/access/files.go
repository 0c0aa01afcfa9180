package access

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/time/rate"
)

// Files is what access rests on.
type Files struct {
	Config string // path of exporter-toolkit's web configuration file; "" for none
	Tokens string // path of the file of tokens; "" for none

	// Admins are the users of Config that have the role admin; the others may read.
	Admins []string

	// Network is set when the address can be reached from elsewhere: then there must be TLS.
	Network bool
}

// rules is what the files say at one time.
type rules struct {
	tls    *tls.Config // nil for plain HTTP
	paths  []string    // of certificates and keys, which the web configuration file names
	http2  bool
	header map[string]string // for every answer
	pace   *rate.Limiter     // of requests; nil for none
	users  map[string]user
	tokens map[digest]Caller
	dearest
	absent []string // admins that are no users
}

type user struct {
	hash string
	role Role
}

// paths returns those of the files themselves.
func (f Files) paths() []string {
	return slices.DeleteFunc([]string{f.Config, f.Tokens}, func(path string) bool { return path == "" })
}

// load reads the files. With an error the rules say no more than which other files they name.
func (f Files) load() (*rules, error) {
	r := &rules{users: map[string]user{}}
	if f.Config != "" {
		if err := f.loadConfig(r); err != nil {
			return r, err
		}
	}
	if f.Tokens != "" {
		if err := f.loadTokens(r); err != nil {
			return r, err
		}
	}
	return r, f.check(r)
}

// check finds what the files lack together.
func (f Files) check(r *rules) error {
	switch {
	case f.Network && r.tls == nil:
		return &ConfigError{"web.config", "has no certificate, and what is reachable from elsewhere needs TLS", f.Config,
			"write cert_file and key_file beneath tls_server_config"}
	case len(r.users)+len(r.tokens) == 0:
		return &ConfigError{"web.config", "nobody could log in: there are neither users nor tokens", f.Config,
			"write users beneath basic_auth_users, or name a file of tokens with --web-tokens"}
	}
	for _, who := range r.tokens {
		if _, taken := r.users[who.Name]; taken {
			return &ConfigError{"web.tokens", fmt.Sprintf("a user and a token are both called %q", who.Name), f.Tokens,
				"give the token another name: names say who did something"}
		}
	}
	return nil
}

// dearestCost is the highest cost of a password's hash: a check takes about a second.
const dearestCost = 14

// loadConfig reads the web configuration file: the toolkit says what is wrong with it, and
// makes its TLS configuration.
func (f Files) loadConfig(r *rules) error {
	c, err := readConfig(f.Config)
	if err != nil {
		return f.unusable(err)
	}
	r.paths = slices.DeleteFunc([]string{c.TLSConfig.TLSCertPath, c.TLSConfig.TLSKeyPath, c.TLSConfig.ClientCAs},
		func(path string) bool { return path == "" })
	if err := f.loadUsers(r, c); err != nil {
		return err
	}
	if err := toolkit.Validate(f.Config); err != nil {
		return f.unusable(err)
	}
	if c.TLSConfig.IsEnabled() {
		if r.tls, err = tlsOf(c); err != nil {
			return f.unusable(err)
		}
	}
	r.http2, r.header = c.HTTPConfig.HTTP2, c.HTTPConfig.Header
	if limit := c.RateLimiterConfig; limit.Interval > 0 {
		r.pace = rate.NewLimiter(rate.Every(limit.Interval), limit.Burst)
	}
	return nil
}

func (f Files) loadUsers(r *rules, c *toolkit.Config) error {
	for _, name := range slices.Sorted(maps.Keys(c.Users)) {
		hash := string(c.Users[name])
		cost, err := bcrypt.Cost([]byte(hash))
		if err != nil {
			return f.unusable(fmt.Errorf("basic_auth_users: %s: %w", name, err))
		}
		if problem := badName(name); problem != "" {
			return f.unusable(fmt.Errorf("basic_auth_users: %q: %s", name, problem))
		}
		if cost > dearestCost {
			return &ConfigError{"web.config", fmt.Sprintf("basic_auth_users: the hash of %s has the cost %d: each guess would take the processor for seconds", name, cost),
				f.Config, fmt.Sprintf("hash it with a cost from 10 to %d, as by htpasswd -nBC 12", dearestCost)}
		}
		r.dearest.add(cost)
		r.users[name] = user{hash, Read}
	}
	for _, name := range f.Admins {
		if u, ok := r.users[name]; ok {
			r.users[name] = user{u.hash, Admin}
		} else {
			r.absent = append(r.absent, name)
		}
	}
	return nil
}

func (f Files) unusable(err error) error {
	problem := "can't be used: " + err.Error()
	var failed *fs.PathError
	if errors.As(err, &failed) {
		problem = fmt.Sprintf("can't be read: %s: %v", failed.Path, failed.Err)
	}
	return &ConfigError{"web.config", problem, f.Config,
		"write it as exporter-toolkit's web configuration; examples/web has one"}
}

// readConfig reads a web configuration file as the toolkit does, which keeps its own
// function for that to itself.
func readConfig(path string) (*toolkit.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &toolkit.Config{
		TLSConfig:  toolkit.TLSConfig{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13},
		HTTPConfig: toolkit.HTTPConfig{HTTP2: true},
	}
	err = yaml.UnmarshalStrict(text, c)
	c.TLSConfig.SetDirectory(filepath.Dir(path))
	return c, err
}

// tlsOf makes a configuration that holds its certificate, so that files that are just being
// replaced don't stop anybody.
func tlsOf(c *toolkit.Config) (*tls.Config, error) {
	made, err := toolkit.ConfigToTLSConfig(&c.TLSConfig)
	if err != nil {
		return nil, err
	}
	certificate, err := made.GetCertificate(nil)
	if err != nil {
		return nil, err
	}
	made.GetCertificate, made.Certificates = nil, []tls.Certificate{*certificate}
	made.SessionTicketsDisabled = made.ClientAuth != tls.NoClientCert // each connection shows its certificate anew
	made.NextProtos = []string{"http/1.1"}
	if c.HTTPConfig.HTTP2 {
		made.NextProtos = []string{"h2", "http/1.1"}
	}
	return made, nil
}
