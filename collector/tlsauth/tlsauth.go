// Package tlsauth makes the configuration of a TLS server that receives syslog (RFC 5425,
// RFC 9662) out of files, and authenticates its clients. The files may be replaced while
// the server runs: handshakes use the new ones from a second later on.
//
// A client is authenticated in either of two ways (RFC 5425, section 5):
//   - a CA has signed its certificate, and one of the certificate's names is permitted,
//     if any names are;
//   - the fingerprint of its certificate is permitted. That pins the certificate: no CA,
//     no name and no date matter.
//
// With neither CA nor fingerprint, clients aren't asked for a certificate.
package tlsauth

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// Files is what a server is made of. All are in PEM.
type Files struct {
	Certificate string // path of our certificate, and of those between it and its CA
	Key         string // path of its private key
	ClientCA    string // path of the certificates of the CAs that sign clients'; "" for none

	// Permit are the names and fingerprints of clients, as ParsePermit reads them.
	// Without names any certificate that ClientCA has signed will do.
	Permit []string
}

// A ConfigError is something in Files that can't be used.
type ConfigError struct {
	Field   string // of Files
	Problem string
	Value   string
	Hint    string
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("tlsauth: %s: %s (got %q)", e.Field, e.Problem, e.Value)
}

// Config returns the configuration of a server. It is an error, of type *ConfigError, if
// the files can't be used now; later the last good ones are kept, and the log says so.
func (f Files) Config(log logrus.FieldLogger) (*tls.Config, error) {
	permits, err := f.permits()
	if err != nil {
		return nil, err
	}
	r := &reloader{files: f, permits: permits, log: log}
	r.seen = r.look()
	if r.config, err = r.load(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return r.current(time.Now()), nil
		},
	}, nil
}

func (f Files) permits() (permits, error) {
	var all permits
	for _, text := range f.Permit {
		p, err := ParsePermit(text)
		if err != nil {
			return all, &ConfigError{Field: "Permit", Problem: err.Error(), Value: text, Hint: PermitHint}
		}
		if p.IsName() && f.ClientCA == "" {
			return all, &ConfigError{Field: "Permit", Problem: "a name proves nothing without a CA that has signed it", Value: text,
				Hint: "name the file with the CA's certificate, or permit the fingerprint of the client's"}
		}
		all.add(p)
	}
	return all, nil
}

// A reloader keeps a configuration in step with its files.
type reloader struct {
	files   Files
	permits permits
	log     logrus.FieldLogger

	mu     sync.Mutex
	config *tls.Config
	looked time.Time
	seen   string    // what the files looked like when they were last read
	warned time.Time // when the end of our certificate was last looked at
}

// lookEvery is how often the files are looked at, at most.
const lookEvery = time.Second

// current returns the configuration of the files as they are, or as they were when they
// last could be used.
func (r *reloader) current(now time.Time) *tls.Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.looked) < lookEvery {
		return r.config
	}
	r.looked = now
	if now.Sub(r.warned) >= warnEvery {
		r.warnOfExpiry(r.config.Certificates[0].Leaf, now)
	}
	seen := r.look()
	if seen == r.seen {
		return r.config
	}
	r.seen = seen
	config, err := r.load()
	if err != nil {
		r.log.WithError(err).Error("TLS files have changed and can't be used: those before stay in use")
		return r.config
	}
	r.log.Info("TLS files have changed and are in use")
	r.config = config
	return config
}

// look returns what changes when a file does.
func (r *reloader) look() string {
	var b strings.Builder
	for _, path := range [...]string{r.files.Certificate, r.files.Key, r.files.ClientCA} {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintln(&b, info.Size(), info.ModTime().UnixNano())
		} else {
			fmt.Fprintln(&b, err)
		}
	}
	return b.String()
}

// load reads the files.
func (r *reloader) load() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(r.files.Certificate, r.files.Key)
	if err != nil {
		return nil, r.files.pairError(err)
	}
	r.warnOfExpiry(pair.Leaf, time.Now())
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	v := &verifier{permits: r.permits}
	if r.files.ClientCA != "" {
		if v.roots, err = readCAs(r.files.ClientCA); err != nil {
			return nil, err
		}
	}
	if v.roots == nil && len(r.permits.fingerprints) == 0 {
		return config, nil
	}
	config.ClientAuth = tls.RequireAnyClientCert
	config.VerifyConnection = v.verify // of resumed sessions too
	if len(r.permits.fingerprints) == 0 {
		config.ClientCAs = v.roots // tells clients which certificate to show
	}
	return config, nil
}

// pairError says which of the two files can't be used.
func (f Files) pairError(err error) error {
	e := &ConfigError{Field: "Certificate", Problem: "can't be used: " + err.Error(), Value: f.Certificate,
		Hint: "give the file with the certificate and its intermediates in PEM, and the key that belongs to it"}
	var failed *fs.PathError
	if errors.As(err, &failed) {
		e.Problem, e.Hint = "can't be read: "+failed.Err.Error(), "check that the file is there and that this user may read it"
		if failed.Path == f.Key {
			e.Field, e.Value = "Key", f.Key
		}
	}
	return e
}

func readCAs(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		var failed *fs.PathError
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return nil, &ConfigError{Field: "ClientCA", Problem: "can't be read: " + err.Error(), Value: path,
			Hint: "check that the file is there and that this user may read it"}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &ConfigError{Field: "ClientCA", Problem: "holds no certificate", Value: path,
			Hint: "give the file with the CA's certificate in PEM"}
	}
	return pool, nil
}

// expirySoon is how long before its end a certificate is warned of.
const expirySoon = 14 * 24 * time.Hour

// warnEvery is how often it is, while senders come.
const warnEvery = 24 * time.Hour

// warnOfExpiry says that senders will refuse our certificate, or soon will.
func (r *reloader) warnOfExpiry(leaf *x509.Certificate, now time.Time) {
	r.warned = now
	log := r.log.WithFields(logrus.Fields{"certificate": r.files.Certificate, "not_after": leaf.NotAfter.Format(time.RFC3339)})
	switch left := leaf.NotAfter.Sub(now); {
	case left <= 0:
		log.Error("our TLS certificate has expired: senders will refuse it")
	case left < expirySoon:
		log.Warn("our TLS certificate expires soon")
	}
}
