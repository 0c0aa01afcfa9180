package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/access"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/web/pages"
)

// Limits of a request, beside those of its header.
const (
	maxURL      = 16 << 10
	bodyTimeout = 10 * time.Second
)

// Protect has a guard ask who calls. It is for before Serve. Without it everybody who
// reaches the address may do everything: only this machine must.
func (s *Server) Protect(g *access.Guard) {
	s.guard = g
	s.http.TLSConfig = g.TLS()
	if s.secure = s.http.TLSConfig != nil; s.secure {
		s.http.Protocols = new(http.Protocols)
		s.http.Protocols.SetHTTP1(true)
		s.http.Protocols.SetHTTP2(g.HTTP2())
	}
}

// A denial is a refusal of the gate's.
type denial struct {
	*refusal
	why    Refusal
	header http.Header
}

func (d *denial) Unwrap() error { return d.refusal }

func deny(why Refusal, status int, format string, args ...any) *denial {
	return &denial{&refusal{status: status, problem: fmt.Sprintf(format, args...)}, why, http.Header{}}
}

// gate lets through to next what may pass, with the caller in the request's context and
// its body read.
func (s *Server) gate(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connectionOf(r).handled()
		s.decorate(w.Header())
		r, err := s.admit(w, r, origins)
		switch {
		case err != nil:
			s.turnAway(w, r, err)
		case s.guard != nil && r.URL.Path == pathLogin:
			s.login(w, r)
		case s.guard != nil && r.URL.Path == pathLogout:
			s.logout(w, r)
		default:
			r, end := s.whileHeld(r)
			defer end()
			next.ServeHTTP(w, r)
		}
	})
}

// decorate sets what stands in every answer's header.
func (s *Server) decorate(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "deny")
	if s.guard == nil {
		return
	}
	h.Set("Cache-Control", "no-store")
	for name, value := range s.guard.Header() {
		h.Set(name, value)
	}
}

// admit returns the request as it may be answered, or why it may not.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, origins *http.CrossOriginProtection) (*http.Request, error) {
	if err := checkURL(r.URL); err != nil {
		return r, err
	}
	caller, err := s.identify(r)
	if err != nil {
		return r, err
	}
	if err := checkIntent(r, caller, origins); err != nil {
		return r, err
	}
	if err := readBody(w, r); err != nil {
		return r, err
	}
	return r.WithContext(access.With(r.Context(), caller)), nil
}

// checkURL refuses what no client of good will asks for. Nothing is served from disk, and
// yet a path that climbs is refused before anything can make something of it.
func checkURL(u *url.URL) error {
	switch {
	case len(u.RequestURI()) > maxURL:
		return deny(RefusedURL, http.StatusRequestURITooLong, "the URL is longer than %d bytes", maxURL)
	case u.Path != path.Clean(u.Path) && u.Path != path.Clean(u.Path)+"/",
		strings.ContainsFunc(u.Path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }):
		return deny(RefusedURL, http.StatusBadRequest, "not a plain path: %q", u.Path)
	}
	return nil
}

// identify returns who calls.
func (s *Server) identify(r *http.Request) (access.Caller, error) {
	switch {
	case connectionOf(r).isLocal():
		return access.Caller{Name: access.LocalName, Role: access.Admin}, nil
	case s.guard == nil:
		return access.Caller{Role: access.Admin}, checkHost(r)
	case isDress(r):
		return access.Caller{}, nil
	case !s.guard.Pace():
		return access.Caller{}, deny(RefusedPace, http.StatusTooManyRequests, "too many requests: the web configuration file limits them")
	}
	prove := s.proof(r, func(name, password string) (access.Caller, error) { return s.password(r, name, password) })
	if prove == nil {
		return access.Caller{}, deny(RefusedNobody, http.StatusUnauthorized, "log in, or show a token (Authorization: Bearer …)")
	}
	caller, err := prove()
	return caller, s.denied(err)
}

// proof returns what asks the guard whom a request proves to be from, nil if it shows nothing.
func (s *Server) proof(r *http.Request, password func(name, password string) (access.Caller, error)) func() (access.Caller, error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	cookie, noCookie := r.Cookie(s.cookieName())
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return func() (access.Caller, error) { return s.guard.Token(strings.TrimSpace(secret)) }
	case strings.EqualFold(scheme, "Basic"):
		name, secret, _ := r.BasicAuth()
		return func() (access.Caller, error) { return password(name, secret) }
	case isPublic(r): // a cookie that is over must not keep from logging in
		return func() (access.Caller, error) { return access.Caller{}, nil }
	case noCookie == nil:
		return func() (access.Caller, error) { return s.guard.Session(cookie.Value) }
	}
	return nil
}

// isPublic reports whether a request is for those who aren't logged in.
func isPublic(r *http.Request) bool { return r.URL.Path == pathLogin || r.URL.Path == pathLogout }

// isDress reports whether a request is for what all pages wear, the log-in among them: style,
// script and icon are nobody's secret.
func isDress(r *http.Request) bool {
	return isSafe(r.Method) && strings.HasPrefix(r.URL.Path, pages.PathStatic)
}

