// Package schedule makes the reports of the configuration when they are due, writes them to
// files and has them mailed.
//
// A run is known by its scheduled time, at which its period ends whenever it is made. How far
// each report has come is kept in the store: a run that was missed, because the server was
// down or its destination was, is caught up, and one that was cut short is repeated and makes
// the same file.
package schedule

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/storage"
)

// A Desk makes reports.
type Desk interface {
	Report(ctx context.Context, q api.ReportQuery) (*report.Report, error)
}

// A Store keeps how far each report has come. Both are storage.Store's.
type Store interface {
	Schedules(fn func(key string, blob []byte) error) error
	PutSchedules(entries []storage.State) error
}

// A Letter is a mail that carries a report.
type Letter struct {
	ID      string   // the same each time that a run is mailed
	To      []string // empty for those that the output names
	Subject string
	Text    string
	Files   []File
}

// A File is one that goes with a letter.
type File struct {
	Name string
	Body []byte
}

// ErrRefused is wrapped by errors of letters that would hold up all others for ever.
var ErrRefused = errors.New("the mail server refuses it")

// Options are the settings of a Scheduler that aren't of one report. The zero value is a good
// one where no report is mailed.
type Options struct {
	Log logrus.FieldLogger // nil for no log
	Now func() time.Time   // nil for time.Now

	// Send returns when the output of that name has delivered a letter, or not. Its error
	// wraps ErrRefused where the same letter will never be taken.
	Send func(ctx context.Context, output string, l Letter) error

	// Ready reports whether what is due by our own clock is due. Reports wait for that. Nil is
	// for a clock that always shows the time.
	Ready func() bool

	// FirstPause and LongestPause are what is waited after the first failure and at most; 0
	// stands for 10 s and 10 minutes.
	FirstPause, LongestPause time.Duration
}

func (o Options) withDefaults() Options {
	o.FirstPause = cmp.Or(o.FirstPause, 10*time.Second)
	o.LongestPause = cmp.Or(o.LongestPause, 10*time.Minute)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Ready == nil {
		o.Ready = func() bool { return true }
	}
	if o.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		o.Log = silent
	}
	return o
}

// A Scheduler makes every report.
type Scheduler struct {
	jobs []*job
}

// New returns a Scheduler that goes on where the last one on the store was. A report that the
// store doesn't know, or knows by another schedule, begins with the next time that it is due;
// what the store knows of others is forgotten.
func New(reports []config.Report, desk Desk, store Store, o Options) (*Scheduler, error) {
	o = o.withDefaults()
	known := map[string][]byte{}
	err := store.Schedules(func(name string, blob []byte) error { known[name] = blob; return nil })
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	s := new(Scheduler)
	var change []storage.State
	turn := new(sync.Mutex)
	for i := range reports {
		j := newJob(&reports[i], desk, store, turn, o)
		if j.restore(known[j.Name], o.Now()) {
			change = append(change, j.state())
		}
		delete(known, j.Name)
		s.jobs = append(s.jobs, j)
	}
	for name := range known {
		change = append(change, storage.State{Key: name})
	}
	if len(change) == 0 {
		return s, nil
	}
	if err := store.PutSchedules(change); err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	return s, nil
}

// Run makes reports until the context ends.
func (s *Scheduler) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, j := range s.jobs {
		wg.Go(func() { j.run(ctx) })
	}
	wg.Wait()
}

// A Status says how one of a report's deliveries is doing.
type Status struct {
	Report    string
	Delivery  string    // file or mail
	Tried     time.Time // when a run was last tried; zero if none was since the start
	LastError string    // of that, "" if it went well
	Pending   int       // runs that are due, and not delivered
	Skipped   uint64    // runs that were given up since the start: too many were missed, or one was refused
}

// Status returns how each delivery is doing.
func (s *Scheduler) Status() []Status {
	var all []Status
	for _, j := range s.jobs {
		all = append(all, j.status()...)
	}
	return all
}

// A mark is what the store keeps of a report.
type mark struct {
	Schedule string               `json:"schedule"`          // and its zone: by another one all begins anew
	Done     map[string]time.Time `json:"done"`              // by delivery: the scheduled time of the newest run that is done with
	Writing  *writing             `json:"writing,omitempty"` // the file that was begun last
}

// A writing is a file that is to be found whole, or not at all. Its sums are hexadecimal.
type writing struct {
	Run   time.Time `json:"run"`
	File  string    `json:"file"`
	Sum   string    `json:"sha256"`
	Note  string    `json:"note_sha256,omitempty"` // of the note that goes with it
	Token string    `json:"token,omitempty"`       // in the names of what isn't whole yet
}

// restore takes over what the store has, and reports whether anything is new about it.
func (j *job) restore(blob []byte, now time.Time) (news bool) {
	was := mark{}
	if blob != nil {
		if err := json.Unmarshal(blob, &was); err != nil {
			j.log.WithError(err).Error("how far this report had come can't be read: it begins anew")
		}
	}
	by := j.Schedule.String() + " " + j.Zone.String()
	if was.Schedule != by {
		if was.Schedule != "" {
			j.log.WithFields(logrus.Fields{"was": was.Schedule, "is": by}).Info("the report has another schedule: it begins with the next time that it is due")
		}
		was = mark{}
	}
	for _, d := range j.deliveries {
		var known bool
		if d.done, known = was.Done[d.kind]; !known {
			d.done, news = wall(now), true
		}
	}
	j.by, j.writing = by, was.Writing
	return news || len(was.Done) != len(j.deliveries)
}

// wall returns a time as the clock on the wall shows it, which may be set.
func wall(t time.Time) time.Time { return t.Round(0).UTC() }

// state returns what is stored of the report.
func (j *job) state() storage.State {
	m := mark{Schedule: j.by, Done: map[string]time.Time{}, Writing: j.writing}
	for _, d := range j.deliveries {
		m.Done[d.kind] = d.done
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic("schedule: " + err.Error()) // it always can be coded
	}
	return storage.State{Key: j.Name, Blob: b}
}
