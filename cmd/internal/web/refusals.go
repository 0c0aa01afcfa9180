package web

import (
	"net/http"
	"sync/atomic"

	"github.com/skewatch/skewatch/cmd/internal/access"
)

// A Refusal is why a request or connection was turned away.
type Refusal uint8

// The refusals.
const (
	RefusedConnections Refusal = iota // too many are open
	RefusedHandshake                  // no TLS
	RefusedMalformed                  // not HTTP, or its header too long or too slow
	RefusedURL                        // too long, or no plain path
	RefusedPace                       // more requests than the web configuration file allows
	RefusedHost                       // for somebody else
	RefusedNobody                     // shows nothing that says who it is
	RefusedPassword
	RefusedToken
	RefusedSession // unknown or over
	RefusedAttempts
	RefusedRole
	RefusedCrossSite // from another site's page
	RefusedType      // a body that isn't JSON
	RefusedSize
	RefusedSlow
	RefusedMethod
	RefusedPath     // there is none
	RefusedQuestion // that can't be understood

	refusals
)

var refusalNames = [refusals]string{
	"connections", "handshake", "malformed", "url", "pace", "host", "nobody", "password", "token", "session", "attempts",
	"role", "cross_site", "content_type", "body_size", "body_time", "method", "path", "question",
}

// String returns the refusal as metrics show it.
func (r Refusal) String() string { return refusalNames[r] }

// Stats is what a server has counted.
type Stats struct {
	Refused  [refusals]uint64 // by Refusal
	Logins   uint64           // sessions that were begun
	Sessions int              // that there are
}

// Counts are kept while the server runs.
type counts struct {
	refused [refusals]atomic.Uint64
	logins  atomic.Uint64
}

// Stats returns what was counted so far.
func (s *Server) Stats() (all Stats) {
	for why := range s.counts.refused {
		all.Refused[why] = s.counts.refused[why].Load()
	}
	all.Logins = s.counts.logins.Load()
	if s.guard != nil {
		all.Sessions = s.guard.Sessions()
	}
	return all
}

func (s *Server) count(why Refusal) { s.counts.refused[why].Add(1) }

// countStatus counts what a handler refuses.
func (s *Server) countStatus(status int) {
	switch status {
	case http.StatusBadRequest:
		s.count(RefusedQuestion)
	case http.StatusNotFound:
		s.count(RefusedPath)
	case http.StatusMethodNotAllowed:
		s.count(RefusedMethod)
	}
}

// whyOf maps why a guard lets nobody in.
var whyOf = map[error]Refusal{
	access.ErrPassword: RefusedPassword, access.ErrToken: RefusedToken, access.ErrSession: RefusedSession,
}
