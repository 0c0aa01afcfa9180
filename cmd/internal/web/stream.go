package web

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
)

// begunError is an error after the beginning of a stream was sent.
type begunError struct{ error }

func (e *begunError) Unwrap() error { return e.error }

// stream answers with one JSON object a line. Lines are flushed at once while
// somebody follows, and in larger pieces otherwise.
func stream[T any](ending context.Context, parse func(url.Values) (api.Query, error),
	ask func(context.Context, api.Query, func(T) error) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		q, err := parse(r.URL.Query())
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		if r.Method == http.MethodHead {
			return nil
		}
		flusher := http.NewResponseController(w)
		lines := json.NewEncoder(w)
		ctx := r.Context()
		if q.Follow {
			_ = flusher.Flush() // the question was understood; a failure shows at the next write
			var end context.CancelFunc
			ctx, end = context.WithCancel(ctx)
			defer end()
			defer context.AfterFunc(ending, end)()
		}
		begun := q.Follow
		if q.Progress != nil {
			q.Progress = tellProgress(lines, flusher, &begun)
		}
		err = ask(ctx, q, func(v T) error {
			if err := cutOff(r); err != nil {
				return err
			}
			begun = true
			if err := lines.Encode(v); err != nil || !q.Follow {
				return err
			}
			return flusher.Flush()
		})
		err = cmp.Or(err, cutOff(r)) // a follower's end would look like the server's
		if err != nil && begun {
			return &begunError{err}
		}
		return err
	}
}

// progressEvery is how often a stream says how far it has come.
const progressEvery = 100 * time.Millisecond

// tellProgress returns what writes how far a stream has come, as lines of their own.
func tellProgress(lines *json.Encoder, flusher *http.ResponseController, begun *bool) func(api.Progress) {
	var last time.Time
	return func(p api.Progress) {
		if time.Since(last) < progressEvery {
			return
		}
		last, *begun = time.Now(), true
		if lines.Encode(api.ProgressLine{Progress: &p}) == nil { // a failure shows at the next message, or the end
			_ = flusher.Flush()
		}
	}
}
