package web

import (
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/access"
	"github.com/skewatch/skewatch/cmd/internal/web/pages"
)

// Where people log in and out.
const (
	pathLogin  = "/login"
	pathLogout = "/logout"
)

//go:embed login.html refused.html
var embedded embed.FS

// gatePages are those that need no caller.
var gatePages = template.Must(template.New("").Funcs(template.FuncMap{"asset": pages.Asset}).ParseFS(embedded, "login.html", "refused.html"))

// loginPolicy lets these pages load no more than style and icon, and send forms to us only.
const loginPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// login shows the log-in page, or begins a session.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		s.showLogin(w, http.StatusOK, r.URL.Query().Get("next"), "")
	case http.MethodPost:
		s.begin(w, r)
	default:
		s.wrongMethod(w, "GET, HEAD, POST")
	}
}

func (s *Server) showLogin(w http.ResponseWriter, status int, next, problem string) {
	showGatePage(w, status, "login.html", struct{ Next, Problem string }{ownPath(next), problem})
}

// showRefusal tells a person why the gate refuses what was asked for.
func showRefusal(w http.ResponseWriter, d *denial) {
	showGatePage(w, d.status, "refused.html", struct {
		Problem string
		LogIn   bool
	}{d.problem, d.status == http.StatusUnauthorized})
}

func showGatePage(w http.ResponseWriter, status int, name string, data any) {
	if w.Header().Get("Content-Security-Policy") == "" {
		w.Header().Set("Content-Security-Policy", loginPolicy)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = gatePages.ExecuteTemplate(w, name, data) // nobody is left to tell
}

// begin begins a session if the form's password is right. The one before ends: its ID may be
// known to somebody.
func (s *Server) begin(w http.ResponseWriter, r *http.Request) {
	name, next := r.PostFormValue("name"), r.PostFormValue("next")
	caller, err := s.password(r, name, r.PostFormValue("password"))
	var d *denial
	switch err := s.denied(err); {
	case errors.As(err, &d):
		s.count(d.why)
		for name := range d.header {
			w.Header().Set(name, d.header.Get(name))
		}
		s.showLogin(w, d.status, next, d.problem)
		return
	case err != nil:
		refuse(w, err)
		return
	}
	s.end(r)
	s.counts.logins.Add(1)
	s.log.WithFields(logrus.Fields{"user": caller.Name, "role": caller.Role, "peer": peerOf(r)}).Info("logged in")
	http.SetCookie(w, s.cookie(s.guard.Begin(caller.Name), int(access.SessionLength/time.Second)))
	http.Redirect(w, r, ownPath(next), http.StatusSeeOther)
}

// logout ends the session.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		s.wrongMethod(w, "POST")
		return
	}
	if name := s.end(r); name != "" {
		s.log.WithFields(logrus.Fields{"user": name, "peer": peerOf(r)}).Info("logged out")
	}
	http.SetCookie(w, s.cookie("", -1))
	http.Redirect(w, r, pathLogin, http.StatusSeeOther)
}

func (s *Server) wrongMethod(w http.ResponseWriter, allowed string) {
	s.count(RefusedMethod)
	w.Header().Set("Allow", allowed)
	http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
}

// end ends the session of a request, if it has one, and returns whose it was.
func (s *Server) end(r *http.Request) (name string) {
	if c, err := r.Cookie(s.cookieName()); err == nil {
		name = s.guard.End(c.Value)
	}
	return name
}

// cookieName returns the name of the session's cookie. Browsers take one that begins with
// __Host- only from us, over TLS and for all of our paths.
func (s *Server) cookieName() string {
	if s.secure {
		return "__Host-skewatch"
	}
	return "skewatch"
}

// cookie returns the session's cookie. It is sent with links from other sites, so that one
// in a chat opens the page, but not with what their pages request.
func (s *Server) cookie(id string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: s.cookieName(), Value: id, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	}
}

// ownPath returns where to go after the log-in: the path given if it is one of ours, else
// the first page.
func ownPath(next string) string {
	u, err := url.Parse(next)
	odd := strings.ContainsFunc(next, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' })
	if err != nil || odd || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		u.Path == pathLogin || u.Path == pathLogout {
		return "/"
	}
	return next
}

// A logPace keeps those who guess from filling the log.
type logPace struct {
	mu      sync.Mutex
	last    time.Time
	omitted int
}

// failuresEvery is how often a failure is logged, at most.
const failuresEvery = time.Second

// log logs a warning, or counts it for the next one to tell.
func (p *logPace) log(entry *logrus.Entry, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.last) >= failuresEvery {
		if p.omitted > 0 {
			entry = entry.WithField("omitted_before", p.omitted)
		}
		p.last, p.omitted = now, 0
		entry.Warn(text)
		return
	}
	p.omitted++
}
