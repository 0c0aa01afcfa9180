// Package web answers a server's questions over HTTP: JSON for what is asked once,
// and one JSON object a line for what streams.
package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/api"
)

// A Server serves the API under /api/v1.
type Server struct {
	http *http.Server
	log  logrus.FieldLogger
}

// Limits of a request.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

// NewServer returns a server that answers from a desk.
func NewServer(d api.Desk, log logrus.FieldLogger) *Server {
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{log: log, http: &http.Server{
		Handler: Handler(d, log), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}}
	s.http.RegisterOnShutdown(stop) // followers end
	return s
}

// Serve answers on a listener until Close.
func (s *Server) Serve(l net.Listener) {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		s.log.WithError(err).Error("the HTTP API has stopped")
	}
}

// closeWithin is how long requests may take to end.
const closeWithin = 5 * time.Second

// Close lets requests end and stops serving. Followers are ended.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.WithError(err).Warn("HTTP requests were cut off")
		_ = s.http.Close() // what it could say has been said
	}
}

// Handler returns the API's handler.
func Handler(d api.Desk, log logrus.FieldLogger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+api.PathReport, answer(log, func(w http.ResponseWriter, r *http.Request) error {
		q, err := api.ParseReportQuery(r.URL.Query())
		if err != nil {
			return err
		}
		rep, err := d.Report(r.Context(), q)
		return reply(w, rep, err)
	}))
	mux.HandleFunc("GET "+api.PathSources, answer(log, func(w http.ResponseWriter, r *http.Request) error {
		status, err := d.Sources(r.Context())
		return reply(w, status, err)
	}))
	mux.HandleFunc("GET "+api.PathEvents, answer(log, stream(d.Events)))
	mux.HandleFunc("GET "+api.PathMessages, answer(log, stream(d.Messages)))
	return mux
}

// answer makes a handler of a function that may fail. A failure before the first
// byte becomes a status; after it, all that can be done is to cut the stream.
func answer(log logrus.FieldLogger, h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		var begun *begunError
		switch {
		case err == nil || r.Context().Err() != nil:
		case errors.As(err, &begun):
			log.WithError(err).WithField("path", r.URL.Path).Warn("an answer was cut short")
			panic(http.ErrAbortHandler)
		default:
			refuse(w, err)
		}
	}
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if errors.As(err, new(*api.QueryError)) {
		status = http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(api.Failure{Error: err.Error()}) // nobody is left to tell
}

func reply(w http.ResponseWriter, v any, err error) error {
	if err != nil {
		return err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(b)
	return err
}

// begunError is an error after the beginning of a stream was sent.
type begunError struct{ error }

func (e *begunError) Unwrap() error { return e.error }

// stream answers with one JSON object a line. Lines are flushed at once while
// somebody follows, and in larger pieces otherwise.
func stream[T any](ask func(context.Context, api.Query, func(T) error) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		q, err := api.ParseQuery(r.URL.Query())
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		flusher := http.NewResponseController(w)
		lines := json.NewEncoder(w)
		if q.Follow { // say that the question was understood
			_ = flusher.Flush() // a failure shows at the next write
		}
		begun := q.Follow
		err = ask(r.Context(), q, func(v T) error {
			begun = true
			if err := lines.Encode(v); err != nil || !q.Follow {
				return err
			}
			return flusher.Flush()
		})
		if err != nil && begun {
			return &begunError{err}
		}
		return err
	}
}
