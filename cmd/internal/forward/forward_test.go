package forward

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/frame"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
	"github.com/skewatch/skewatch/storage"
)

// patience is how long anything may take that a test waits for.
const patience = 20 * time.Second

// eventually polls until the check passes, and fails the test with the check's last words
// when it hasn't in time.
func eventually(t testing.TB, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", patience, err)
		}
	}
}

// A memory is a store that outlives forwarders.
type memory struct {
	mu       sync.Mutex
	messages []string // as they were sent; the first has sequence 1
	removed  uint64   // up to this sequence they are kept no more
	changed  chan struct{}
	forwards map[string][]byte
}

func newMemory() *memory { return &memory{changed: make(chan struct{}), forwards: map[string][]byte{}} }

// add stores messages.
func (m *memory) add(messages ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.messages = append(m.messages, messages...)
	close(m.changed)
	m.changed = make(chan struct{})
}

// remove takes messages away, up to a sequence.
func (m *memory) remove(last uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.removed = last
}

func (m *memory) Read(_ context.Context, after uint64, fn func(*message.Message) error) (uint64, error) {
	m.mu.Lock()
	messages, first := m.messages, max(after, m.removed)
	m.mu.Unlock()
	for i := first; i < uint64(len(messages)); i++ {
		next := received(messages[i])
		next.Sequence = i + 1
		if err := fn(next); err != nil {
			return 0, err
		}
	}
	return uint64(len(messages)), nil
}

func (m *memory) Last() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.messages))
}

func (m *memory) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

func (m *memory) Forwards(fn func(name string, blob []byte) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, blob := range m.forwards {
		if err := fn(name, blob); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) PutForwards(entries []storage.State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range entries {
		if e.Blob == nil {
			delete(m.forwards, e.Key)
			continue
		}
		m.forwards[e.Key] = e.Blob
	}
	return nil
}

// A running is a forwarder with one receiver, and what it logs.
type running struct {
	*Forwarder
	stop func()
	log  *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t testing.TB, m *memory, o Options, to config.Forward) *running {
	t.Helper()
	r := &running{log: new(lockedBuffer)}
	log := logrus.New()
	log.SetOutput(r.log)
	o.Log, o.FirstPause, o.LongestPause = log, 5*time.Millisecond, 20*time.Millisecond
	var err error
	if r.Forwarder, err = New([]config.Forward{to}, m, o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(r.stop)
	return r
}

func (r *running) awaitStatus(t testing.TB, want func(Status) bool) {
	t.Helper()
	eventually(t, func() error {
		if s := r.Status()[0]; !want(s) {
			return fmt.Errorf("the status is %+v; logged is:\n%s", s, r.log)
		}
		return nil
	})
}

func to(address string, transport config.ForwardTransport) config.Forward {
	return config.Forward{Name: "siem", Address: address, Transport: transport, LeastSeverity: 7, SDID: sdID}
}

// A sink is a receiver whose manners a test decides. It keeps the texts of what it gets.
type sink struct {
	net.Listener
	mu     sync.Mutex
	texts  []string
	taken  int                      // connections
	answer func(text string) string // of RELP
	manner func(c net.Conn)         // what is done when a stream's sender has ended its side
}

func newSink(t testing.TB) *sink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &sink{Listener: l, answer: func(string) string { return "200 OK" }, manner: func(c net.Conn) { c.Close() }}
}

// serve accepts connections until the test ends.
func (s *sink) serve(speak func(net.Conn)) *sink {
	go func() {
		for {
			c, err := s.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.taken++
			s.mu.Unlock()
			go speak(c)
		}
	}()
	return s
}

func (s *sink) keep(line []byte) (text string) {
	var m message.Message
	parse.Parse(line, &m)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts = append(s.texts, string(m.Text))
	return string(m.Text)
}

func (s *sink) got() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.texts, " ")
}

// relp takes one session of RELP.
func (s *sink) relp(c net.Conn) {
	defer c.Close()
	frames := frame.NewRELPSplitter(1 << 20)
	for {
		f, ok, err := frames.Next()
		if err != nil {
			return
		}
		if !ok {
			n, err := c.Read(frames.Space())
			if frames.Fill(n); err != nil {
				return
			}
			continue
		}
		answer := "200 OK"
		if string(f.Command) == "syslog" {
			var m message.Message
			parse.Parse(f.Data, &m)
			if answer = s.answer(string(m.Text)); answer == "200 OK" {
				s.keep(f.Data)
			}
		}
		if _, err := c.Write(frame.AppendRELP(nil, f.Number, "rsp", answer)); err != nil {
			return
		}
	}
}

