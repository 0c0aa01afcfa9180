package server

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/metrics"
	"github.com/skewatch/skewatch/cmd/internal/web"
	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/tlsauth"
)

// newCollector binds the listeners, or takes over those that systemd has bound.
func (s *Server) newCollector() (*collector.Collector, error) {
	listen, limits := s.cfg.Listen, s.cfg.Limits
	inherited, err := inheritedSockets(s.log)
	if err != nil {
		return nil, err
	}
	cfg := collector.Config{
		UDP: listen.UDP, TCP: listen.TCP, TLS: listen.TLS, RELP: listen.RELP, RELPTLS: listen.RELPTLS,
		Inherited:      inherited,
		Stamps:         s.cfg.ReceiveStamps,
		MaxMessage:     int(limits.Message),
		MaxConnections: limits.Connections, MaxPerPeer: limits.ConnectionsPerPeer,
		HandshakeTimeout: limits.Handshake, IdleTimeout: limits.Idle,
		Allow: limits.Allow,
		Log:   s.log,
	}
	instead(&cfg)
	if s.cfg.TLS.Certificate != "" && cfg.NeedsTLS() {
		if cfg.TLSConfig, err = newTLSConfig(s.cfg.TLS, s.log); err != nil {
			return nil, err
		}
	}
	return collector.Listen(cfg, s.keeper)
}

// newTLSConfig makes the configuration of the TLS listeners.
func newTLSConfig(files config.TLS, log logrus.FieldLogger) (*tls.Config, error) {
	made, err := tlsauth.Files(files).Config(log)
	var wrong *tlsauth.ConfigError
	if errors.As(err, &wrong) {
		field := map[string]string{
			"Certificate": "tls.certificate", "Key": "tls.key", "ClientCA": "tls.client_ca", "Permit": "tls.permit",
		}[wrong.Field]
		err = &config.Error{Field: field, Problem: wrong.Problem, Value: wrong.Value, Hint: wrong.Hint}
	}
	return made, err
}

// accountEvery is how often what was received is logged, if anything was.
const accountEvery = 10 * time.Minute

// accounting logs what was received until the context ends, and says when the kernel
// begins to drop datagrams.
func (s *Server) accounting(ctx context.Context) {
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	var told, seen collector.Stats
	for since := time.Duration(0); ; since += time.Minute {
		now := s.collector.Stats()
		if lost := now[message.UDP].DroppedByKernel - seen[message.UDP].DroppedByKernel; lost > 0 {
			s.log.WithField("datagrams", lost).Warn("the kernel dropped datagrams, since they came faster than they were read: they are lost")
		}
		seen = now
		if since >= accountEvery && now != told {
			s.log.WithFields(s.account()).Info("received")
			told, since = now, 0
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// sample returns what Prometheus is shown.
func (s *Server) sample() metrics.Sample {
	received, sources, outputs := s.collector.Stats(), s.monitor.Status(), s.outputSamples()
	s.mu.Lock()
	defer s.mu.Unlock()
	return metrics.Sample{
		Received: received, Sources: sources, Outputs: outputs, Reports: s.reportSamples(), Forwards: s.forwardSamples(),
		HTTP:      httpSample(s.web.Stats()),
		Admission: s.fleet.Admission(), Late: s.fleet.Late(), Rules: s.watch.engine.Stats(), Fleet: s.fleet.Glance(metrics.MostHosts), Mutes: s.mutes.Count(),
	}
}

// httpSample puts what the HTTP server has counted in the shape of metrics.
func httpSample(s web.Stats) metrics.HTTP {
	h := metrics.HTTP{Logins: s.Logins, Sessions: s.Sessions}
	for why, n := range s.Refused {
		h.Refused = append(h.Refused, metrics.Count{Reason: web.Refusal(why).String(), N: n})
	}
	return h
}

// account returns what was received since the start and what became of it, for the log:
//
//	received = stored + pending + rejected + dropped_by_kernel
//
// and the sequence number of the newest message of the store, of whatever run.
func (s *Server) account() logrus.Fields {
	s.mu.Lock()
	fields := admissionFields(s.fleet.Admission())
	s.mu.Unlock()
	var received, stored, rejected, dropped, pending, closed uint64
	stats := s.collector.Stats()
	for t := range stats {
		of := &stats[t]
		received, stored, pending = received+of.Received, stored+of.Stored, pending+of.Pending
		dropped += of.DroppedByKernel
		rejected, closed = rejected+sum(of.Rejected[:]), closed+sum(of.Closed[:])
		fields[message.Transport(t).String()] = of.Stored
	}
	fields["received"], fields["stored"], fields["pending"] = received, stored, pending
	fields["rejected"], fields["dropped_by_kernel"] = rejected, dropped
	fields["closed_connections"] = closed
	fields["newest_message"] = s.store.Last()
	return fields
}

func sum(counts []uint64) (all uint64) {
	for _, n := range counts {
		all += n
	}
	return all
}
