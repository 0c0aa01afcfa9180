package archive

import (
	"net/netip"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/collector/message"
)

// Options say what of an archive is judged, and how.
type Options struct {
	Fleet analysis.Config

	// Since and Until are the period of receipt that counts: from Since on, before
	// Until. A zero time leaves its end open.
	Since, Until time.Time

	// At is the moment as of which the clocks are judged, by what was received up to
	// it; zero for that of the newest line.
	At time.Time

	// Bad is called with what is wrong with a line, in the order of reading.
	Bad func(*LineError)
}

// A Result is what became of an archive.
type Result struct {
	Rows        *report.Builder
	Reference   analysis.Reference // what the receive times were taken for
	First, Last int64              // receipt of the first and the newest line that counts, Unix ns; 0 if none does
	Readable    int64              // lines with nothing wrong, whether they count or not
	Bad         int64
}

// Judge reads all of an archive and judges the clocks in it. The receive times are
// taken as true, but for what is cut off below their last decimal place.
func Judge(r *Reader, o Options) (*Result, error) {
	j := newJudge(r, &o)
	err := r.InOrder(j.take, func(bad *LineError) {
		j.result.Bad++
		o.Bad(bad)
	})
	if err != nil {
		return nil, err
	}
	j.close()
	return &j.result, nil
}

// A judge has a fleet observe and judge the lines in their own time.
type judge struct {
	reader  *Reader
	options *Options
	since   int64
	before  int64 // the end of what counts, exclusive
	fleet   *analysis.Fleet
	message message.Message

	reviewed int64 // receive time of the last review
	credit   int   // what may be spent on reviews
	taken    int   // lines
	result   Result
}

func newJudge(r *Reader, o *Options) *judge {
	j := &judge{reader: r, options: o, before: 1<<63 - 1, fleet: analysis.NewFleet(o.Fleet), credit: startCredit}
	j.result.Rows = report.NewBuilder(j.tolerance, nil)
	if !o.Since.IsZero() {
		j.since = o.Since.UnixNano()
	}
	if !o.Until.IsZero() {
		j.before = o.Until.UnixNano()
	}
	if !o.At.IsZero() {
		j.before = min(j.before, o.At.UnixNano()+1)
	}
	return j
}

// tolerance returns the one that an originator is judged by.
func (j *judge) tolerance(i analysis.Identity) time.Duration {
	peer, _ := netip.ParseAddr(i.Source) // what isn't one lies in no network
	return j.options.Fleet.Rule(i.Host, peer).Tolerance.Warn
}

// take takes in the next line in order of receipt.
func (j *judge) take(l *Line) {
	if l.Sent.Format != message.StampInvalid {
		j.result.Readable++
	}
	if l.Received < j.since || l.Received >= j.before {
		return
	}
	if j.result.First == 0 {
		j.result.First, j.reviewed = l.Received, l.Received
	}
	j.result.Last = max(j.result.Last, l.Received)
	j.review(l.Received)
	m := &j.message
	m.Host, m.Source, m.Sent, m.Received = l.Origin.Host, l.Origin.Source, l.Sent, l.Received
	j.fleet.Observe(m)
}

// Reviews are as far apart as a server's, in the time of the lines. A long archive is
// reviewed less often, so that evaluations don't outweigh the reading: each line adds
// one to the credit, and a review takes linesPerReview for every originator. Roll-ups
// that have ended are cleared away each drainEvery lines.
const (
	drainEvery     = 4096
	reviewEvery    = second
	linesPerReview = 256
	startCredit    = 1000 * linesPerReview
)

// review has the fleet judge what has come before now, if it is time to.
func (j *judge) review(now int64) {
	j.credit++
	if j.taken++; j.taken%drainEvery == 0 {
		j.note(nil)
	}
	cost := linesPerReview * j.fleet.Originators()
	if apart := now - j.reviewed; apart >= 0 && apart < reviewEvery || j.credit < cost {
		return
	}
	j.credit -= cost
	j.reviewed = now
	j.note(j.fleet.Tick(now, j.reference()))
}

// note takes over what was found, and the roll-ups that have ended.
func (j *judge) note(found []analysis.Finding) {
	for i := range found {
		j.result.Rows.Note(found[i])
	}
	for _, ended := range j.fleet.Ended() {
		j.result.Rows.Add(ended)
	}
}

// close judges once more, at the end.
func (j *judge) close() {
	now := j.result.Last
	if !j.options.At.IsZero() {
		now = j.options.At.UnixNano()
	}
	j.result.Reference = j.reference()
	j.note(j.fleet.Refresh(now, j.result.Reference))
	for _, open := range j.fleet.RollUps() {
		j.result.Rows.Add(open)
	}
	for _, i := range j.fleet.Identities() {
		j.result.Rows.Identify(i)
	}
}

// reference returns what the receive times are taken for: cut off below the last
// place in use, so that on the mean they are half of it behind the truth.
func (j *judge) reference() analysis.Reference {
	half := time.Duration(j.reader.Resolution() / 2)
	return analysis.Reference{
		State: analysis.Synchronised, Bound: half,
		Offset: half + 1, // one not larger than its bound would be taken for noise
	}
}
