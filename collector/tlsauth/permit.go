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
	"slices"
	"strings"
)

// A Permit is one name or fingerprint of clients that are let in.
type Permit struct {
	name        string // of the DNS, in lower case; "" for none
	address     netip.Addr
	fingerprint string // "sha1:" or "sha256:" and hexadecimal digits; "" for none
}

// IsName reports whether it permits a name or an address, which proves something only in a
// certificate that a CA has signed.
func (p Permit) IsName() bool { return p.fingerprint == "" }

// PermitHint tells how a Permit is written.
const PermitHint = `write a name ("web1.example.net", "*.example.net"), an IP address, or a fingerprint ("sha-256:AB:CD:…")`

// digits are how many hexadecimal digits the fingerprints of each hash have.
var digits = map[string]int{"sha1": 2 * sha1.Size, "sha256": 2 * sha256.Size}

// ParsePermit reads a name, with "*" in place of the whole first label at the most, an IP
// address, or a fingerprint: "sha-1:AB:CD:…" (RFC 5425, section 4.2.2), "SHA1:ABCD…",
// "sha1 Fingerprint=AB:CD:…" as openssl prints it, or the same with SHA-256.
func ParsePermit(text string) (Permit, error) {
	text = strings.Replace(strings.ToLower(text), " fingerprint=", ":", 1)
	if algorithm, value, ok := strings.Cut(text, ":"); ok && strings.HasPrefix(algorithm, "sha") {
		return parseFingerprint(strings.ReplaceAll(algorithm, "-", ""), strings.ReplaceAll(value, ":", ""))
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		if addr.Zone() != "" {
			return Permit{}, errors.New("an address with a zone, which no certificate has")
		}
		return Permit{address: addr.Unmap()}, nil
	}
	text = strings.TrimSuffix(text, ".")
	for label := range strings.SplitSeq(strings.TrimPrefix(text, "*."), ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return Permit{}, errors.New("neither a name nor a fingerprint")
		}
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
	addresses    []netip.Addr
	fingerprints map[string]bool
}

// ofNames reports whether any permit needs a CA.
func (all *permits) ofNames() bool { return len(all.names)+len(all.addresses) > 0 }

func (all *permits) add(p Permit) {
	switch {
	case p.name != "":
		all.names = append(all.names, p.name)
		return
	case p.address.IsValid():
		all.addresses = append(all.addresses, p.address)
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

// name reports whether one of a certificate's names and addresses is permitted.
func (all *permits) name(of identity) bool {
	for _, permitted := range all.names {
		for _, name := range of.names {
			if matches(permitted, name) || matches(name, permitted) {
				return true
			}
		}
	}
	return slices.ContainsFunc(of.addresses, func(a netip.Addr) bool { return slices.Contains(all.addresses, a) })
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

// An identity is whom a certificate is for. A wildcard stands for names alone.
type identity struct {
	names     []string // of the DNS, in lower case
	addresses []netip.Addr
}

// identityOf reads a certificate. The common name counts only where there is nothing else.
func identityOf(cert *x509.Certificate) (of identity) {
	for _, name := range cert.DNSNames {
		of.addName(name)
	}
	for _, ip := range cert.IPAddresses {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			of.addresses = append(of.addresses, addr.Unmap())
		}
	}
	if len(of.names)+len(of.addresses)+len(cert.EmailAddresses)+len(cert.URIs) > 0 {
		return of
	}
	if addr, err := netip.ParseAddr(cert.Subject.CommonName); err == nil {
		of.addresses = append(of.addresses, addr.Unmap())
	} else {
		of.addName(cert.Subject.CommonName)
	}
	return of
}

// addName adds a name of the DNS, and nothing that is an address.
func (of *identity) addName(name string) {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if _, err := netip.ParseAddr(name); err != nil {
		of.names = append(of.names, name)
	}
}

// texts returns all names and addresses.
func (of identity) texts() []string {
	all := of.names
	for _, a := range of.addresses {
		all = append(all, a.String())
	}
	return all
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
	if v.roots == nil {
		return fmt.Errorf("the client's certificate (%s) has none of the permitted fingerprints", described(leaf))
	}
	chain := x509.VerifyOptions{Roots: v.roots, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	for _, cert := range s.PeerCertificates[1:] {
		chain.Intermediates.AddCert(cert)
	}
	if _, err := leaf.Verify(chain); err != nil {
		return fmt.Errorf("the client's certificate (%s): %s", described(leaf), cut(err.Error(), mostOfReason))
	}
	if v.permits.ofNames() && !v.permits.name(identityOf(leaf)) {
		return fmt.Errorf("the client's certificate (%s) has none of the permitted names", described(leaf))
	}
	return nil
}

// What a client shows that isn't authenticated is told in a log line, and no more of it than
// this.
const (
	mostNames    = 3
	mostOfName   = 64  // octets
	mostOfReason = 256 // octets; x509 quotes names of the client's choice
)

// described tells which certificate it is: by some of its names, and by the fingerprint, which
// can be permitted.
func described(cert *x509.Certificate) string {
	var b strings.Builder
	names := identityOf(cert).texts()
	for _, name := range names[:min(len(names), mostNames)] {
		fmt.Fprintf(&b, "%q, ", cut(name, mostOfName))
	}
	if more := len(names) - mostNames; more > 0 {
		fmt.Fprintf(&b, "%d more names, ", more)
	}
	fmt.Fprintf(&b, "fingerprint sha-256:%x", sha256.Sum256(cert.Raw))
	return b.String()
}

// cut returns no more than so many octets of a text, and a mark if there are more.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
