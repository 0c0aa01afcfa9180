package tlsauth

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// A Permit is one name or fingerprint of clients that are let in.
type Permit struct {
	name        string // in lower case; "" if it is a fingerprint
	fingerprint string // "sha1:" or "sha256:" and hexadecimal digits
}

// PermitHint tells how a Permit is written.
const PermitHint = `write a name ("web1.example.net", "*.example.net"), an IP address, or a fingerprint ("sha-256:AB:CD:…")`

// digits are how many hexadecimal digits the fingerprints of each hash have.
var digits = map[string]int{"sha1": 2 * sha1.Size, "sha256": 2 * sha256.Size}

// ParsePermit reads a name, with "*" in place of the whole first label at the most, an IP
// address, or a fingerprint: "sha-1:AB:CD:…" (RFC 5425, section 4.2.2), "SHA1:ABCD…" or the
// same with SHA-256.
func ParsePermit(text string) (Permit, error) {
	text = strings.ToLower(text)
	if algorithm, value, ok := strings.Cut(text, ":"); ok && strings.HasPrefix(algorithm, "sha") {
		return parseFingerprint(strings.ReplaceAll(algorithm, "-", ""), strings.ReplaceAll(value, ":", ""))
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		return Permit{name: addr.Unmap().String()}, nil
	}
	name := strings.TrimPrefix(text, "*.")
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-._") != "" {
		return Permit{}, errors.New("neither a name nor a fingerprint")
	}
	return Permit{name: text}, nil
}

func parseFingerprint(algorithm, value string) (Permit, error) {
	want, known := digits[algorithm]
	if !known {
		return Permit{}, errors.New("a fingerprint by another hash than SHA-1 and SHA-256")
	}
	if _, err := hex.DecodeString(value); err != nil || len(value) != want {
		return Permit{}, fmt.Errorf("a fingerprint that isn't %d hexadecimal digits", want)
	}
	return Permit{fingerprint: algorithm + ":" + value}, nil
}

// permits are all of a server's.
type permits struct {
	names        []string
	fingerprints map[string]bool
}

func (all *permits) add(p Permit) {
	if p.name != "" {
		all.names = append(all.names, p.name)
		return
	}
	if all.fingerprints == nil {
		all.fingerprints = map[string]bool{}
	}
	all.fingerprints[p.fingerprint] = true
}

// pins reports whether a certificate's fingerprint is permitted.
func (all *permits) pins(cert *x509.Certificate) bool {
	short, long := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw)
	return all.fingerprints["sha1:"+hex.EncodeToString(short[:])] || all.fingerprints["sha256:"+hex.EncodeToString(long[:])]
}

// name reports whether one of a certificate's names is permitted.
func (all *permits) name(names []string) bool {
	for _, permitted := range all.names {
		for _, name := range names {
			if matches(permitted, name) || matches(name, permitted) {
				return true
			}
		}
	}
	return false
}

// matches reports whether a pattern matches a name: it is the same, or the first label of
// the pattern is "*" and all others are the same (RFC 5425, section 5.2).
func matches(pattern, name string) bool {
	if pattern == name {
		return true
	}
	rest, isWild := strings.CutPrefix(pattern, "*.")
	label, others, _ := strings.Cut(name, ".")
	return isWild && rest == others && label != "" && label != "*"
}

// namesOf returns the names that a certificate is for. The common name counts only where
// there are no others.
func namesOf(cert *x509.Certificate) (names []string) {
	for _, name := range cert.DNSNames {
		names = append(names, strings.ToLower(name))
	}
	for _, ip := range cert.IPAddresses {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			names = append(names, addr.Unmap().String())
		}
	}
	if len(names)+len(cert.EmailAddresses)+len(cert.URIs) == 0 {
		names = []string{strings.ToLower(cert.Subject.CommonName)}
	}
	return names
}

// A verifier decides whether a client is who it must be.
type verifier struct {
	permits permits
	roots   *x509.CertPool // nil for none
}

// verify returns why a client isn't authenticated, nil if it is.
func (v *verifier) verify(s tls.ConnectionState) error {
	leaf := s.PeerCertificates[0]
	if v.permits.pins(leaf) {
		return nil
	}
	names := namesOf(leaf)
	if v.roots == nil {
		return fmt.Errorf("the client's certificate (%q) has none of the permitted fingerprints", names)
	}
	chain := x509.VerifyOptions{Roots: v.roots, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	for _, cert := range s.PeerCertificates[1:] {
		chain.Intermediates.AddCert(cert)
	}
	if _, err := leaf.Verify(chain); err != nil {
		return fmt.Errorf("the client's certificate (%q): %w", names, err)
	}
	if len(v.permits.names) > 0 && !v.permits.name(names) {
		return fmt.Errorf("the client's certificate is for %q, which is none of the permitted names", names)
	}
	return nil
}
