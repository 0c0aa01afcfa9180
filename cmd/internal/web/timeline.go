package web

import (
	"bufio"
	"net/http"

	"github.com/skewatch/skewatch/cmd/internal/api"
)

// timelineBuffer is how much of a timeline is sent at a time, after the first line.
const timelineBuffer = 64 << 10

// timeline answers with one JSON object a line.
func (s *Server) timeline(w http.ResponseWriter, r *http.Request) error {
	q, err := api.ParseTimelineQuery(r.URL.Query())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	if r.Method == http.MethodHead {
		return nil
	}
	begun, out := false, bufio.NewWriterSize(w, timelineBuffer)
	var line []byte
	err = s.desk.Timeline(r.Context(), q, func(e api.Entry) error {
		line = append(e.AppendJSON(line[:0]), '\n')
		_, err := out.Write(line)
		if begun || err != nil {
			return err
		}
		begun = true
		if err := out.Flush(); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil && begun {
		return &begunError{err}
	}
	return err
}
