package chronydtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// An Authority signs the certificates of NTS servers.
type Authority struct {
	File string // its own certificate, in PEM

	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// A Certificate is the two files, in PEM, by which an NTS server proves its name.
type Certificate struct{ File, Key string }

// NewAuthority makes an authority that nobody trusts who isn't told to.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{}
	a.certificate = template("a test's authority")
	a.certificate.IsCA, a.certificate.BasicConstraintsValid = true, true
	a.certificate.KeyUsage = x509.KeyUsageCertSign
	a.key = newKey(t)
	a.File = a.sign(t, a.certificate, a.key).File
	return a
}

// Issue makes a certificate for localhost and the first addresses of 127.0.0.0/8, or for other names only.
func (a *Authority) Issue(t testing.TB, names ...string) *Certificate {
	t.Helper()
	c := template("an NTS server")
	if c.DNSNames = names; len(names) == 0 {
		c.DNSNames, c.IPAddresses = []string{"localhost"}, loopbacks()
	}
	c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return a.sign(t, c, newKey(t))
}

// template is of a certificate that is valid now and for a while, also by clocks that
// lie.
func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-48 * time.Hour),
		NotAfter:     time.Now().Add(48 * time.Hour),
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("making a key: %v", err)
	}
	return key
}

// sign writes a certificate and its key to files.
func (a *Authority) sign(t testing.TB, c *x509.Certificate, key *ecdsa.PrivateKey) *Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatalf("signing a certificate: %v", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatalf("writing a key: %v", err)
	}
	dir := t.TempDir()
	return &Certificate{writePEM(t, dir, "cert.pem", "CERTIFICATE", der), writePEM(t, dir, "key.pem", "PRIVATE KEY", secret)}
}

func writePEM(t testing.TB, dir, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatalf("writing a certificate: %v", err)
	}
	return path
}

func loopbacks() (addresses []net.IP) {
	for i := range byte(8) {
		addresses = append(addresses, net.IPv4(127, 0, 0, 1+i))
	}
	return addresses
}
