// Package servertest runs real servers on free loopback ports for tests.
package servertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server"
)

// Patience is how long anything may take that a test waits for.
const Patience = 20 * time.Second

// A Server runs within the test.
type Server struct {
	*server.Server
	URL      *url.URL // of its HTTP API
	UDP, TCP string   // the addresses that it receives on
	RELP     string   // the same; "" unless the settings name one

	log     *log
	stop    context.CancelFunc
	stopped chan struct{}
	err     error // of Run
}

// Config returns the configuration of servers that Start starts: on free loopback
// ports, with the local clock taken as true. Settings are further environment
// variables, such as "SKEWATCH_WARN_HOLD=0s".
func Config(t testing.TB, data string, settings ...string) *config.Config {
	t.Helper()
	cfg, err := config.Load(nil, append([]string{
		"SKEWATCH_DATA=" + data, "SKEWATCH_LISTEN_UDP=127.0.0.1:0", "SKEWATCH_LISTEN_TCP=127.0.0.1:0", "SKEWATCH_HTTP=127.0.0.1:0",
		"SKEWATCH_NTP_SERVER=", "SKEWATCH_KERNEL_CLOCK=trust", "SKEWATCH_LOG_LEVEL=debug",
	}, settings...))
	if err != nil {
		t.Fatalf("servertest: %v", err)
	}
	return cfg
}

// Start runs a server on a data directory until the test ends or Stop, and returns
// when it is ready. Its log is shown if the test fails.
func Start(t testing.TB, data string, settings ...string) *Server {
	t.Helper()
	cfg := Config(t, data, settings...)
	s := &Server{log: &log{ready: make(chan logrus.Fields, 1)}, stopped: make(chan struct{})}
	logger := logrus.New()
	logger.SetOutput(s.log)
	logger.SetLevel(cfg.Log.Level)
	logger.AddHook(s.log)
	var err error
	if s.Server, err = server.Open(cfg, logger); err != nil {
		t.Fatalf("servertest: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() {
		defer close(s.stopped)
		s.err = s.Run(ctx)
	}()
	t.Cleanup(func() {
		_ = s.Stop() // whoever wants to know asks before
		if t.Failed() {
			t.Logf("the server on %s wrote:\n%s", data, s.Log())
		}
	})
	s.settle(t)
	return s
}

// settle waits until the server is ready, and takes its addresses from what it says.
func (s *Server) settle(t testing.TB) {
	t.Helper()
	select {
	case said := <-s.log.ready:
		s.UDP, s.TCP, s.RELP = fmt.Sprint(said["udp"]), fmt.Sprint(said["tcp"]), fmt.Sprint(said["relp"])
		s.URL = &url.URL{Scheme: "http", Host: fmt.Sprint(said["http"])}
	case <-s.stopped:
		t.Fatalf("servertest: the server ended: %v\n%s", s.err, s.Log())
	case <-time.After(Patience):
		t.Fatalf("servertest: the server isn't ready after %v:\n%s", Patience, s.Log())
	}
}

// Stop tells the server to stop, waits until it has, and returns what Run did. It may
// be called again.
func (s *Server) Stop() error {
	s.stop()
	<-s.stopped
	return s.err
}

// Log returns what the server has logged so far.
func (s *Server) Log() string { return s.log.String() }

// Send sends messages over one TCP connection, each as a line, and closes it.
func (s *Server) Send(t testing.TB, messages ...string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.TCP)
	if err != nil {
		t.Fatalf("servertest: %v", err)
	}
	defer conn.Close()
	var lines bytes.Buffer
	for _, m := range messages {
		fmt.Fprintln(&lines, m)
	}
	if _, err := io.Copy(conn, &lines); err != nil {
		t.Fatalf("servertest: send: %v", err)
	}
}

// Eventually polls until the check passes, and fails the test with the check's last
// words when it hasn't in time.
func Eventually(t testing.TB, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(Patience); ; time.Sleep(10 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", Patience, err)
		}
	}
}

// A log collects what a server writes, and passes on what it says when it is ready.
type log struct {
	ready chan logrus.Fields

	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Levels() []logrus.Level { return []logrus.Level{logrus.InfoLevel} }

func (l *log) Fire(e *logrus.Entry) error {
	if e.Message == "ready" {
		l.ready <- e.Data
	}
	return nil
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
