package ntpcheck

import "strings"

// Authentication is how a source proves that its replies are its own, and whether it
// did.
type Authentication struct {
	Kind  string // "key" or "nts"; "" for none
	State string // AuthenticationOK or AuthenticationFailed; "" before the first answer
}

// The states of an [Authentication] that has been tried.
const (
	AuthenticationOK     = "ok"
	AuthenticationFailed = "failed"
)

// unproven is the authentication of a server that wasn't asked yet.
func unproven(s Server) Authentication {
	switch {
	case s.NTS:
		return Authentication{Kind: "nts"}
	case s.Key != 0:
		return Authentication{Kind: "key"}
	}
	return Authentication{}
}

// String returns kind and state as reports show them: "none", "key", "nts ok".
func (a Authentication) String() string {
	if a.Kind == "" {
		return "none"
	}
	return strings.TrimSuffix(a.Kind+" "+a.State, " ")
}

// MarshalText returns what String does.
func (a Authentication) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (a *Authentication) UnmarshalText(text []byte) error {
	*a = Authentication{}
	if s := string(text); s != "none" {
		a.Kind, a.State, _ = strings.Cut(s, " ")
	}
	return nil
}
