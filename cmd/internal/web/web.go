// Package web answers a server's questions over HTTP: JSON for what is asked once,
// and one JSON object a line for what streams.
package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	stdlog "log"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/access"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/web/pages"
)

// A Server serves the API under /api/v1.
type Server struct {
	http   *http.Server
	guard  *access.Guard // nil where everybody who reaches the address may ask
	secure bool          // over TLS: net/http puts a TLSConfig where there was none
	counts counts
	desk   api.Desk
	scrape http.Handler
	pages  http.Handler
	log    logrus.FieldLogger
	ending context.Context // done when followers shall end

	failures logPace // of log-ins
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
	s := &Server{desk: d, scrape: metrics, log: log, ending: ending}
	s.pages = pages.New(ending, d, log, s.countStatus).Handler()
	c := &connections{count: s.count, open: map[net.Conn]*connection{}, perPeer: map[netip.Prefix]int{}}
	s.http = &http.Server{
		Handler: s.gate(s.handler()), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ConnContext: c.add, ConnState: c.changed, DisableGeneralOptionsHandler: true,
		ErrorLog: stdlog.New(&complaints{log: log}, "", 0),
	}
	s.http.RegisterOnShutdown(end)
	return s
}

// Serve answers on a listener until Close: over TLS if a guard has certificates, but for
// sockets in the file system.
func (s *Server) Serve(l net.Listener) {
	serve := s.http.Serve
	if _, inFiles := l.Addr().(*net.UnixAddr); !inFiles && s.secure {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
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
	for path, m := range s.routes() {
		mux.Handle(path, s.answer(m))
	}
	return mux
}

// routes returns what answers each path. openapi.yaml describes them.
func (s *Server) routes() map[string]methods {
	get := func(h handler) methods { return methods{http.MethodGet: h} }
	return map[string]methods{
		api.PathReport:    get(once(api.ParseReportQuery, s.desk.Report)),
		api.PathSources:   get(s.sources),
		api.PathClocks:    get(once(api.ParseClocksQuery, s.desk.Clocks)),
		api.PathReference: get(once(api.ParseReferenceQuery, s.desk.Reference)),
		api.PathEvents:    get(stream(s.ending, api.ParseEventQuery, s.desk.Events)),
		api.PathMessages:  get(stream(s.ending, api.ParseQuery, s.desk.Messages)),
		api.PathTimeline:  get(s.timeline),
		api.PathWarnings:  get(s.warnings),
		api.PathVerify:    get(s.verify),

		api.PathSilences:                   {http.MethodGet: s.mutes(analysis.Silence), http.MethodPost: s.silence},
		api.PathAcknowledgements:           {http.MethodGet: s.mutes(analysis.Acknowledgement), http.MethodPost: s.acknowledge},
		api.PathSilences + "/{id}":         {http.MethodDelete: s.unmute(analysis.Silence)},
		api.PathAcknowledgements + "/{id}": {http.MethodDelete: s.unmute(analysis.Acknowledgement)},

		pathOpenAPI:      get(describe),
		pathReportSchema: get(describeReport),
		"/metrics":       get(s.metrics),
		"/api/":          get(notFound),
		"/":              {http.MethodGet: s.page, http.MethodPost: s.page},
	}
}

// methods is what answers at a path, by method. What answers GET answers HEAD.
type methods map[string]handler

// choose returns what answers a request, or why nothing does.
func (m methods) choose(r *http.Request) (handler, error) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h := m[method]; h != nil {
		return h, nil
	}
	allowed := slices.Sorted(maps.Keys(m))
	if m[http.MethodGet] != nil {
		allowed = slices.Insert(allowed, slices.Index(allowed, http.MethodGet)+1, http.MethodHead)
	}
	return nil, &refusal{http.StatusMethodNotAllowed, "no such method here: " + r.Method, strings.Join(allowed, ", ")}
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
	return &refusal{status: http.StatusNotFound, problem: "no such path: " + r.URL.Path}
}

// answer makes an http.Handler of one that may fail. A failure before the first byte
// becomes a status; after it, all that can be done is to cut the answer off, so that
// nobody takes it for a whole one.
func (s *Server) answer(m methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, err := m.choose(r)
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
			s.countStatus(refuse(w, cmp.Or(cutOff(r), err)))
		}
	})
}

// A refusal is an error with the HTTP status that fits it.
type refusal struct {
	status  int
	problem string
	allow   string // the methods there are, if the status is that another was asked for
}

func (e *refusal) Error() string { return e.problem }

// isLocal reports whether a Host header names an address or localhost.
func isLocal(hostport string) bool {
	host := (&url.URL{Host: hostport}).Hostname()
	_, err := netip.ParseAddr(host)
	return err == nil || strings.EqualFold(host, "localhost")
}

// refuse answers with an error, and returns its status.
func refuse(w http.ResponseWriter, err error) (status int) {
	status, _ = api.StatusOf(err)
	var known *refusal
	if errors.As(err, &known) {
		status = known.status
	}
	if known != nil && known.allow != "" {
		w.Header().Set("Allow", known.allow)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	failure := api.Failure{Error: err.Error()}
	errors.As(err, &failure.Wrong)
	_ = json.NewEncoder(w).Encode(failure) // nobody is left to tell
	return status
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
