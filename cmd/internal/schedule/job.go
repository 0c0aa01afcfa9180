package schedule

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/retry"
	"github.com/skewatch/skewatch/storage"
)

const (
	// mostMissed is how many missed runs are caught up: a month of daily reports, or more than
	// half a year of weekly ones. What runs timers once for all that it missed (anacron,
	// systemd's Persistent=) does as much as is needed, for each run does the same. Here each
	// run covers a period of its own, and one that is left out leaves a gap in the evidence.
	mostMissed = 31

	// grace is how long after its time a run begins, so that what arrived before is on disk.
	grace = 2 * time.Second

	// setBack is by how much the clock must be behind a run that is done to have been wrong.
	setBack = time.Minute

	// lookEvery is how often is looked at the clock, which may be set, and the machine may sleep.
	lookEvery = time.Minute

	// restLeast is how long is waited at least before that.
	restLeast = 10 * time.Millisecond
)

// A job is one report of the configuration.
type job struct {
	config.Report
	desk       Desk
	store      Store
	turn       *sync.Mutex // one report is made at a time
	options    Options
	log        logrus.FieldLogger
	deliveries []*delivery

	// The running goroutine's own.
	by      string   // the schedule and its zone
	writing *writing // the file that was begun last, nil for none

	mu sync.Mutex // guards what status returns of the deliveries
}

// A delivery is one of the ways on which a report leaves.
type delivery struct {
	kind     string // file or mail
	deliver  func(ctx context.Context, r *run) error
	done     time.Time // the scheduled time of the newest run that is done with
	failures int       // in a row
	again    time.Time // when the next attempt is due after a failure
	logged   time.Time // when failures were last told
	Status
}

func newJob(r *config.Report, desk Desk, store Store, turn *sync.Mutex, o Options) *job {
	j := &job{Report: *r, desk: desk, store: store, turn: turn, options: o, log: o.Log.WithField("report", r.Name)}
	if r.Directory != "" {
		j.deliveries = append(j.deliveries, &delivery{kind: "file", deliver: j.write})
	}
	if r.Mail != "" {
		j.deliveries = append(j.deliveries, &delivery{kind: "mail", deliver: j.mail})
	}
	return j
}

// run makes the report whenever it is due, until the context ends.
func (j *job) run(ctx context.Context) {
	for ctx.Err() == nil {
		if !j.options.Ready() {
			retry.Wait(ctx, time.Second)
			continue
		}
		next := j.step(ctx, wall(j.options.Now()))
		retry.Wait(ctx, min(max(next.Sub(j.options.Now()), restLeast), lookEvery))
	}
}

// step makes what is due by the clock on the wall, and returns when it is to be called again.
func (j *job) step(ctx context.Context, now time.Time) (next time.Time) {
	j.rewind(now)
	for _, at := range j.due(now) {
		r := &run{job: j, at: at}
		for _, d := range j.deliveries {
			if at.After(d.done) && !now.Before(d.again) && ctx.Err() == nil {
				j.attempt(ctx, d, r)
			}
		}
	}
	next = j.Next(now.Add(-grace)).Add(grace)
	for _, d := range j.deliveries {
		if d.Pending > 0 && d.again.Before(next) {
			next = d.again
		}
	}
	return next
}

// rewind begins anew where the clock was set back behind what is done: it was wrong before,
// and so were the periods.
func (j *job) rewind(now time.Time) {
	for _, d := range j.deliveries {
		if d.done.After(now.Add(setBack)) {
			j.log.WithFields(logrus.Fields{"delivery": d.kind, "run": d.done, "now": now.UTC()}).Warn("the clock was set back: reports go on from now")
			d.done = now
		}
		if d.again.After(now.Add(j.options.LongestPause)) {
			d.again = now
		}
	}
}

// due returns the runs that any delivery has yet to make, in order of time. Where too many
// were missed it gives up the oldest.
func (j *job) due(now time.Time) (runs []time.Time) {
	for _, d := range j.deliveries {
		missed, skipped := j.missed(d.done, now)
		if skipped.count > 0 {
			j.skip(d, skipped)
		}
		j.mu.Lock()
		d.Pending = len(missed)
		j.mu.Unlock()
		runs = append(runs, missed...)
	}
	slices.SortFunc(runs, time.Time.Compare)
	return slices.CompactFunc(runs, time.Time.Equal)
}

