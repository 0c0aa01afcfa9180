package tlsauth_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"github.com/skewatch/skewatch/collector/tlsauth"
	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

// A party is what a client may show: a certificate, or none.
type party struct {
	shows *tlstest.Certificate
	most  uint16 // TLS version; 0 for the newest
}

// handshake makes one over loopback, and returns what the server says of it and the name
// in the server's certificate.
func handshake(t *testing.T, server *tls.Config, client party) (name string, err error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			err = conn.(*tls.Conn).Handshake()
			conn.Close()
		}
		served <- err
	}()
	config := &tls.Config{InsecureSkipVerify: true, MaxVersion: client.most}
	if client.shows != nil {
		pair, err := tls.LoadX509KeyPair(client.shows.File, client.shows.Key)
		if err != nil {
			t.Fatal(err)
		}
		// Whatever authorities the server names: it must judge by itself.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", l.Addr().String(), config)
	if err == nil {
		name = conn.ConnectionState().PeerCertificates[0].Subject.CommonName
		io.Copy(io.Discard, conn)
		conn.Close()
	}
	return name, <-served
}

func quiet() logrus.FieldLogger {
	log, _ := test.NewNullLogger()
	return log
}

func named(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = names, nil }
}

func fingerprint(t *testing.T, c tlstest.Certificate) (short, long string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(c.File, c.Key)
	if err != nil {
		t.Fatal(err)
	}
	colons := func(sum []byte) string { return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":") }
	one, two := sha1.Sum(pair.Certificate[0]), sha256.Sum256(pair.Certificate[0])
	return colons(one[:]), colons(two[:])
}

func TestClients(t *testing.T) {
	ours, theirs := tlstest.NewAuthority(t), tlstest.NewAuthority(t)
	server := ours.Issue(t, "collector")
	good := ours.Issue(t, "web1.example.net", named("web1.example.net"))
	wild := ours.Issue(t, "wild", named("*.example.net"))
	bare := ours.Issue(t, "web1.example.net", named())
	misleading := ours.Issue(t, "web1.example.net", named("other.example.org"))
	byAddress := ours.Issue(t, "by address")
	wildAddress := ours.Issue(t, "wild", named("*.0.2.1"))
	expired := ours.Issue(t, "web1.example.net", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) })
	serverOnly := ours.Issue(t, "web1.example.net", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	foreign := theirs.Issue(t, "web1.example.net", named("web1.example.net"))
	short, long := fingerprint(t, foreign)
	expiredShort, _ := fingerprint(t, expired)

	for _, tt := range []struct {
		name   string
		ca     bool
		permit []string
		client *tlstest.Certificate
		want   string // in the error; "" for none
	}{
		{"nobody asks", false, nil, nil, ""},
		{"nobody asks, shown all the same", false, nil, &foreign, ""},
		{"signed", true, nil, &good, ""},
		{"signed for servers", true, nil, &serverOnly, ""},
		{"nothing shown", true, nil, nil, "didn't provide a certificate"},
		{"signed by another", true, nil, &foreign, "unknown authority"},
		{"expired", true, nil, &expired, "expired"},
		{"name", true, []string{"web1.example.net"}, &good, ""},
		{"name in other letters", true, []string{"WEB1.Example.net"}, &good, ""},
		{"another name", true, []string{"web2.example.net"}, &good, "none of the permitted names"},
		{"permitted wildcard", true, []string{"*.example.net"}, &good, ""},
		{"a wildcard is one label", true, []string{"*.net"}, &good, "none of the permitted names"},
		{"shown wildcard", true, []string{"web1.example.net"}, &wild, ""},
		{"both wildcards", true, []string{"*.example.net"}, &wild, ""},
		{"common name without others", true, []string{"web1.example.net"}, &bare, ""},
		{"common name beside others", true, []string{"web1.example.net"}, &misleading, "none of the permitted names"},
		{"name with the dot of the root", true, []string{"web1.example.net."}, &good, ""},
		{"a wildcard is no address", true, []string{"*.0.0.1"}, &byAddress, "none of the permitted names"},
		{"a shown wildcard is no address", true, []string{"192.0.2.1"}, &wildAddress, "none of the permitted names"},
		{"address", true, []string{"127.0.0.1"}, &byAddress, ""},
		{"another address", true, []string{"127.0.0.2"}, &byAddress, "none of the permitted names"},
		{"right name, wrong signer", true, []string{"web1.example.net"}, &foreign, "unknown authority"},
		{"fingerprint", false, []string{"sha-1:" + short}, &foreign, ""},
		{"fingerprint as librelp writes it", false, []string{"SHA1:" + strings.ReplaceAll(short, ":", "")}, &foreign, ""},
		{"SHA-256", false, []string{"sha-256:" + strings.ToLower(long)}, &foreign, ""},
		{"fingerprint as openssl prints it", false, []string{"SHA256 Fingerprint=" + long}, &foreign, ""},
		{"another fingerprint", false, []string{"sha-1:" + short}, &good, "none of the permitted fingerprints"},
		{"fingerprint of an expired one", false, []string{"sha-1:" + expiredShort}, &expired, ""},
		{"fingerprint beside CA", true, []string{"sha-1:" + short}, &foreign, ""},
		{"CA beside fingerprint", true, []string{"sha-1:" + short}, &good, ""},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			files := tlsauth.Files{Certificate: server.File, Key: server.Key, Permit: tt.permit}
			if tt.ca {
				files.ClientCA = ours.File
			}
			config, err := files.Config(quiet())
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			_, err = handshake(t, config, party{tt.client, version})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s, %s: handshake: %v, want %q", tt.name, tls.VersionName(version), err, tt.want)
			}
		}
	}
}

