package ntpcheck

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// A Monitor keeps asking NTP servers and knows at any time what they say about
// our clock. Create it with [New]; its methods are safe for concurrent use.
type Monitor struct {
	cfg Config
	now func() time.Time
	log logrus.FieldLogger

	mu      sync.Mutex
	sources []*source
	last    combination // what a majority agreed on last; newest is zero before that
}

// New returns a monitor that has not asked anybody yet. It fails with a
// [*ConfigError] if the configuration can't be used; names are not resolved here.
func New(cfg Config) (*Monitor, error) {
	cfg.fillDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	endpoints, err := parseServers(cfg.Servers)
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
	for _, e := range endpoints {
		m.sources = append(m.sources, &source{endpoint: e, poll: cfg.Poll})
	}
	return m, nil
}

func silent() logrus.FieldLogger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return l
}

// Run asks the sources until the context ends, and then returns nil. Each source
// is asked by a goroutine of its own, so that a slow one delays nobody.
func (m *Monitor) Run(ctx context.Context) error {
	var group sync.WaitGroup
	for _, s := range m.sources {
		group.Go(func() { m.follow(ctx, s) })
	}
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
	return Status{
		Reference: m.reference(s, now).status(),
		Sources:   sourceStatuses(s.views),
		Kernel:    m.cfg.ReadKernel().status(),
	}
}

// record takes in what came of a query, and keeps what the majority says now.
func (m *Monitor) record(s *source, sample sample, err error) next {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.record(sample, err, m.timeout())
	if survey := m.survey(m.now()); survey.agreed {
		m.last = survey.combined
		for _, v := range survey.views {
			v.source.outvoted = v.judged(v.source.outvoted)
		}
	}
	return s.next(m.cfg.Poll, err)
}

// judged returns whether the survey calls the source false; its earlier judgement
// stands if it was not judged.
func (v view) judged(earlier bool) bool {
	switch v.state {
	case Falseticker:
		return true
	case Selected, Combined:
		return false
	}
	return earlier
}
