package main

import (
	"crypto/tls"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server"
	"github.com/skewatch/skewatch/cmd/internal/simulate"
)

// receivers returns where to send.
func (s *simulation) receivers() ([]simulate.Target, error) {
	if len(s.targets) == 0 {
		return s.localServer()
	}
	var targets []simulate.Target
	for _, text := range s.targets {
		t, err := simulate.ParseTarget(text)
		if err != nil {
			return nil, err
		}
		if !t.IsLoopback() && !s.beyond {
			return nil, &config.Error{Field: "--target", Problem: "not on this machine, and what is made up would be kept there like what is real", Value: text,
				Hint: "if that receiver is there for tests, add --beyond-loopback"}
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// localServer returns where the server listens that runs on this machine.
func (s *simulation) localServer() ([]simulate.Target, error) {
	q, place, err := s.whom(s.reading)
	if err != nil {
		return nil, err
	}
	if q.Server != nil {
		return nil, &config.Error{Field: "--target", Problem: "missing", Hint: "beside --server say where it receives, such as --target udp://127.0.0.1:5514"}
	}
	data := q.Data
	if data == "" {
		data = place.Default
	}
	n, err := server.ReadNotice(data)
	if targets := simulate.Targets(n.Listen); err == nil && len(targets) > 0 {
		return targets, nil
	}
	return nil, &config.Error{Field: "--target", Problem: "missing, and no server runs on " + data, Hint: "write one such as --target udp://127.0.0.1:5514, or start a server with `skewatch serve`"}
}

// tls returns the configuration for TLS targets.
func (s *simulation) tls() (*tls.Config, error) {
	if s.ca == "" {
		return nil, nil
	}
	pool, err := config.ReadCAs("--target-ca", s.ca)
	if err != nil {
		return nil, err
	}
	return &tls.Config{RootCAs: pool}, nil
}
