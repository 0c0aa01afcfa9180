// Package pages is the dashboard: web pages that show a fleet's clocks.
//
// They are made by the server and need no script. A small one, where it may run, keeps them
// up to date. Everything comes from this server, and the pages forbid anything else.
package pages

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"path"

	"github.com/klauspost/compress/gzhttp"
	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis/plot"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/build"
)

//go:embed templates static
var embedded embed.FS

// Pages answers with pages that show what a desk says.
type Pages struct {
	desk    api.Desk
	board   *board
	log     logrus.FieldLogger
	refused func(status int)
}

// New returns the pages of a desk. What streams ends when the context does. Refused is told
// the status of each request that gets none of the pages it asks for.
func New(ending context.Context, d api.Desk, log logrus.FieldLogger, refused func(status int)) *Pages {
	return &Pages{desk: d, board: newBoard(ending, d, ""), log: log, refused: refused}
}

// A page answers a request with the data of a template, or says why it can't.
type page func(*http.Request) (any, error)

// Handler returns what answers under "/".
func (p *Pages) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]http.Handler{
		"GET /{$}":              p.show("fleet", p.fleet),
		"GET /host":             p.show("host", p.host),
		"GET /reference":        p.show("reference", p.reference),
		"GET /warnings":         p.show("warnings", p.warnings),
		"GET /timeline":         p.show("timeline", p.timeline),
		"POST /acknowledge":     p.order(p.acknowledge),
		"POST /silence":         p.order(p.silence),
		"POST /unmute":          p.order(p.unmute),
		"GET /reports":          p.show("reports", p.reports),
		"GET /reports/download": http.HandlerFunc(p.download),
		"GET " + PathStatic:     static(),
		"/":                     http.HandlerFunc(p.notFound),
	} {
		mux.Handle(pattern, h)
	}
	packed := gzhttp.GzipHandler(mux)
	outer := http.NewServeMux()
	outer.Handle("GET /live", http.HandlerFunc(p.live)) // flushed line by line: not packed
	outer.Handle("/", packed)
	return guarded(outer)
}

// policy forbids everything that doesn't come from this server, and scripts and styles
// within pages.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		if header.Get("Content-Security-Policy") == "" { // or the operator's own
			header.Set("Content-Security-Policy", policy)
		}
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.ServeHTTP(w, r)
	})
}

// PathStatic is where style sheet, script and icon are.
const PathStatic = "/static/"

// static answers with style sheet, script and icon. Pages name them with the version of
// what is in them, so that browsers may keep them.
func static() http.Handler {
	files, err := fs.Sub(embedded, "static")
	if err != nil {
		panic("pages: " + err.Error())
	}
	serve := http.StripPrefix(PathStatic, http.FileServerFS(files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path { // no listing of the folder
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		serve.ServeHTTP(w, r)
	})
}

// Asset returns the path of a static file with the version of what is in it.
func Asset(name string) string {
	b, err := embedded.ReadFile("static/" + name)
	if err != nil {
		panic("pages: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return PathStatic + name + "?v=" + hex.EncodeToString(sum[:6])
}

var functions = template.FuncMap{
	"sparkWidth": func() int { return plot.SparkWidth(api.TrendPoints) },
	"asset":      Asset, "version": func() string { return build.This().Version },
	"printable": report.Printable, "offset": offset, "moment": moment, "span": func(v *float64) string { return span(*v) },
}

// templates are the pages by name, each with the frame that all have.
var templates = parseTemplates("fleet", "host", "reference", "warnings", "timeline", "reports", "problem")

func parseTemplates(names ...string) map[string]*template.Template {
	all := map[string]*template.Template{}
	for _, name := range names {
		all[name] = template.Must(template.New("frame.html").Funcs(functions).ParseFS(embedded, "templates/frame.html", "templates/events.html", "templates/"+name+".html"))
	}
	return all
}

// A framed is what a template gets: the page's own data, and what stands on every page.
type framed struct {
	Frame frame
	Page  any
}

// show returns what answers with a page.
func (p *Pages) show(name string, make page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := make(r)
		if err != nil {
			p.refuse(w, r, err)
			return
		}
		p.write(w, r, http.StatusOK, name, data)
	})
}

// write answers with a page, whole or not at all.
func (p *Pages) write(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var b bytes.Buffer
	if err := templates[name].Execute(&b, framed{p.frame(r, name), data}); err != nil {
		p.log.WithError(err).WithField("path", r.URL.Path).Error("can't make the page")
		http.Error(w, "can't make the page: the server's log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // nobody is left to tell
}
