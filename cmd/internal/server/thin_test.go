package server

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/storage"
)

// days has two hosts speak in each span from noon on, and one for half an hour only.
func (h *history) days(n int) {
	h.t.Helper()
	h.receive("gone", noon.Add(time.Hour), 31*60, 0)
	for i := range n * 288 {
		from := noon.Add(time.Duration(i) * analysis.RollUpSpan)
		h.receive("web1", from, 2, 0)
		if i%12 > 2 {
			h.receive("late1", from.Add(10*time.Second), 1, -time.Duration(i)*time.Millisecond)
		}
		if i%144 == 0 {
			h.review()
			h.commit()
		}
	}
	h.at(noon.Add(time.Duration(n) * 24 * time.Hour))
	h.review()
	h.commit()
}

// mustThin merges what is old.
func (h *history) mustThin() {
	h.t.Helper()
	if err := h.thin(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// A place is where a roll-up is stored.
type place struct {
	Start int64
	Key   string
}

// dump returns every stored roll-up, as it is coded.
func (h *history) dump() map[place]string {
	h.t.Helper()
	all := map[place]string{}
	err := h.store.RollUps(0, 0, func(start int64, key, blob []byte) error {
		all[place{start, string(key)}] = string(blob)
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// sameRows compares rows but for the percentiles, which are by hours now.
func sameRows(t *testing.T, when string, have, want []report.Row) {
	t.Helper()
	if len(have) != len(want) {
		t.Fatalf("%s: %d rows, want %d", when, len(have), len(want))
	}
	for i := range want {
		h, w := have[i], want[i]
		h.OffsetP50, h.OffsetP95 = w.OffsetP50, w.OffsetP95
		if !reflect.DeepEqual(h, w) {
			t.Errorf("%s the row is\n%s\nwant\n%s", when, show(t, h), show(t, w))
		}
	}
}

// TestThinning runs for days: what is old stands by hours then, and reports are the
// same.
func TestThinning(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.days(3)
	want := rows(t, h.desk, api.Query{})
	h.mustThin()
	once := h.dump()
	sameRows(t, "after thinning", rows(t, h.desk, api.Query{}), want)
	h.mustThin()
	if !reflect.DeepEqual(h.dump(), once) {
		t.Error("thinning again changes what is stored")
	}

	hour := int64(time.Hour)
	coarse := h.now().Add(-50 * time.Hour).UnixNano()
	fine := h.now().Add(-48 * time.Hour).UnixNano()
	counts := map[bool]int{}
	for r := range once {
		whole := r.Start%hour == 0
		if r.Start < coarse && !whole && r.Key[:4] != "gone" {
			t.Errorf("a five-minute roll-up of %q stands at %v", r.Key, time.Unix(0, r.Start).UTC())
		}
		if r.Key[:4] == "web1" {
			counts[r.Start >= fine]++
		}
	}
	if counts[true] != 48*12 || counts[false] != 23+12 { // 48 h, but the last of them is not merged yet
		t.Errorf("web1 has %d roll-ups of the last 48 h and %d before, want %d and %d", counts[true], counts[false], 48*12, 23+12)
	}

	h.close()
	h = openHistory(t, h.data)
	sameRows(t, "after a restart", rows(t, h.desk, api.Query{}), want)
	h.receive("gone", noon.Add(72*time.Hour), 1, 0) // its old roll-up is settled now
	h.at(noon.Add(72 * time.Hour))
	h.commit()
	h.mustThin()
	gone := 0
	for r := range h.dump() {
		if r.Key[:4] == "gone" {
			gone++
		}
	}
	if have := rows(t, h.desk, api.Query{Host: "gone"})[0]; have.Messages != 31*60+1 || gone != 2 {
		t.Errorf("gone has %d messages in %d roll-ups, want %d in 2", have.Messages, gone, 31*60+1)
	}
}

// A countdown is a context that is cancelled when it has been asked so many times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestThinningIsKilled ends thinning at many moments, and opens the files anew.
func TestThinningIsKilled(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.days(3)
	now := h.now
	want := rows(t, h.desk, api.Query{})
	cuts := 0
	for asked := 1; ; asked = asked*3/2 + 1 {
		err := h.thin(&countdown{t.Context(), asked})
		sameRows(t, "after a kill", rows(t, h.desk, api.Query{}), want)
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cuts++
		h.close()
		h = openHistory(t, h.data)
		h.now = now
	}
	if cuts < 3 {
		t.Errorf("it was cut off %d times: the test shows nothing", cuts)
	}
	killed := h.dump()

	whole := openHistory(t, t.TempDir())
	whole.days(3)
	whole.mustThin()
	if !reflect.DeepEqual(killed, whole.dump()) {
		t.Error("what is stored differs from what one that was not killed has")
	}
}

// TestThinningWhileOurClockIsWrong sets the clock a year ahead for a minute: what is
// new stays fine, with that clock and after it.
func TestThinningWhileOurClockIsWrong(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.days(2)
	want := h.dump()
	right := h.now
	future := right().AddDate(1, 0, 0)
	h.at(future)
	h.receive("new", future, 60, 0)
	h.commit()
	h.mustThin()
	h.now = right
	h.mustThin()
	have := h.dump()
	for r, blob := range want {
		if r.Start > noon.Add(2*time.Hour).UnixNano() && have[r] != blob {
			t.Fatalf("the roll-up of %q at %v is gone", r.Key, time.Unix(0, r.Start).UTC())
		}
	}
}

// TestThinningWhileOurClockWasWrong sets the clock a year ahead for days. Hours that
// come when it is right again stay fine for as long as others.
func TestThinningWhileOurClockWasWrong(t *testing.T) {
	h := openHistory(t, t.TempDir())
	future := noon.AddDate(1, 0, 0)
	for i := range 600 {
		h.receive("ahead", future.Add(time.Duration(i)*analysis.RollUpSpan), 1, 0)
	}
	for i := range 36 {
		h.receive("web1", noon.Add(time.Duration(i)*analysis.RollUpSpan), 1, 0)
	}
	h.commit()
	want := h.dump()
	h.at(noon.Add(3 * time.Hour))
	h.mustThin()
	if !reflect.DeepEqual(h.dump(), want) {
		t.Error("hours that have just gone by are merged")
	}
	r := periodOf(t, h, noon.Add(20*time.Minute), noon.Add(50*time.Minute))
	if have := r.Header.Effective; !have.Since.Equal(noon) || !have.Until.Equal(noon.Add(time.Hour)) {
		t.Errorf("the period is %v to %v, want the whole hour, which may have been merged", have.Since, have.Until)
	}
}

func periodOf(t *testing.T, h *history, since, until time.Time) *report.Report {
	t.Helper()
	r, err := h.desk.Report(t.Context(), api.ReportQuery{Query: api.Query{Since: since, Until: until, Host: "web1"}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPeriodsWiden asks for periods that begin and end in hours that are merged, and in
// others.
func TestPeriodsWiden(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.days(3)
	h.mustThin()
	end := noon.Add(72 * time.Hour)
	at := func(hours, minutes, seconds int) time.Time {
		return noon.Add(time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second)
	}
	tests := []struct {
		name                              string
		since, until, wantSince, wantEnds time.Time
	}{
		{"merged hours", at(3, 20, 1), at(5, 4, 9), at(3, 0, 0), at(6, 0, 0)},
		{"on their edges", at(3, 0, 0), at(5, 0, 0), at(3, 0, 0), at(5, 0, 0)},
		{"within one", at(3, 20, 0), at(3, 25, 0), at(3, 0, 0), at(4, 0, 0)},
		{"from merged to fine", at(3, 59, 59), at(66, 4, 9), at(3, 0, 0), at(66, 5, 0)},
		{"fine", at(66, 4, 9), end, at(66, 0, 0), end},
	}
	for _, tt := range tests {
		r := periodOf(t, h, tt.since, tt.until)
		if p := r.Header.Effective; !p.Since.Equal(tt.wantSince) || !p.Until.Equal(tt.wantEnds) {
			t.Errorf("%s: the header says %v to %v, want %v to %v", tt.name, p.Since, p.Until, tt.wantSince, tt.wantEnds)
		}
		if p := r.Header.Asked; !p.Since.Equal(tt.since) || !p.Until.Equal(tt.until) {
			t.Errorf("%s: the header says asked %v to %v", tt.name, p.Since, p.Until)
		}
		want := uint64(2 * tt.wantEnds.Sub(tt.wantSince) / analysis.RollUpSpan)
		if have := r.Hosts[0]; have.Messages != want || have.First.Before(tt.wantSince) || !have.Last.Before(tt.wantEnds) {
			t.Errorf("%s: %d messages from %v to %v, want %d", tt.name, have.Messages, have.First, have.Last, want)
		}
	}
}

// TestReportBesideThinning asks for reports while hours are merged: nothing may be
// missing or counted twice at any moment.
func TestReportBesideThinning(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.days(3)
	want := rows(t, h.desk, api.Query{})
	done := make(chan error)
	go func() { done <- h.thin(t.Context()) }()
	for asked := 0; ; asked++ {
		select {
		case err := <-done:
			if err != nil || asked == 0 {
				t.Errorf("%d reports were asked for, %v", asked, err)
			}
			return
		default:
			sameRows(t, "beside thinning", rows(t, h.desk, api.Query{}), want)
		}
	}
}

// TestHourIsReadWhole begins to merge an hour while a report is in the middle of it.
func TestHourIsReadWhole(t *testing.T) {
	h := openHistory(t, t.TempDir())
	one := func(start int64, key string) storage.RollUp {
		r := analysis.RollUp{Start: start, Messages: 1, First: start, Last: start}
		blob, err := r.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		return storage.RollUp{Start: start, Key: key, Blob: blob}
	}
	const hosts, spans = 700, 600 // an hour takes the store many reads
	var all []storage.RollUp
	for n := range spans {
		start := noon.Add(time.Duration(n) * analysis.RollUpSpan).UnixNano()
		all = append(all, one(start, "web1\x00192.0.2.7"))
		for i := range hosts {
			if n < 12 {
				all = append(all, one(start, fmt.Sprintf("many%d\x00192.0.2.7", i)))
			}
		}
	}
	if err := h.store.ReplaceRollUps(all); err != nil {
		t.Fatal(err)
	}
	h.at(noon.Add(spans * analysis.RollUpSpan))
	messages, done := uint64(0), make(chan error, 1)
	hours, err := h.desk.storedHours(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	err = h.desk.storedRollUps(hours, func(_ int64, _, blob []byte) error {
		if messages == 0 {
			go func() { done <- h.thin(t.Context()) }()
			for waits := 0; len(done) == 0 && waits < 100_000; waits++ { // until it is through, or waits for us
				if h.hours.TryRLock() {
					h.hours.RUnlock()
					waits = 0
				}
				runtime.Gosched()
			}
		}
		var r analysis.RollUp
		err := r.UnmarshalBinary(blob)
		messages += r.Messages
		return err
	})
	if err != nil || messages != uint64(len(all)) {
		t.Errorf("%d messages, %v, want %d", messages, err, len(all))
	}
	if err := <-done; err != nil || len(h.dump()) != hosts+1+spans-12 {
		t.Errorf("then %d roll-ups are stored, %v, want %d", len(h.dump()), err, hosts+1+spans-12)
	}
}

// TestThinningPassesDamageOver has a roll-up that can't be read: it stays, and so does
// what belongs to its hour.
func TestThinningPassesDamageOver(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.days(3)
	bad := place{noon.UnixNano(), "web1\x00192.0.2.7"}
	if err := h.store.ReplaceRollUps([]storage.RollUp{{Start: bad.Start, Key: bad.Key, Blob: []byte("nonsense")}}); err != nil {
		t.Fatal(err)
	}
	if err := h.thin(t.Context()); err == nil {
		t.Error("nothing is said of it")
	}
	have := h.dump()
	next := place{noon.Add(analysis.RollUpSpan).UnixNano(), bad.Key}
	if have[bad] != "nonsense" || have[next] == "" {
		t.Error("the hour of the damaged roll-up is touched")
	}
	other := place{noon.Add(time.Hour + analysis.RollUpSpan).UnixNano(), bad.Key}
	if have[other] != "" {
		t.Error("the next hour is not merged")
	}
}
