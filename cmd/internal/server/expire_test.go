package server

import (
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/storage"
)

// TestExpire removes a day's messages and roll-ups when they are old, but not while our
// own clock is in doubt.
func TestExpire(t *testing.T) {
	data := t.TempDir()
	for day := range 3 {
		h := openHistory(t, data)
		h.receive("web1", noon.AddDate(0, 0, day), 30, 0)
		h.at(noon.AddDate(0, 0, day).Add(time.Minute))
		h.review()
		h.commit()
		h.close()
		sealAll(t, data)
	}
	h := openHistory(t, data, "SKEWATCH_RETENTION_AGE=36h")
	h.at(noon.AddDate(0, 0, 2).Add(time.Hour)) // the first day is 49 h old, the second 25 h
	messages := func() (n int) {
		err := h.desk.Messages(t.Context(), api.Query{}, func(api.Message) error { n++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, tt := range []struct {
		name string
		ref  ntpcheck.ReferenceStatus
		want int
	}{
		{"unsynchronised", ntpcheck.ReferenceStatus{State: ntpcheck.Unsynchronised}, 90},
		{"in holdover", ntpcheck.ReferenceStatus{State: ntpcheck.Holdover}, 90},
		{"synchronised", ntpcheck.ReferenceStatus{State: ntpcheck.Synchronised}, 60},
		{"on the operator's word", ntpcheck.ReferenceStatus{State: ntpcheck.Unsynchronised, Trusted: true}, 60},
	} {
		if err := h.expire(tt.ref); err != nil {
			t.Fatal(err)
		}
		if n := messages(); n != tt.want {
			t.Errorf("%s: %d messages are left, want %d", tt.name, n, tt.want)
		}
	}
	if all := rows(t, h.desk, api.Query{}); len(all) != 1 || all[0].Messages != 60 {
		t.Errorf("the report is %+v, want a row of 60 messages", all)
	}
	h.close()
}

// sealAll has all messages sealed, in a segment to which nothing is added: with limits that
// no server has.
func sealAll(t *testing.T, data string) {
	t.Helper()
	s, err := storage.Open(data, storage.Options{SegmentBytes: 1, SealEvery: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		v, err := s.Verify(t.Context(), storage.Inspection{}, func(*storage.DamageError) {})
		if err != nil {
			t.Fatal(err)
		}
		if v.Unsealed == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d messages aren't sealed", v.Unsealed)
		}
	}
}
