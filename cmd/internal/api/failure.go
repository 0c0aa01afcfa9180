package api

import (
	"errors"
	"net/http"

	"github.com/skewatch/skewatch/analysis"
)

// StatusOf returns the HTTP status that fits why a desk doesn't answer; known is false where
// it is the server's own fault.
func StatusOf(err error) (status int, known bool) {
	switch {
	case errors.As(err, new(*QueryError)):
		return http.StatusBadRequest, true
	case errors.Is(err, analysis.ErrNoMute), errors.Is(err, analysis.ErrNoWarning):
		return http.StatusNotFound, true
	case errors.Is(err, analysis.ErrTooManySilences):
		return http.StatusConflict, true
	case errors.Is(err, ErrNotKept):
		return http.StatusServiceUnavailable, true
	}
	return http.StatusInternalServerError, false
}
