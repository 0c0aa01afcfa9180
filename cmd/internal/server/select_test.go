package server

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// put stores messages as they were sent, received one after the other from then on.
func (h *history) put(at time.Time, raws ...string) {
	h.t.Helper()
	var batch []message.Message
	for i, raw := range raws {
		m := message.Message{Received: at.Add(time.Duration(i) * time.Second).UnixNano()}
		parse.Parse([]byte(raw), &m)
		batch = append(batch, m)
	}
	if err := h.Put(batch); err != nil {
		h.t.Fatal(err)
	}
}

func ids(t *testing.T, d api.Desk, q api.Query) (all []uint64) {
	t.Helper()
	if err := d.Messages(t.Context(), q, func(m api.Message) error { all = append(all, m.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSearchBySent(t *testing.T) {
	for _, tt := range []struct {
		zone  string
		since string
		want  []uint64 // of an hour from then on
	}{
		{"UTC", "2026-03-01T12:00:00Z", []uint64{1, 3}},
		{"Europe/Paris", "2026-03-01T12:00:00Z", []uint64{1, 2}},
		{"Europe/Paris", "2026-03-01T11:00:00Z", []uint64{3}},
		{"+14:00", "2026-02-28T22:00:00Z", []uint64{3}},
		{"-12:00", "2026-03-02T00:00:00Z", []uint64{3}},
		{"UTC", "2025-12-31T23:00:00Z", []uint64{5}},
		{"+14:00", "2025-12-31T09:00:00Z", []uint64{5}},
		{"UTC", "1970-01-01T00:00:00Z", []uint64{6}},
		{"UTC", "1960-01-01T00:00:00Z", []uint64{7}},
		{"UTC", "2150-01-01T00:00:00Z", []uint64{8}},
		{"UTC", "2026-08-01T00:00:00Z", nil},
	} {
		h := openHistory(t, t.TempDir(), "SKEWATCH_ASSUME_ZONE="+tt.zone)
		h.put(noon,
			"<14>1 2026-03-01T14:30:00+02:00 web1 a - - - x",
			"<14>Mar  1 13:00:00 web2 a: x",
			"<14>Mar  1 12:59:59 web2 a: x",
			"<14>1 - web1 a - - - x",
			"<14>Dec 31 23:59:59 web2 a: x",
			"<14>1 1970-01-01T00:00:07Z web1 a - - - x",
			"<14>1 1960-01-01T00:00:07Z web1 a - - - x",
			"<14>1 2150-01-01T00:00:07Z web1 a - - - x",
		)
		since, err := time.Parse(time.RFC3339, tt.since)
		if err != nil {
			t.Fatal(err)
		}
		q := api.Query{Clock: api.ClockSent, Since: since, Until: since.Add(time.Hour)}
		if have := ids(t, h.desk, q); !slices.Equal(have, tt.want) {
			t.Errorf("in the hour from %s, in zone %s: messages %d, want %d", tt.since, tt.zone, have, tt.want)
		}
		if have := ids(t, h.desk, api.Query{Clock: api.ClockSent}); len(have) != 8 {
			t.Errorf("without a range come %d messages, want all", len(have))
		}
	}
}

// TestStoreLeavesNothingOut asks the store for ranges by every zone's stamps.
func TestStoreLeavesNothingOut(t *testing.T) {
	zones := []string{"UTC", "+14:00", "-12:00", "Europe/Paris", "Pacific/Kiritimati", "America/St_Johns"}
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range zones {
		h := openHistory(t, t.TempDir(), "SKEWATCH_ASSUME_ZONE="+name)
		zone := hostRules(h.cfg)("", message.Message{}.Source).Zone
		for range 40 {
			at := noon.Add(time.Duration(r.Int64N(int64(400 * 24 * time.Hour))))
			h.put(at, "<14>"+at.Add(time.Duration(r.Int64N(int64(370*24*time.Hour)))).Format(time.Stamp)+" web a: x")
		}
		all := map[uint64]time.Time{}
		err := h.desk.Messages(t.Context(), api.Query{}, func(m api.Message) error {
			at, err := time.Parse(time.RFC3339, *m.Sent)
			all[m.ID] = at
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for id, at := range all {
			q := api.Query{Clock: api.ClockSent, Since: at, Until: at.Add(1)}
			if have := ids(t, h.desk, q); !slices.Contains(have, id) {
				t.Errorf("message %d isn't found at %v, zone %v", id, at, zone)
			}
		}
	}
}

func TestSearchByExpression(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.put(noon, "<14>Mar  1 12:00:00 web1 sshd[7]: Failed password", "<14>Mar  1 12:00:00 web2 sshd[7]: failed \xff", "no header")
	for _, tt := range []struct {
		q    api.Query
		want []uint64
	}{
		{api.Query{Grep: "(?i)FAILED"}, []uint64{1, 2}},
		{api.Query{Grep: "(?i)FAILED", Host: "web2"}, []uint64{2}},
		{api.Query{Grep: `web\d sshd\[7\]: F`}, []uint64{1}},
		{api.Query{Grep: "^no header$"}, []uint64{3}},
		{api.Query{Grep: "d .$"}, []uint64{2}},
		{api.Query{Grep: "nothing"}, nil},
	} {
		if have := ids(t, h.desk, tt.q); !slices.Equal(have, tt.want) {
			t.Errorf("%+v: messages %d, want %d", tt.q, have, tt.want)
		}
	}
	err := h.desk.Messages(t.Context(), api.Query{Grep: "("}, func(api.Message) error { return nil })
	var bad *api.QueryError
	if !errors.As(err, &bad) || bad.Parameter != "grep" || bad.Value != "(" {
		t.Errorf("a bad expression gives %v, want an error about it", err)
	}
}