// stream takes one stream with octets counted.
func (s *sink) stream(c net.Conn) {
	from := bufio.NewReader(c)
	for {
		count, err := from.ReadString(' ')
		if err != nil {
			s.mu.Lock()
			manner := s.manner
			s.mu.Unlock()
			manner(c)
			return
		}
		n, err := strconv.Atoi(strings.TrimSpace(count))
		if err != nil {
			panic(err)
		}
		line := make([]byte, n)
		if _, err := io.ReadFull(from, line); err != nil {
			return
		}
		s.keep(line)
	}
}

func lines(from, to int) (all []string) {
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprintf("<14>1 2026-03-01T12:00:00Z web1 app - - - %d", i))
	}
	return all
}

// TestGoesOn wants a new receiver to begin with what comes, and a stopped one to go on where
// it was, without a message twice.
func TestGoesOn(t *testing.T) {
	for _, transport := range []config.ForwardTransport{config.ForwardRELP, config.ForwardTCP} {
		s := newSink(t)
		if transport == config.ForwardRELP {
			s.serve(s.relp)
		} else {
			s.serve(s.stream)
		}
		m := newMemory()
		m.add(lines(1, 3)...)
		r := start(t, m, Options{}, to(s.Addr().String(), transport))
		m.add(lines(4, 6)...)
		eventually(t, func() error {
			if got := s.got(); got != "4 5 6" {
				return fmt.Errorf("%s: the receiver has %q, want 4 5 6; logged is:\n%s", transport, got, r.log)
			}
			return nil
		})
		r.stop()
		m.add(lines(7, 8)...)
		r = start(t, m, Options{Connection: 10 * time.Millisecond}, to(s.Addr().String(), transport))
		r.awaitStatus(t, func(s Status) bool { return s.Waiting == 0 && s.Delivered == 2 && s.Failed == 0 })
		if got, want := s.got(), "4 5 6 7 8"; got != want {
			t.Errorf("%s: the receiver has %q, want %q", transport, got, want)
		}
		r.stop()
		other := to(s.Addr().String(), transport)
		other.Name = "other"
		start(t, m, Options{}, other).stop()
		if len(m.forwards) != 1 || m.forwards["other"] == nil {
			t.Errorf("the store knows of %v, want of the other only", m.forwards)
		}
	}
}

func TestConcerns(t *testing.T) {
	s := newSink(t)
	s.serve(s.relp)
	m := newMemory()
	file := filepath.Join(t.TempDir(), "f.yaml")
	text := fmt.Sprintf("forward: [{name: siem, address: %q, transport: relp, hosts: 'WEB*', min_severity: warning, facilities: [user, auth], match: 'yes [0-9]'}]", s.Addr())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(nil, []string{"SKEWATCH_CONFIG=" + file})
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, m, Options{}, c.Forward[0])
	m.add("<12>1 - web1 - - - - yes 1", "<12>1 - db1 - - - - yes 2", "<13>1 - web1 - - - - yes 3", "<20>1 - web1 - - - - yes 4",
		"<28>1 - web1 - - - - yes 5", "<36>1 - Web2 - - - - yes 6", "<8>1 - web1 - - - - no 7", "<8>1 - web1 - - - - yes 8", "yes 9")
	r.awaitStatus(t, func(s Status) bool { return s.Waiting == 0 })
	if got, want := s.got(), "yes 1 yes 6 yes 8"; got != want {
		t.Errorf("the receiver has %q, want %q", got, want)
	}
}

// TestRemoved takes messages away that the receiver hasn't got yet: they are counted and named.
func TestRemoved(t *testing.T) {
	s := newSink(t)
	address := s.Addr().String()
	s.Close()
	m := newMemory()
	r := start(t, m, Options{}, to(address, config.ForwardRELP))
	m.add(lines(1, 10)...)
	r.awaitStatus(t, func(s Status) bool { return s.Failed > 3 && s.Waiting == 10 })
	if n := strings.Count(r.log.String(), "can't be forwarded"); n != 1 {
		t.Errorf("that the receiver is away is logged %d times, want once:\n%s", n, r.log)
	}
	m.remove(7)
	r.awaitStatus(t, func(s Status) bool { return s.Missed == 7 && s.Waiting == 3 })
	if log := r.log.String(); !strings.Contains(log, "from=1") || !strings.Contains(log, "to=7") {
		t.Errorf("logged is:\n%s\nwant what was removed", log)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip("the port is taken")
	}
	t.Cleanup(func() { l.Close() })
	s.Listener = l
	s.serve(s.relp)
	r.awaitStatus(t, func(s Status) bool { return s.Delivered == 3 && s.LastError == "" })
	if got := s.got(); got != "8 9 10" {
		t.Errorf("the receiver has %q, want 8 9 10", got)
	}
	if n := strings.Count(r.log.String(), "forwarded again"); n != 1 {
		t.Errorf("that the receiver is back is logged %d times, want once:\n%s", n, r.log)
	}
}

