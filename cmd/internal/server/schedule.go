package server

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/metrics"
	"github.com/skewatch/skewatch/cmd/internal/notify"
	"github.com/skewatch/skewatch/cmd/internal/schedule"
	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/storage"
)

// openReports makes what makes reports by their schedules, from where it was before.
func (s *Server) openReports() (err error) {
	s.reports, err = schedule.New(s.cfg.Reports, s.desk, reportStore{s.archive, s.store}, schedule.Options{
		Log: s.log, Now: s.now, Send: s.mail, Ready: s.knowsTime,
	})
	return err
}

// mail sends a report through an output.
func (s *Server) mail(ctx context.Context, output string, l schedule.Letter) error {
	letter := notify.Letter{ID: l.ID, To: l.To, Subject: l.Subject, Text: l.Text}
	for _, f := range l.Files {
		letter.Files = append(letter.Files, notify.Attachment(f))
	}
	err := s.outputs.Mail(ctx, output, letter)
	if notify.IsRefusal(err) {
		return fmt.Errorf("%w: %w", schedule.ErrRefused, err)
	}
	return err
}

// farOff is by how much our own clock may be off when reports are due by it: a machine that
// doesn't keep the time while it is off has it set soon after its start.
const farOff = time.Minute

func (s *Server) knowsTime() bool { return tellsTime(s.status().Reference) }

// tellsTime reports whether our own clock is known to show the time, so that what is due by it
// is due, and a report can say how right it is.
func tellsTime(ref ntpcheck.ReferenceStatus) bool {
	known := ref.State != ntpcheck.Unsynchronised && ref.OffsetSeconds != nil
	return ref.Trusted || known && math.Abs(*ref.OffsetSeconds) < farOff.Seconds()
}

// A reportStore keeps how far reports have come. What is damaged there is told in the log, and
// begins anew.
type reportStore struct {
	archive *archive
	*storage.Store
}

func (s reportStore) Schedules(fn func(name string, blob []byte) error) error {
	return s.archive.tolerate(s.Store.Schedules(fn))
}

func (s *Server) reportSamples() []metrics.Report {
	var all []metrics.Report
	for _, r := range s.reports.Status() {
		all = append(all, metrics.Report{Name: r.Report, Delivery: r.Delivery, Tried: r.Tried, Failed: r.LastError != "", Pending: uint64(r.Pending), Skipped: r.Skipped})
	}
	return all
}