// A client chooses what its certificate says, and doesn't choose how much of that is logged.
func TestRefusalIsShort(t *testing.T) {
	ours, theirs := tlstest.NewAuthority(t), tlstest.NewAuthority(t)
	var names []string
	for i := range 500 {
		names = append(names, fmt.Sprintf("%03d.%s", i, strings.Repeat("\x01", 50)))
	}
	server := ours.Issue(t, "collector")
	client := theirs.Issue(t, strings.Repeat("x", 200), named(names...))
	_, long := fingerprint(t, client)
	for _, permit := range [][]string{nil, {"sha-1:" + strings.Repeat("00", 20)}} {
		files := tlsauth.Files{Certificate: server.File, Key: server.Key, Permit: permit}
		if permit == nil {
			files.ClientCA = ours.File
		}
		config, err := files.Config(quiet())
		if err != nil {
			t.Fatal(err)
		}
		_, err = handshake(t, config, party{&client, tls.VersionTLS13})
		if err == nil || len(err.Error()) > 1500 || !strings.Contains(err.Error(), strings.ToLower(strings.ReplaceAll(long, ":", ""))) {
			t.Errorf("refused with %v, want a short error with the fingerprint %s", err, long)
		}
	}
}

func TestOldVersionsAreRefused(t *testing.T) {
	server := tlstest.NewAuthority(t).Issue(t, "collector")
	config, err := tlsauth.Files{Certificate: server.File, Key: server.Key}.Config(quiet())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handshake(t, config, party{most: tls.VersionTLS11}); err == nil {
		t.Error("a client that knows TLS 1.1 at most was let in")
	}
}

// replaceFiles puts the files of one certificate in another's place, as renewal does.
func replaceFiles(t *testing.T, old, renewed tlstest.Certificate) {
	t.Helper()
	for from, to := range map[string]string{renewed.File: old.File, renewed.Key: old.Key} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
}

