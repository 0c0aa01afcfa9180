package pages

import (
	"errors"
	"net/http"

	"github.com/skewatch/skewatch/cmd/internal/api"
)

// A missing is what a page was asked for and nobody knows.
type missing struct{ what string }

func (e *missing) Error() string { return e.what }

// A problem is the page that says what is wrong.
type problem struct {
	Title string
	Text  string
}

func (p *Pages) notFound(w http.ResponseWriter, r *http.Request) {
	p.refuse(w, r, &missing{"There is no page here: " + r.URL.Path})
}

var titles = map[int]string{
	http.StatusBadRequest: "That can't be understood", http.StatusNotFound: "Not found", http.StatusConflict: "Not now",
	http.StatusServiceUnavailable: "Not on disk yet", http.StatusInternalServerError: "That went wrong",
}

// refuse says why there is no answer.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, known := api.StatusOf(err)
	if errors.As(err, new(*missing)) {
		status, known = http.StatusNotFound, true
	}
	title := titles[status]
	switch {
	case known:
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // nobody is left to tell, or may be told; what is empty would look whole
	default:
		p.log.WithError(err).WithField("path", r.URL.Path).Error("can't answer with a page")
	}
	p.refused(status)
	p.write(w, r, status, "problem", problem{title, err.Error()})
}