// skipped is runs that are given up.
type skipped struct {
	count       int
	first, last time.Time
}

// missed returns the newest runs after one that is done, and what came before them.
func (j *job) missed(done, now time.Time) (runs []time.Time, before skipped) {
	for at := j.Next(done); !at.IsZero() && !at.After(now.Add(-grace)); at = j.Next(at) {
		if runs = append(runs, at); len(runs) <= mostMissed {
			continue
		}
		if before.count++; before.count == 1 {
			before.first = runs[0]
		}
		before.last, runs = runs[0], runs[1:]
	}
	return runs, before
}

// skip gives runs up, and says so.
func (j *job) skip(d *delivery, s skipped) {
	j.log.WithFields(logrus.Fields{"delivery": d.kind, "runs": s.count, "from": s.first, "to": s.last}).
		Errorf("too many runs were missed: only the last %d are made; what the others cover, \"skewatch report --since … --until …\" shows", mostMissed)
	j.mu.Lock()
	d.Skipped += uint64(s.count)
	j.mu.Unlock()
	d.done = s.last
	j.save()
}

// attempt tries to deliver a run.
func (j *job) attempt(ctx context.Context, d *delivery, r *run) {
	err := d.deliver(ctx, r)
	switch {
	case err == nil:
		j.succeed(d, r)
	case ctx.Err() == nil:
		j.fail(d, r, err)
	}
	if errors.Is(err, ErrRefused) && d.failures >= refusedAfter {
		j.refuse(d, r, err)
	}
}

// refusedAfter is how often a run must be refused.
const refusedAfter = 5

// refuse gives up a run that would hold up all others for ever.
func (j *job) refuse(d *delivery, r *run, err error) {
	j.log.WithError(err).WithFields(logrus.Fields{"delivery": d.kind, "run": r.at}).Error("the report is given up: it is refused")
	j.mu.Lock()
	d.Skipped++
	d.Pending--
	j.mu.Unlock()
	d.done, d.failures, d.again = r.at, 0, time.Time{}
	j.save()
}

// succeed notes that a run was delivered.
func (j *job) succeed(d *delivery, r *run) {
	if d.failures > 0 {
		j.log.WithFields(logrus.Fields{"delivery": d.kind, "failed_attempts": d.failures}).Info("the report is delivered again")
	}
	d.done, d.failures, d.again, d.logged = r.at, 0, time.Time{}, time.Time{}
	j.mu.Lock()
	d.Tried, d.LastError = j.options.Now(), ""
	d.Pending--
	j.mu.Unlock()
	j.save()
}

// logEvery is how often a report that can't be delivered is named in the log.
const logEvery = 10 * time.Minute

// fail notes an attempt that failed.
func (j *job) fail(d *delivery, r *run, err error) {
	now := wall(j.options.Now())
	d.failures++
	d.again = now.Add(retry.Pause(d.failures, j.options.FirstPause, j.options.LongestPause))
	j.mu.Lock()
	news := d.LastError != err.Error()
	d.Tried, d.LastError = now, err.Error()
	pending := d.Pending
	j.mu.Unlock()
	if !news && !d.logged.IsZero() && now.Sub(d.logged) < logEvery {
		return
	}
	d.logged = now
	fields := logrus.Fields{"delivery": d.kind, "run": r.at, "pending": pending, "failed_attempts": d.failures}
	if hint := remedy(err); hint != "" {
		fields["hint"] = hint
	}
	j.log.WithError(err).WithFields(fields).Error("the report can't be delivered: it is tried again")
}

// save stores how far the report has come. Where that fails a run may be made again after a
// restart.
func (j *job) save() {
	if err := j.mark(); err != nil {
		j.log.WithError(err).Error("can't store how far this report has come: it may be made again after a restart")
	}
}

func (j *job) mark() error { return j.store.PutSchedules([]storage.State{j.state()}) }

func (j *job) status() (all []Status) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, d := range j.deliveries {
		s := d.Status
		s.Report, s.Delivery = j.Name, d.kind
		all = append(all, s)
	}
	return all
}
