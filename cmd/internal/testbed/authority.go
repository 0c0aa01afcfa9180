package testbed

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

// An Authority issues the certificates of a test.
type Authority struct {
	File string // its own certificate, in PEM

	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// A Certificate is the two files, in PEM, by which a program proves its name.
type Certificate struct {
	Name      string
	File, Key string
}

// NewAuthority makes an authority that nobody trusts who isn't told to.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{}
	template := validFor("a test's authority")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	issued := a.sign(t, template)
	a.File = issued.File
	return a
}

// Issue makes the certificate of a host, which may be a client and a server. It is valid
// for the host's name and, since all hosts here are this machine, for localhost and
// 127.0.0.1.
func (a *Authority) Issue(t testing.TB, name string) Certificate {
	t.Helper()
	template := validFor(name)
	template.DNSNames = []string{name, "localhost"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	return a.sign(t, template)
}

// validFor returns a certificate of that name which is valid now and for a while, also by
// clocks that lie.
func validFor(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-48 * time.Hour),
		NotAfter:  time.Now().Add(48 * time.Hour),
	}
}

// sign gives the certificate a key, signs it and writes both to files. The authority's
// own is the first, which it signs itself.
func (a *Authority) sign(t testing.TB, template *x509.Certificate) Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		t.Fatalf("testbed: %v", err)
	}
	if a.certificate == nil {
		a.certificate, a.key = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatalf("testbed: certificate of %s: %v", template.Subject.CommonName, err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	directory := t.TempDir()
	issued := Certificate{Name: template.Subject.CommonName,
		File: filepath.Join(directory, "cert.pem"), Key: filepath.Join(directory, "key.pem")}
	writePEM(t, issued.File, "CERTIFICATE", der)
	writePEM(t, issued.Key, "PRIVATE KEY", secret)
	return issued
}

func writePEM(t testing.TB, path, kind string, der []byte) {
	t.Helper()
	write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

// Pool returns the authority as what a program of Go's trusts.
func (a *Authority) Pool(t testing.TB) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(a.File)
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}
