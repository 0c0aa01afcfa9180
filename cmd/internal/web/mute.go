package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/access"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

func (s *Server) warnings(w http.ResponseWriter, r *http.Request) error {
	q, err := api.ParseWarningQuery(r.URL.Query())
	if err != nil {
		return err
	}
	all, err := s.desk.Warnings(r.Context(), q)
	if err != nil {
		return err
	}
	return reply(w, api.Warnings{Warnings: all})
}

// mutes answers with the mutes of a kind.
func (s *Server) mutes(k analysis.MuteKind) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		q, err := api.ParseMuteQuery(k, r.URL.Query())
		if err != nil {
			return err
		}
		all, err := s.desk.Mutes(r.Context(), q)
		if err != nil {
			return err
		}
		return reply(w, api.Mutes{Mutes: all})
	}
}

func (s *Server) silence(w http.ResponseWriter, r *http.Request) error {
	var o api.SilenceOrder
	if err := readOrder(r, &o); err != nil {
		return err
	}
	o.Author = access.Author(r.Context(), o.Author)
	m, err := s.desk.Silence(r.Context(), o)
	return replyMute(w, m, err)
}

func (s *Server) acknowledge(w http.ResponseWriter, r *http.Request) error {
	var o api.AcknowledgeOrder
	if err := readOrder(r, &o); err != nil {
		return err
	}
	o.Author = access.Author(r.Context(), o.Author)
	m, err := s.desk.Acknowledge(r.Context(), o)
	return replyMute(w, m, err)
}

// unmute ends the mute whose number stands in the path.
func (s *Server) unmute(k analysis.MuteKind) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		by, err := api.ParseUnmute(r.URL.Query())
		if err != nil {
			return err
		}
		id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
		if err != nil {
			return analysis.ErrNoMute
		}
		m, err := s.desk.Unmute(r.Context(), api.UnmuteOrder{Kind: k, ID: id, Author: access.Author(r.Context(), by)})
		return replyMute(w, m, err)
	}
}

func replyMute(w http.ResponseWriter, m api.Mute, err error) error {
	if err != nil {
		return err
	}
	return reply(w, m)
}

var errMore = errors.New("something follows it")

// readOrder reads a body of one JSON object. What it doesn't know is refused: passed over,
// something else would be done than was asked for.
func readOrder(r *http.Request, into any) error {
	kind := r.Header.Get("Content-Type")
	if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" {
		return &refusal{status: http.StatusUnsupportedMediaType, problem: fmt.Sprintf("Content-Type: not application/json (got %q)", kind)}
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = cmp.Or(err, errMore)
	}
	return &refusal{status: http.StatusBadRequest, problem: "the body isn't the JSON object that is asked for: " + err.Error()}
}