// A renewed certificate is shown, and files that can't be used are told and passed over.
func TestReload(t *testing.T) {
	a := tlstest.NewAuthority(t)
	files := a.Issue(t, "first")
	log, hook := test.NewNullLogger()
	config, err := tlsauth.Files{Certificate: files.File, Key: files.Key}.Config(log)
	if err != nil {
		t.Fatal(err)
	}
	awaitName := func(want string) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			name, err := handshake(t, config, party{})
			if err != nil {
				t.Fatal(err)
			}
			if name == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("the server shows the certificate of %q, want %q", name, want)
			}
		}
	}
	awaitName("first")
	replaceFiles(t, files, a.Issue(t, "second"))
	awaitName("second")
	if err := os.WriteFile(files.Key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); hook.LastEntry().Level != logrus.ErrorLevel; awaitName("second") {
		if time.Now().After(end) {
			t.Fatal("nothing was said of a key that can't be used")
		}
	}
	replaceFiles(t, files, a.Issue(t, "third"))
	awaitName("third")
}

func TestWhatFilesLack(t *testing.T) {
	a := tlstest.NewAuthority(t)
	one, other := a.Issue(t, "one"), a.Issue(t, "other")
	missing := filepath.Join(t.TempDir(), "missing.pem")
	for _, tt := range []struct {
		files                 tlsauth.Files
		field, value, problem string
	}{
		{tlsauth.Files{Certificate: missing, Key: one.Key}, "Certificate", missing, "no such file"},
		{tlsauth.Files{Certificate: one.File, Key: missing}, "Key", missing, "no such file"},
		{tlsauth.Files{Certificate: one.File, Key: other.Key}, "Certificate", one.File, "does not match"},
		{tlsauth.Files{Certificate: one.File, Key: one.Key, ClientCA: missing}, "ClientCA", missing, "no such file"},
		{tlsauth.Files{Certificate: one.File, Key: one.Key, ClientCA: one.Key}, "ClientCA", one.Key, "holds no certificate"},
		{tlsauth.Files{Certificate: one.File, Key: one.Key, Permit: []string{"web1"}}, "Permit", "web1", "without a CA"},
		{tlsauth.Files{Certificate: one.File, Key: one.Key, Permit: []string{"we b1"}}, "Permit", "we b1", "neither a name nor a fingerprint"},
		{tlsauth.Files{Certificate: one.File, Key: one.Key, Permit: []string{"md5:00"}}, "Permit", "md5:00", "neither a name nor a fingerprint"},
		{tlsauth.Files{Certificate: one.File, Key: one.Key, Permit: []string{"sha-512:00"}}, "Permit", "sha-512:00", "another hash"},
		{tlsauth.Files{Certificate: one.File, Key: one.Key, Permit: []string{"sha-1:00"}}, "Permit", "sha-1:00", "40 hexadecimal digits"},
		{tlsauth.Files{Certificate: one.File, Key: one.Key, Permit: []string{"a.*.net"}}, "Permit", "a.*.net", "neither"},
		{tlsauth.Files{Certificate: one.File, Key: one.Key, Permit: []string{"a..net"}}, "Permit", "a..net", "neither"},
		{tlsauth.Files{Certificate: one.File, Key: one.Key, Permit: []string{"*."}}, "Permit", "*.", "neither"},
		{tlsauth.Files{Certificate: one.File, Key: one.Key, Permit: []string{"fe80::1%eth0"}}, "Permit", "fe80::1%eth0", "zone"},
		{tlsauth.Files{Certificate: one.File, Key: one.Key, Permit: []string{"192.0.2.1"}}, "Permit", "192.0.2.1", "without a CA"},
	} {
		_, err := tt.files.Config(quiet())
		var wrong *tlsauth.ConfigError
		if !errors.As(err, &wrong) || wrong.Field != tt.field || wrong.Value != tt.value || !strings.Contains(wrong.Problem, tt.problem) || wrong.Hint == "" {
			t.Errorf("%+v: Config: %#v, want %s %q: … %s …, and a hint", tt.files, err, tt.field, tt.value, tt.problem)
		}
	}
}
