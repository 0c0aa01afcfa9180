package pages

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// How often those who watch are told what has changed. A fleet so large that a look takes
// long is looked at less often: at most a twentieth of a core goes into it.
const (
	liveEvery = 2 * time.Second
	liveShare = 20
)

// A change is what a watching page is told: what of it is to be replaced.
type change struct {
	Summary string            `json:"summary,omitempty"`
	Rows    map[string]string `json:"rows,omitempty"` // by ID
	Listed  bool              `json:"listed"`         // hosts have come or gone, or have another verdict
}

// live answers with server-sent events: one for each look at which something has changed.
// The ID of each is the look's, so that a page that was cut off goes on where it was. A page
// that shows no rows says rows=none, and is told when to look again.
func (p *Pages) live(w http.ResponseWriter, r *http.Request) {
	flusher := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	ctx, end := context.WithCancel(r.Context())
	defer end()
	defer context.AfterFunc(p.board.ending, end)()
	after, rows := seqOf(r), r.URL.Query().Get("rows") != "none"
	for first := true; ; first = false {
		v, err := p.board.look(ctx)
		if err == nil && (first || v.changedAfter(after)) {
			err = v.tell(w, after, rows)
			after = v.seq
		}
		if err == nil {
			err = flusher.Flush()
		}
		if err != nil {
			return // the page asks again
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(p.board.pause()):
		}
	}
}

// seqOf returns the look that a page has seen.
func seqOf(r *http.Request) uint64 {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("seq")
	}
	seq, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return seq
}

// pause returns how long until the next look.
func (b *board) pause() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(liveEvery, liveShare*b.took)
}

// changedAfter reports whether a host looks different than at a look.
func (v *view) changedAfter(seq uint64) bool {
	if v.listed > seq {
		return true
	}
	for _, e := range v.hosts {
		if e.changed > seq {
			return true
		}
	}
	return false
}

// tell writes what has changed since a look as one event. A look that is yet to come was
// another server's.
func (v *view) tell(w http.ResponseWriter, after uint64, rows bool) error {
	c := change{Rows: map[string]string{}, Listed: v.listed > after || after > v.seq}
	if after > v.seq {
		after = 0
	}
	if rows {
		if err := v.fill(&c, after); err != nil {
			return err
		}
	}
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "id: %d\ndata: %s\n\n", v.seq, data)
	return err
}

// fill adds the summary and the rows that have changed since a look.
func (v *view) fill(c *change, after uint64) error {
	for _, e := range v.hosts {
		if e.changed > after {
			c.Rows[e.row.ID] = string(e.html)
		}
	}
	var text bytes.Buffer
	err := templates["fleet"].ExecuteTemplate(&text, "summary", v.summary)
	c.Summary = text.String()
	return err
}