// password checks a user's password, and logs what comes of it.
func (s *Server) password(r *http.Request, name, password string) (access.Caller, error) {
	caller, err := s.guard.Password(r.Context(), peerOf(r), name, password)
	if errors.Is(err, access.ErrPassword) {
		said := "(unknown)" // it may be a password that was typed into the wrong field
		if s.guard.IsUser(name) {
			said = name
		}
		s.failures.log(s.log.WithFields(logrus.Fields{"user": said, "peer": peerOf(r)}), "log-in failed")
	}
	return caller, err
}

// denied makes a denial of a guard's error.
func (s *Server) denied(err error) error {
	var busy *access.BusyError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &busy):
		d := deny(RefusedAttempts, http.StatusTooManyRequests, "%v", err)
		d.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(busy.After.Seconds()))))
		return d
	}
	for is, why := range whyOf {
		if errors.Is(err, is) {
			return deny(why, http.StatusUnauthorized, "%v", err)
		}
	}
	return err
}

// checkHost refuses requests for somebody else. A web page that has the name of its own
// server point to this one (DNS rebinding) sends that name as Host. Where callers must say
// who they are, that gains it nothing: it has neither cookie nor password for its own name.
func checkHost(r *http.Request) error {
	if isLocal(r.Host) {
		return nil
	}
	return deny(RefusedHost, http.StatusMisdirectedRequest,
		"Host: neither an address nor localhost (got %q); behind a proxy, have it send the address that it forwards to", r.Host)
}

// isSafe reports whether a method changes nothing (RFC 9110, section 9.2.1).
func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// checkIntent refuses what the caller may not do, or doesn't know of: what a page of another
// site has its browser send. Only links may lead here from there.
func checkIntent(r *http.Request, caller access.Caller, origins *http.CrossOriginProtection) error {
	if isSafe(r.Method) {
		if r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
			return deny(RefusedCrossSite, http.StatusForbidden, "a page of another site may not ask for this")
		}
		return nil
	}
	if err := origins.Check(r); err != nil {
		return deny(RefusedCrossSite, http.StatusForbidden, "%v", err)
	}
	if caller.Role != access.Admin && !isPublic(r) {
		return deny(RefusedRole, http.StatusForbidden, "the role of %s allows to read only: changes need the role admin", caller.Name)
	}
	return checkType(r)
}

// checkType refuses bodies that pages of other sites can send without asking first. A form
// must come from a page of our own, as browsers say of each.
func checkType(r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	ownPage := r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "" // CrossOriginProtection has seen which
	if kind == "application/json" || kind == formType && (ownPage || isPublic(r)) {
		return nil
	}
	return deny(RefusedType, http.StatusUnsupportedMediaType,
		"Content-Type: neither application/json nor a form of our own pages (got %q)", kind)
}

const formType = "application/x-www-form-urlencoded"

// readBody reads the body, which must be small and come soon: handlers find it whole.
func readBody(w http.ResponseWriter, r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(bodyTimeout)) // where it isn't known, in tests, nothing is slow
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, api.MostBody))
	switch { // after a failure the deadline stands for what net/http reads of the rest
	case err == nil:
		_ = connection.SetReadDeadline(time.Time{})
		r.Body = io.NopCloser(bytes.NewReader(body))
		return nil
	case errors.As(err, new(*http.MaxBytesError)):
		return deny(RefusedSize, http.StatusRequestEntityTooLarge, "the body is longer than %d bytes", api.MostBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return deny(RefusedSlow, http.StatusRequestTimeout, "the body took longer than %v", bodyTimeout)
	}
	return deny(RefusedMalformed, http.StatusBadRequest, "the body can't be read")
}

// turnAway answers a request that may not pass: a page leads to the log-in, and a form that a
// browser sends is answered with a page.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, err error) {
	var d *denial
	if !errors.As(err, &d) {
		if !errors.Is(err, context.Canceled) {
			s.log.WithError(err).Error("who asks over HTTP can't be found out")
		}
		refuse(w, err)
		return
	}
	s.count(d.why)
	for name := range d.header {
		w.Header().Set(name, d.header.Get(name))
	}
	if d.why == RefusedSize || d.why == RefusedSlow {
		w.Header().Set("Connection", "close")
	}
	if d.status == http.StatusUnauthorized {
		if isPage(r) && r.Header.Get("Authorization") == "" {
			http.Redirect(w, r, pathLogin+"?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
			return
		}
		challenge(w.Header(), r)
	}
	if isOfPages(r) && strings.Contains(r.Header.Get("Accept"), "text/html") {
		showRefusal(w, d)
		return
	}
	refuse(w, d)
}

// isPage reports whether a request is a person's who looks at a page.
func isPage(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && isOfPages(r)
}

// isOfPages reports whether a path is of the dashboard, not of what programs ask.
func isOfPages(r *http.Request) bool {
	return !strings.HasPrefix(r.URL.Path, "/api/") && r.URL.Path != "/metrics"
}

// challenge says how to say who one is. Browsers aren't told of Basic: they would ask for
// the password themselves, and send it from then on.
func challenge(h http.Header, r *http.Request) {
	if r.Header.Get("Sec-Fetch-Site") == "" {
		h.Add("WWW-Authenticate", `Basic realm="skewatch", charset="UTF-8"`)
	}
	h.Add("WWW-Authenticate", `Bearer realm="skewatch"`)
}

// peerOf returns the address that a request came from; the zero Addr for the local socket.
func peerOf(r *http.Request) netip.Addr {
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	return from.Addr()
}
