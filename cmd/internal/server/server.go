// Package server is the running program: it wires the collector, the store, the
// estimator and the reference together, and answers questions about them.
//
// A message goes one way: socket, frame, parse, batch, store and fleet. Once a
// second the fleet's clocks are judged; what changed is written, logged and told to
// those who follow.
package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/access"
	"github.com/skewatch/skewatch/cmd/internal/build"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/forward"
	"github.com/skewatch/skewatch/cmd/internal/metrics"
	"github.com/skewatch/skewatch/cmd/internal/schedule"
	"github.com/skewatch/skewatch/cmd/internal/web"
	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/storage"
)

// A Server is one running skewatch.
type Server struct {
	*desk
	monitor   *ntpcheck.Monitor
	collector *collector.Collector
	web       *web.Server
	guard     *access.Guard // nil where everybody who reaches the HTTP API may ask
	http      net.Listener  // nil if turned off
	local     net.Listener  // nil without a guard
	keeper    *keeper
	reports   *schedule.Scheduler
	forwards  *forward.Forwarder
}

// Open opens the data directory and binds every address, or does nothing and says
// what is in the way. A Server that Open returned must be Run.
func Open(cfg *config.Config, log *logrus.Logger) (*Server, error) {
	if err := checkKind(cfg); err != nil {
		return nil, err
	}
	monitor, err := newMonitor(cfg, log)
	if err != nil {
		return nil, err
	}
	guard, err := openGuard(cfg, log)
	if err != nil {
		return nil, err
	}
	store, err := openStore(cfg, log)
	if err != nil {
		return nil, openError(err, cfg)
	}
	s, err := newServer(cfg, log, monitor, store)
	if err == nil {
		s.guard = guard
		err = s.listen()
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return s, nil
}

// openWithin is how long Open waits for others to let go of the data directory: a
// command that reads the files, or a server that is still stopping.
const openWithin = 2 * time.Second

func openStore(cfg *config.Config, log logrus.FieldLogger) (*storage.Store, error) {
	for deadline := time.Now().Add(openWithin); ; time.Sleep(openWithin / 40) {
		store, err := storage.Open(cfg.Data, storage.Options{Log: log})
		if !errors.Is(err, storage.ErrInUse) || time.Now().After(deadline) {
			return store, err
		}
	}
}

// newServer restores what the store has.
func newServer(cfg *config.Config, log logrus.FieldLogger, m *ntpcheck.Monitor, store *storage.Store) (*Server, error) {
	if err := forget(cfg.Data); err != nil { // a killed server's notice
		return nil, err
	}
	a := newArchive(store, cfg, log)
	var err error
	if a.watch, err = newWatch(cfg); err != nil {
		return nil, err
	}
	if err := a.restore(); err != nil {
		return nil, err
	}
	if a.observed > 0 {
		log.WithFields(logrus.Fields{"hosts": a.fleet.Originators(), "messages": a.observed}).Info("state restored")
	}
	k := &keeper{archive: a, monitor: m, began: time.Now(), urgent: make(chan struct{}, 1)}
	refresh := func() error { k.review(); return nil }
	s := &Server{monitor: m, keeper: k, desk: &desk{archive: a, live: true, refresh: refresh, status: m.Status, carryOut: k.carryOut}}
	b := build.This()
	s.web = web.NewServer(s.desk, metrics.Handler(s.sample, metrics.Build{Version: b.Version, Go: b.Go}), log)
	if err := s.openOutputs(); err != nil {
		return nil, err
	}
	if err := s.openForwards(); err != nil {
		return nil, err
	}
	return s, s.openReports()
}

// listen binds the listeners, the API's first: it is the one that is turned off
// without losing messages.
func (s *Server) listen() error {
	if s.cfg.HTTP != "" {
		l, err := net.Listen("tcp", s.cfg.HTTP)
		if err != nil {
			var op *net.OpError
			if errors.As(err, &op) {
				err = op.Err // without the address
			}
			return &config.Error{Field: "http", Problem: "can't listen: " + err.Error(), Value: s.cfg.HTTP,
				Hint: "give another address with --http, or turn the API off with --http ''"}
		}
		s.http = l
	}
	c, err := s.newCollector()
	if err != nil {
		if s.http != nil {
			err = errors.Join(err, s.http.Close())
		}
		return err
	}
	s.collector = c
	s.protect()
	if c.Stamps() == message.StampedByUser {
		s.monitor.JudgeUserClock() // where the kernel's stamps are of another clock already
	}
	s.keeper.own.watch, s.keeper.own.compare = ntpcheck.NewStepWatch(), c.CompareClocks
	s.archive.look = s.keeper.look
	return nil
}

func newMonitor(cfg *config.Config, log logrus.FieldLogger) (*ntpcheck.Monitor, error) {
	kernel, err := ntpcheck.ParseKernelMode(string(cfg.NTP.KernelClock))
	if err != nil {
		return nil, err
	}
	settings := ntpcheck.Config{
		Servers: cfg.NTP.Servers, KeyFile: cfg.NTP.Keys, NTSCA: cfg.NTP.NTSCA,
		Poll: cfg.NTP.Poll, Holdover: cfg.NTP.Holdover, Kernel: kernel, Log: log,
		Chronyd: ntpcheck.DefaultChronyd,
	}
	if cfg.ReceiveStamps == message.StampedByUser {
		settings.Now = time.Now // judge the clock that stamps the messages
	}
	monitor, err := ntpcheck.New(settings)
	var wrong *ntpcheck.ConfigError
	if errors.As(err, &wrong) {
		err = &config.Error{Field: wrong.Field, Problem: wrong.Problem, Value: wrong.Value, Hint: wrong.Hint}
	}
	return monitor, err
}

// Run receives and judges until the context ends. Then it stores what the sockets
// still hold, writes a last checkpoint and closes everything.
func (s *Server) Run(ctx context.Context) error {
	s.announce()
	defer context.AfterFunc(ctx, func() { close(s.stopping) })()
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	var kept error
	wg.Go(func() { _ = s.monitor.Run(background) }) // it returns nil when told to stop
	wg.Go(func() { kept = s.keeper.run(background) })
	wg.Go(func() { s.keeper.watchClock(background) })
	wg.Go(func() { s.keeper.thinning(background) })
	wg.Go(func() { s.keeper.expiring(background) })
	wg.Go(func() { s.accounting(background) })
	wg.Go(func() { s.outputs.Run(background) })
	wg.Go(func() { s.reports.Run(background) })
	wg.Go(func() { s.forwards.Run(background) })
	closeHTTP := s.serveHTTP(&wg)

	received := s.collector.Run(ctx) // returns when all that was received is in the store
	closeHTTP()
	stop()
	wg.Wait()
	if kept != nil {
		kept = fmt.Errorf("write the last checkpoint: %w", kept)
	}
	err := errors.Join(received, kept, s.store.Close(), forget(s.cfg.Data))
	s.log.WithFields(s.account()).Info("stopped")
	return err
}

// serveHTTP answers the API until the function it returns is called.
func (s *Server) serveHTTP(wg *sync.WaitGroup) (closeHTTP func()) {
	for _, l := range []net.Listener{s.http, s.local} {
		if l != nil {
			wg.Go(func() { s.web.Serve(l) })
		}
	}
	return s.web.Close
}

// referenceOf returns what was known of our own clock at a time, Unix ns, in the shape
// the estimator wants.
func referenceOf(s ntpcheck.ReferenceStatus, at int64) analysis.Reference {
	r := analysis.Reference{State: referenceStates[s.State], At: at}
	if s.RatePPM != nil {
		r.Rate = *s.RatePPM
	}
	if s.RateBoundPPM != nil {
		r.RateBound = *s.RateBoundPPM
	}
	if s.OffsetSeconds != nil && s.BoundSeconds != nil {
		r.Offset = time.Duration(*s.OffsetSeconds * float64(time.Second))
		r.Bound = time.Duration(*s.BoundSeconds * float64(time.Second))
	}
	return r
}

var referenceStates = map[ntpcheck.State]analysis.ReferenceState{
	ntpcheck.Unsynchronised: analysis.Unsynchronised,
	ntpcheck.Holdover:       analysis.Holdover,
	ntpcheck.Synchronised:   analysis.Synchronised,
}