// TestRefused wants one message that the receiver refuses to be given up, and no other.
func TestRefused(t *testing.T) {
	s := newSink(t)
	s.answer = func(text string) string {
		if text == "5" {
			return "500 no such thing"
		}
		return "200 OK"
	}
	s.serve(s.relp)
	m := newMemory()
	r := start(t, m, Options{}, to(s.Addr().String(), config.ForwardRELP))
	m.add(lines(1, 9)...)
	r.awaitStatus(t, func(s Status) bool { return s.Refused == 1 && s.Waiting == 0 })
	seen := map[string]bool{}
	for _, text := range strings.Fields(s.got()) {
		seen[text] = true
	}
	if len(seen) != 8 || seen["5"] {
		t.Errorf("the receiver has %q, want all but 5", s.got())
	}
	if log := r.log.String(); !strings.Contains(log, "message=5") || !strings.Contains(log, "no such thing") {
		t.Errorf("logged is:\n%s\nwant what was refused, and why", log)
	}
}

// TestUnconfirmed has receivers that end a stream too soon, or never.
func TestUnconfirmed(t *testing.T) {
	t.Run("closes in the middle", func(t *testing.T) {
		s := newSink(t)
		var cuts atomic.Int32
		s.serve(func(c net.Conn) {
			if cuts.Add(1) <= 2 { // what it was sent it throws away
				_, _ = c.Read(make([]byte, 10))
				c.Close()
				return
			}
			s.stream(c)
		})
		m := newMemory()
		r := start(t, m, Options{Connection: 10 * time.Millisecond}, to(s.Addr().String(), config.ForwardTCP))
		m.add(lines(1, 5)...)
		r.awaitStatus(t, func(s Status) bool { return s.Waiting == 0 && s.Failed >= 2 })
		if got := s.got(); !strings.HasSuffix(got, "1 2 3 4 5") {
			t.Errorf("the receiver has %q, want all, in order", got)
		}
	})
	t.Run("never closes", func(t *testing.T) {
		s := newSink(t)
		s.manner = func(net.Conn) {}
		s.serve(s.stream)
		m := newMemory()
		r := start(t, m, Options{Connection: 10 * time.Millisecond, Patience: 50 * time.Millisecond}, to(s.Addr().String(), config.ForwardTCP))
		m.add(lines(1, 3)...)
		r.awaitStatus(t, func(s Status) bool { return s.Waiting == 0 && s.Delivered == 3 })
		if n := strings.Count(r.log.String(), "doesn't close connections in turn"); n != 1 {
			t.Errorf("that it can't be known what the receiver has read is logged %d times, want once:\n%s", n, r.log)
		}
	})
	t.Run("once closed in turn", func(t *testing.T) {
		s := newSink(t)
		s.serve(s.stream)
		m := newMemory()
		o := Options{Connection: 10 * time.Millisecond, Patience: 50 * time.Millisecond}
		r := start(t, m, o, to(s.Addr().String(), config.ForwardTCP))
		m.add(lines(1, 1)...)
		r.awaitStatus(t, func(s Status) bool { return s.Delivered == 1 })
		r.stop()
		s.mu.Lock()
		s.manner = func(net.Conn) {} // it hangs
		s.mu.Unlock()
		r = start(t, m, o, to(s.Addr().String(), config.ForwardTCP))
		m.add(lines(2, 2)...)
		r.awaitStatus(t, func(s Status) bool { return s.Failed > unconfirmedAfter+1 && s.Waiting == 1 })
	})
}

func TestFiles(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.pem")
	junk := filepath.Join(t.TempDir(), "junk.pem")
	if err := os.WriteFile(junk, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		change func(*config.Forward)
		field  string
	}{
		{func(f *config.Forward) { f.CA = none }, "forward[0].ca"},
		{func(f *config.Forward) { f.CA = junk }, "forward[0].ca"},
		{func(f *config.Forward) { f.Certificate, f.Key = junk, junk }, "forward[0].certificate"},
	} {
		f := to("127.0.0.1:1", config.ForwardTLS)
		tt.change(&f)
		_, err := New([]config.Forward{f}, newMemory(), Options{})
		var wrong *config.Error
		if !errors.As(err, &wrong) || wrong.Field != tt.field || wrong.Hint == "" {
			t.Errorf("%+v: %v, want an error of %s with a hint", f, err, tt.field)
		}
	}
}
