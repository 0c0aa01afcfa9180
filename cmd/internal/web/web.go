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
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/web/pages"
)

// A Server serves the API under /api/v1, on loopback addresses.
type Server struct {
	http   *http.Server
	desk   api.Desk
	scrape http.Handler
	pages  http.Handler
	log    logrus.FieldLogger
	ending context.Context // done when followers shall end
}

// Limits of a request.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

// NewServer returns a server that answers from a desk, and Prometheus under /metrics.
func NewServer(d api.Desk, metrics http.Handler, log logrus.FieldLogger) *Server {
	ending, end := context.WithCancel(context.Background())
	s := &Server{desk: d, scrape: metrics, pages: pages.New(ending, d, log).Handler(), log: log, ending: ending}
	s.http = &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
	}
	s.http.RegisterOnShutdown(end)
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

// Close ends followers, lets other requests come to their end, and stops serving.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.WithError(err).Warn("HTTP requests were cut off")
		_ = s.http.Close() // what it could say has been said
	}
}

// handler answers by path, and refuses in JSON what it can't.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for path, h := range map[string]handler{
		api.PathReport:    once(api.ParseReportQuery, s.desk.Report),
		api.PathSources:   s.sources,
		api.PathClocks:    once(api.ParseClocksQuery, s.desk.Clocks),
		api.PathReference: once(api.ParseEventQuery, s.desk.Reference),
		api.PathEvents:    stream(s.ending, api.ParseEventQuery, s.desk.Events),
		api.PathMessages:  stream(s.ending, api.ParseQuery, s.desk.Messages),
		api.PathVerify:    s.verify,
		"/metrics":        s.metrics,
		"/api/":           notFound,
		"/":               s.page,
	} {
		mux.Handle(path, s.answer(h))
	}
	return mux
}

// A handler answers a request, or returns why it can't.
type handler func(http.ResponseWriter, *http.Request) error

// once answers with one JSON object.
func once[Q, A any](parse func(url.Values) (Q, error), ask func(context.Context, Q) (A, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		q, err := parse(r.URL.Query())
		if err != nil {
			return err
		}
		answer, err := ask(r.Context(), q)
		if err != nil {
			return err
		}
		return reply(w, answer)
	}
}

func (s *Server) sources(w http.ResponseWriter, r *http.Request) error {
	status, err := s.desk.Sources(r.Context())
	if err != nil {
		return err
	}
	return reply(w, status)
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	s.scrape.ServeHTTP(w, r)
	return nil
}

// page answers with a page of the dashboard.
func (s *Server) page(w http.ResponseWriter, r *http.Request) error {
	s.pages.ServeHTTP(w, r)
	return nil
}

func notFound(_ http.ResponseWriter, r *http.Request) error {
	return &refusal{http.StatusNotFound, "no such path: " + r.URL.Path}
}

// answer makes an http.Handler of one that may fail. A failure before the first byte
// becomes a status; after it, all that can be done is to cut the answer off, so that
// nobody takes it for a whole one.
func (s *Server) answer(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		err := check(r)
		if err == nil {
			err = h(w, r)
		}
		switch {
		case err == nil:
		case errors.As(err, new(*begunError)):
			if r.Context().Err() == nil {
				s.log.WithError(err).WithField("path", r.URL.Path).Warn("an answer was cut short")
			}
			panic(http.ErrAbortHandler)
		default:
			refuse(w, err)
		}
	})
}

// A refusal is an error with the HTTP status that fits it.
type refusal struct {
	status  int
	problem string
}

func (e *refusal) Error() string { return e.problem }

// check refuses requests that are none of ours. A web page that has the name of its
// own server point to this one (DNS rebinding) sends that name as Host.
func check(r *http.Request) error {
	switch {
	case !isLocal(r.Host):
		return &refusal{http.StatusMisdirectedRequest,
			fmt.Sprintf("Host: neither an address nor localhost (got %q); behind a proxy, have it send the address that it forwards to", r.Host)}
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return &refusal{http.StatusMethodNotAllowed, "no such method here: " + r.Method}
	}
	return nil
}

// isLocal reports whether a Host header names an address or localhost.
func isLocal(hostport string) bool {
	host := (&url.URL{Host: hostport}).Hostname()
	_, err := netip.ParseAddr(host)
	return err == nil || strings.EqualFold(host, "localhost")
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var known *refusal
	switch {
	case errors.As(err, new(*api.QueryError)):
		status = http.StatusBadRequest
	case errors.As(err, &known):
		status = known.status
	}
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", "GET, HEAD")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(api.Failure{Error: err.Error()}) // nobody is left to tell
}

func reply(w http.ResponseWriter, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n')) // nobody is left to tell
	return nil
}
