package server

import (
	"context"
	"fmt"

	"github.com/skewatch/skewatch/cmd/internal/metrics"
	"github.com/skewatch/skewatch/cmd/internal/notify"
	"github.com/skewatch/skewatch/cmd/internal/schedule"
	"github.com/skewatch/skewatch/storage"
)

// openReports makes what makes reports by their schedules, from where it was before.
func (s *Server) openReports() (err error) {
	s.reports, err = schedule.New(s.cfg.Reports, s.desk, reportStore{s.archive, s.store}, schedule.Options{
		Log: s.log, Now: s.now, Send: s.mail, Ready: s.timeIsKnown,
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

func (s *Server) timeIsKnown() bool { return s.keeper.knowsTime(s.status().Reference) }

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
