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
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/web"
	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/ntpcheck"
)

// A Server is one running skewatch.
type Server struct {
	*desk
	monitor   *ntpcheck.Monitor
	collector *collector.Collector
	http      net.Listener // nil if turned off
	keeper    *keeper
}

// Open opens the data directory and binds every address, or does nothing and says
// what is in the way. A Server that Open returned must be Run.
func Open(cfg *config.Config, log *logrus.Logger) (*Server, error) {
	monitor, err := newMonitor(cfg, log)
	if err != nil {
		return nil, err
	}
	a, err := openArchive(cfg, log, false)
	if err != nil {
		return nil, openError(err, cfg)
	}
	s := &Server{monitor: monitor}
	s.keeper = newKeeper(a, monitor)
	s.desk = &desk{
		archive: a, now: time.Now, refresh: s.keeper.review, changed: s.keeper.changed,
		status: func() (ntpcheck.Status, error) { return monitor.Status(), nil },
	}
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	return s, nil
}

// listen binds the listeners, the API's first: it is the one that is turned off
// without losing messages.
func (s *Server) listen() error {
	if s.cfg.HTTP != "" {
		l, err := net.Listen("tcp", s.cfg.HTTP)
		if err != nil {
			return &config.Error{Field: "http", Problem: "can't listen: " + err.Error(), Value: s.cfg.HTTP,
				Hint: "give another address with --http, or turn the API off with --http ''"}
		}
		s.http = l
	}
	c, err := collector.Listen(collector.Config{
		UDP: s.cfg.Listen.UDP, TCP: s.cfg.Listen.TCP, Stamps: s.cfg.ReceiveStamps, Log: s.log,
	}, s.keeper)
	if err != nil {
		if s.http != nil {
			err = errors.Join(err, s.http.Close())
		}
		return err
	}
	s.collector = c
	return nil
}

func newMonitor(cfg *config.Config, log logrus.FieldLogger) (*ntpcheck.Monitor, error) {
	kernel, err := ntpcheck.ParseKernelMode(string(cfg.NTP.KernelClock))
	if err != nil {
		return nil, err
	}
	settings := ntpcheck.Config{
		Servers: cfg.NTP.Servers, Poll: cfg.NTP.Poll, Holdover: cfg.NTP.Holdover, Kernel: kernel, Log: log,
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
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.monitor.Run(background) }) // it returns nil when told to stop
	wg.Go(func() { s.keeper.run(background) })
	closeHTTP := s.serveHTTP(&wg)

	err := s.collector.Run(ctx) // returns when all that was received is in the store
	closeHTTP()
	stop()
	wg.Wait()
	return errors.Join(err, s.close())
}

// close writes what is left and closes the store.
func (s *Server) close() error {
	err := s.keeper.flush()
	if err != nil {
		err = fmt.Errorf("write the last checkpoint: %w", err)
	}
	err = errors.Join(err, s.store.Close(), forget(s.cfg.Data))
	s.log.WithFields(s.counts()).Info("stopped")
	return err
}

// serveHTTP answers the API until the function it returns is called.
func (s *Server) serveHTTP(wg *sync.WaitGroup) (closeHTTP func()) {
	if s.http == nil {
		return func() {}
	}
	h := web.NewServer(api.Desk(s), s.log)
	wg.Go(func() { h.Serve(s.http) })
	return h.Close
}

// referenceOf returns what is known of our own clock in the shape the estimator wants.
func referenceOf(s ntpcheck.ReferenceStatus) analysis.Reference {
	states := map[ntpcheck.State]analysis.ReferenceState{
		ntpcheck.Synchronised: analysis.Synchronised,
		ntpcheck.Holdover:     analysis.Holdover,
	}
	r := analysis.Reference{State: states[s.State]}
	if s.OffsetSeconds != nil && s.BoundSeconds != nil {
		r.Offset = time.Duration(*s.OffsetSeconds * float64(time.Second))
		r.Bound = time.Duration(*s.BoundSeconds * float64(time.Second))
	}
	return r
}
