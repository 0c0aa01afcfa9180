package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/access"
)

// heldEvery is how often callers are asked for again while they are answered.
const heldEvery = time.Second

// whileHeld returns a request whose context ends when its caller may no longer ask: streams
// last for days, and a token that was taken out must not go on reading until then. The cause is
// a *denial. End is for when the answer is whole.
func (s *Server) whileHeld(r *http.Request) (held *http.Request, end func()) {
	if s.guard == nil || connectionOf(r).isLocal() || isDress(r) {
		return r, func() {}
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	caller, prove := access.Of(ctx), s.proof(r, s.guard.Remembered)
	entry := s.log.WithFields(logrus.Fields{"name": caller.Name, "peer": peerOf(r), "path": r.URL.Path})
	go func() {
		tick := time.NewTicker(heldEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if d := s.lost(caller, prove); d != nil {
				s.count(d.why)
				entry.WithError(d).Info("an answer was cut off: who asked may no longer")
				cancel(d)
				return
			}
		}
	}()
	return r.WithContext(ctx), func() { cancel(nil) }
}

// lost returns why a caller may no longer ask, nil if he may. What lasts is a request for as
// long as it does: the session of a page that is watched isn't idle.
func (s *Server) lost(caller access.Caller, prove func() (access.Caller, error)) *denial {
	now, err := prove()
	for is, why := range whyOf {
		if errors.Is(err, is) {
			return deny(why, http.StatusUnauthorized, "%v", err)
		}
	}
	if now != caller {
		return deny(RefusedRole, http.StatusForbidden, "the role of %s has changed: ask again", caller.Name)
	}
	return nil
}

// cutOff returns why the gate has ended a request, nil if it hasn't.
func cutOff(r *http.Request) error {
	var d *denial
	if r.Context().Err() != nil && errors.As(context.Cause(r.Context()), &d) {
		return d
	}
	return nil
}
