package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
)

// The course of the offset comes with the report if it is asked for, of those hosts only
// that something is wrong with.
func TestSeries(t *testing.T) {
	s := servertest.Start(t, t.TempDir())
	const ahead = 40 * time.Second
	for i := range 8 {
		s.Send(t, inTime("good", "x"), fmt.Sprintf("<14>1 %s fast app - - - %d", time.Now().Add(ahead).UTC().Format(time.RFC3339Nano), i))
		time.Sleep(800 * time.Millisecond)
	}
	servertest.Eventually(t, func() error {
		r, err := s.Report(t.Context(), api.ReportQuery{Series: api.SeriesFlagged})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Series) != 1 || r.Series[0].Host != "fast" || len(r.Series[0].Points) == 0 {
			return fmt.Errorf("the series are %+v, want one of fast", r.Series)
		}
		if p := r.Series[0].Points[0]; p.Low > ahead.Seconds() || p.High < ahead.Seconds() || time.Since(p.At) > time.Minute {
			t.Errorf("the point is %+v, want one around %v, now", p, ahead)
		}
		return nil
	})
	if r, err := s.Report(t.Context(), api.ReportQuery{}); err != nil || r.Series != nil {
		t.Errorf("a report without series has %v, %v", r.Series, err)
	}
}
