package web

import (
	"encoding/json"
	"net/http"

	"github.com/skewatch/skewatch/cmd/internal/api"
)

// verify answers with one JSON object a line: what was found as it is found, and in the end
// what was seen.
func (s *Server) verify(w http.ResponseWriter, r *http.Request) error {
	q, err := api.ParseVerifyQuery(r.URL.Query())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	if r.Method == http.MethodHead {
		return nil
	}
	flusher, lines := http.NewResponseController(w), json.NewEncoder(w)
	begun := false
	write := func(line api.VerifyLine) error {
		begun = true
		if err := lines.Encode(line); err != nil {
			return err
		}
		return flusher.Flush()
	}
	if q.Progress != nil {
		q.Progress = tellProgress(lines, flusher, &begun)
	}
	verified, err := s.desk.Verify(r.Context(), q, func(f api.Flaw) error { return write(api.VerifyLine{Flaw: &f}) })
	if err == nil {
		err = write(api.VerifyLine{Verified: &verified})
	}
	if err != nil && begun {
		return &begunError{err}
	}
	return err
}
