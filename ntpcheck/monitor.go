package ntpcheck

import (
	"context"
	"crypto/x509"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beevik/ntp"
	"github.com/sirupsen/logrus"
)

// A Monitor keeps asking NTP servers and knows at any time what they say about
// our clock. Create it with [New]; its methods are safe for concurrent use.
type Monitor struct {
	cfg Config
	now func() time.Time
	log logrus.FieldLogger

	keys  map[uint32]ntp.AuthOptions
	roots *x509.CertPool // of NTS servers' certificates; nil for the system's

	entries []*entry // in the order of the configuration

	mu      sync.Mutex
	sources []*source   // of all entries, in their order
	last    combination // what a majority agreed on last; newest is zero before that
	watch   watch
	track   Track // what majorities agreed on in the last hours
	stepped *Step // the last step of our clock, until a majority has measured it again
	epoch   int   // how many there were

	chronyd   Chronyd // what it said last
	chronydAt time.Time

	user atomic.Bool // the kernel's stamps are of another clock
}

// New returns a monitor that has not asked anybody yet. It fails with a
// [*ConfigError] if the configuration can't be used; names are not resolved here.
func New(cfg Config) (*Monitor, error) {
	cfg.fillDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	servers, err := parseServers(cfg.Servers)
	if err != nil {
		return nil, err
	}
	m := &Monitor{cfg: cfg, now: cfg.Now, log: cfg.Log}
	if m.now == nil {
		m.now = time.Now
	}
	if m.log == nil {
		m.log = silent()
	}
	if m.keys, err = keysFor(servers, cfg.KeyFile); err != nil {
		return nil, err
	}
	if m.roots, err = rootsWith(cfg.NTSCA); err != nil {
		return nil, err
	}
	for _, s := range servers {
		m.entries = append(m.entries, newEntry(s, &m.cfg))
	}
	m.list()
	return m, nil
}

func silent() logrus.FieldLogger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return l
}

// Run asks the servers until the context ends, and returns nil then. Each is asked
// from a goroutine of its own, so that a slow one delays nobody.
func (m *Monitor) Run(ctx context.Context) error {
	var group sync.WaitGroup
	m.advise()
	for _, e := range m.entries {
		group.Go(func() { m.attend(ctx, e) })
	}
	group.Go(func() { m.followChronyd(ctx) })
	m.announce(ctx)
	group.Wait()
	return nil
}

// Reference returns what is known about our clock now. It costs microseconds.
func (m *Monitor) Reference() Reference {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	return m.reference(m.survey(now), now)
}

// Status returns what is known about our clock, every source and the kernel now.
func (m *Monitor) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	s := m.survey(now)
	r, k, c := m.reference(s, now), m.cfg.ReadKernel(), m.currentChronyd()
	return Status{
		Reference:      r.status(),
		Sources:        sourceStatuses(s.views),
		Kernel:         k.status(),
		Chronyd:        c.status(),
		Contradictions: contradictions(r, k, c),
	}
}

// record takes in what came of a query, and keeps what the majority says now.
func (m *Monitor) record(s *source, sample sample, err error) next {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	s.record(sample, err, m.timeout())
	survey := m.survey(now)
	m.watch.look(survey, now)
	m.settlePace(s, survey, err == nil)
	if survey.agreed {
		m.last, m.stepped = survey.combined, nil
		m.track.Add(m.last.at, m.last.offset, m.last.bound, m.cfg.Poll/2)
		for _, v := range survey.views {
			v.source.outvoted = v.judged(v.source.outvoted)
		}
	}
	s.deny(survey)
	return s.next(m.cfg.Poll, err)
}

// judged returns whether the survey calls the source false; its earlier judgement
// stands if it was not judged.
func (v view) judged(earlier bool) bool {
	switch {
	case v.state == Falseticker:
		return true
	case v.agrees:
		return false
	}
	return earlier
}

// wantedSources is how many sources must agree until they may be asked less often.
const wantedSources = 3

// settlePace asks less often who agrees with the others and with itself, and all at
// the shortest interval when they are needed.
func (m *Monitor) settlePace(s *source, survey survey, answered bool) {
	agreeing := 0
	for _, v := range survey.views {
		if v.agrees {
			agreeing++
		}
	}
	if !survey.agreed || agreeing < min(wantedSources, len(m.sources)) {
		for _, other := range m.sources {
			other.hurried()
		}
		return
	}
	v, found := survey.viewOf(s)
	if found && answered && v.agrees && !s.moved {
		s.calm()
		return
	}
	s.hurried()
}
