package collector_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
)

// relpOnly listens on loopback, on RELP, with kernel stamps.
func relpOnly() collector.Config {
	return collector.Config{RELP: []string{"127.0.0.1:0"}, Stamps: message.StampedByKernel, Log: quiet()}
}

// A relpClient sends frames as a script says, whatever the protocol would have.
type relpClient struct {
	net.Conn
	answers *bufio.Reader
}

func dialRELP(t testing.TB, c *collector.Collector) relpClient {
	t.Helper()
	conn := dial(t, "tcp", c.Addrs(message.RELP)[0].String())
	return relpClient{conn, bufio.NewReader(conn)}
}

// openRELP dials and opens a session.
func openRELP(t testing.TB, c *collector.Collector) relpClient {
	t.Helper()
	r := dialRELP(t, c)
	r.send(t, 1, "open", "relp_version=1\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog")
	if answer, want := r.next(t), "1 rsp 200 OK\nrelp_version=0\nrelp_software=skewatch\ncommands=syslog"; answer != want {
		t.Fatalf("open is answered %q, want %q", answer, want)
	}
	return r
}

func relpFrame(number int, command, data string) string {
	if data != "" {
		data = " " + data
	}
	return fmt.Sprintf("%d %s %d%s\n", number, command, max(len(data)-1, 0), data)
}

func (r relpClient) send(t testing.TB, number int, command, data string) {
	t.Helper()
	write(t, r, relpFrame(number, command, data))
}

// sendMessages sends syslog frames with the numbers from to to.
func (r relpClient) sendMessages(t testing.TB, from, to int) {
	t.Helper()
	var frames strings.Builder
	for n := from; n <= to; n++ {
		frames.WriteString(relpFrame(n, "syslog", fmt.Sprintf("<13>Nov 20 23:53:09 web1 relp: %d", n)))
	}
	write(t, r, frames.String())
}

// next returns the next frame of the server as "TXNR COMMAND DATA"; "" when the
// connection is closed.
func (r relpClient) next(t testing.TB) string {
	t.Helper()
	r.SetReadDeadline(time.Now().Add(deadline))
	frame, err := r.read()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the server neither answers nor closes")
	}
	return frame
}

func (r relpClient) read() (string, error) {
	header := ""
	for spaces := 0; spaces < 3; {
		c, err := r.answers.ReadByte()
		if err != nil {
			return "", err
		}
		if c == '\n' {
			break
		}
		if c == ' ' {
			spaces++
		}
		header += string(c)
	}
	parts := strings.Fields(header)
	length, err := strconv.Atoi(parts[2])
	if err != nil || length == 0 {
		return parts[0] + " " + parts[1] + " ", err
	}
	data := make([]byte, length+1)
	_, err = io.ReadFull(r.answers, data)
	return parts[0] + " " + parts[1] + " " + string(data[:length]), err
}

// wantNext checks the next frames of the server; "" stands for the end.
func (r relpClient) wantNext(t testing.TB, want ...string) {
	t.Helper()
	for _, want := range want {
		if got := r.next(t); got != want {
			t.Errorf("the server sends %q, want %q", got, want)
		}
	}
}

// wantAcks checks that the next frames acknowledge the numbers from to to, and that each
// of those messages had been confirmed by a Sync before.
func (r relpClient) wantAcks(t testing.TB, s *store, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		if got, want := r.next(t), fmt.Sprintf("%d rsp 200 OK", n); got != want {
			t.Fatalf("the server sends %q, want %q", got, want)
		}
		if confirmed := s.confirmed(); confirmed < n-1 { // the open is number 1
			t.Fatalf("message %d is acknowledged, but only %d are confirmed", n-1, confirmed)
		}
	}
}

// wantSilence checks that nothing comes from the server for a while.
func (r relpClient) wantSilence(t testing.TB) {
	t.Helper()
	r.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if frame, err := r.read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the server sends %q, %v, want nothing", frame, err)
	}
}

func TestRELP(t *testing.T) {
	var s store
	c := listen(t, relpOnly(), &s)
	run(t, c)
	r := openRELP(t, c)
	before := time.Now()
	const sent = "<165>1 2026-03-01T12:00:00.5Z web1 app 7 ID1 - two\nlines"
	r.send(t, 2, "syslog", sent)
	r.wantAcks(t, &s, 2, 2)
	m := s.wait(t, 1)[0]
	if string(m.Raw) != sent || m.Transport != message.RELP || m.Trust != message.TrustHandshake || m.Source.String() != "127.0.0.1" {
		t.Errorf("got %q over %v with trust %v from %v", m.Raw, m.Transport, m.Trust, m.Source)
	}
	if m.StampedBy != c.Stamps() || m.Received < before.UnixNano() || m.Received > time.Now().UnixNano() || c.Stamps() == message.StampedByKernel && m.PreviousRead != m.Received {
		t.Errorf("stamped by %v at %v, previous read %v, sent after %v", m.StampedBy, m.ReceivedTime(), time.Unix(0, m.PreviousRead).UTC(), before.UTC())
	}
	r.sendMessages(t, 3, 500)
	r.wantAcks(t, &s, 3, 500)
	r.send(t, 501, "close", "")
	r.wantNext(t, "501 rsp ", "0 serverclose ", "")
	r.Close()
	poll(t, func() string {
		if got := c.Stats()[message.RELP]; got.Stored != 499 || got.Connections != 1 || got.Open != 0 {
			return fmt.Sprintf("Stats: %+v, want 499 messages, 1 connection, 0 open", got)
		}
		return ""
	})
}

// While the disk is slow nothing is acknowledged, and yet all is read: one Sync serves for
// everything that came during the one before.
func TestRELPWaitsForTheDisk(t *testing.T) {
	const window = 128
	var s store
	c := listen(t, relpOnly(), &s)
	run(t, c)
	r := openRELP(t, c)
	s.slow.Lock()
	for n := 2; n <= window+1; n++ {
		r.sendMessages(t, n, n)
	}
	s.wait(t, window)
	r.wantSilence(t)
	s.slow.Unlock()
	r.wantAcks(t, &s, 2, window+1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.syncs > 2 {
		t.Errorf("%d messages took %d syncs, want 2: the first alone, and the others", window, s.syncs)
	}
}

// A Sink that doesn't take what it is given is not asked to confirm it either.
func TestRELPWaitsForTheSink(t *testing.T) {
	var s store
	c := listen(t, relpOnly(), &s)
	run(t, c)
	r := openRELP(t, c)
	s.shut.Lock()
	r.sendMessages(t, 2, 10)
	r.wantSilence(t)
	s.shut.Unlock()
	r.wantAcks(t, &s, 2, 10)
}

// What couldn't be confirmed is not acknowledged, now or later, and never refused.
func TestRELPSyncFails(t *testing.T) {
	s := store{unsynced: errors.New("input/output error")}
	c := listen(t, relpOnly(), &s)
	run(t, c)
	r := openRELP(t, c)
	r.sendMessages(t, 2, 10)
	r.wantNext(t, "")
	s.mu.Lock()
	s.unsynced = nil
	s.mu.Unlock()
	again := openRELP(t, c)
	again.sendMessages(t, 2, 2)
	again.wantNext(t, "2 rsp 200 OK")
}

// What a peer does wrong closes its connection, with a counted reason, once what came
// before is acknowledged.
func TestRELPFaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		send   string // behind the open and message 2
		reason collector.Closure
		answer []string
	}{
		{"a number left out", relpFrame(4, "syslog", "<13>lost"), collector.OutOfSequence, nil},
		{"a number repeated", relpFrame(2, "syslog", "<13>lost"), collector.OutOfSequence, nil},
		{"number 0", relpFrame(0, "syslog", "<13>lost"), collector.OutOfSequence, nil},
		{"garbage", "<13>no RELP\n", collector.BadFrame, nil},
		{"a command that is none", "3 sys-log 8 <13>lost\n", collector.BadFrame, nil},
		{"a length too long", "3 syslog 1000000000 <13>lost\n", collector.BadFrame, nil},
		{"a wrong length", "3 syslog 5 <13>lost\n", collector.BadFrame, nil},
		{"an unknown command", relpFrame(3, "starttls", ""), collector.BadCommand, nil},
		{"a second open", relpFrame(3, "open", "relp_version=0"), collector.BadCommand, []string{"3 rsp 500 the session is open already"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s store
			c := listen(t, relpOnly(), &s)
			run(t, c)
			r := openRELP(t, c)
			write(t, r, relpFrame(2, "syslog", "<13>kept")+tt.send)
			r.wantAcks(t, &s, 2, 2)
			r.wantNext(t, append(tt.answer, "")...)
			if got := raws(s.all()); !slices.Equal(got, []string{"<13>kept"}) {
				t.Errorf("stored %q, want the message before alone", got)
			}
			r.Close()
			poll(t, func() string {
				if got := c.Stats()[message.RELP]; got.Closed[tt.reason] != 1 || got.Open != 0 {
					return fmt.Sprintf("Stats: %+v, want 1 rejected as %v, 0 open", got, tt.reason)
				}
				return ""
			})
		})
	}
}

func TestRELPNeedsAnOpen(t *testing.T) {
	var s store
	c := listen(t, relpOnly(), &s)
	run(t, c)
	r := dialRELP(t, c)
	r.sendMessages(t, 1, 1)
	r.wantNext(t, "")
	if got := len(s.all()); got != 0 {
		t.Errorf("stored %d messages of a session that wasn't opened", got)
	}
}

func TestRELPLongAndEmptyMessages(t *testing.T) {
	var s store
	cfg := relpOnly()
	cfg.MaxMessage = 500
	c := listen(t, cfg, &s)
	run(t, c)
	r := openRELP(t, c)
	r.send(t, 2, "syslog", strings.Repeat("x", 500))
	r.send(t, 3, "syslog", strings.Repeat("y", 200_000))
	r.send(t, 4, "syslog", "")
	r.send(t, 5, "syslog", "<13>after")
	r.wantNext(t, "2 rsp 200 OK", "3 rsp 200 OK", "4 rsp 200 OK", "5 rsp 200 OK")
	want := []string{strings.Repeat("x", 500), strings.Repeat("y", 500), "<13>after"}
	got := s.wait(t, 3)
	if !slices.Equal(raws(got), want) || got[0].Truncated || !got[1].Truncated {
		t.Errorf("got %q, truncated: %v, %v", raws(got), got[0].Truncated, got[1].Truncated)
	}
	if n := c.Stats()[message.RELP].Rejected[collector.EmptyFrame]; n != 1 {
		t.Errorf("%d empty frames, want 1", n)
	}
}

// A stop reads out, acknowledges all that was read, and says so last; what is only a part
// of a frame is not stored, since its sender will send it again.
func TestRELPStop(t *testing.T) {
	var s store
	c := listen(t, relpOnly(), &s)
	stop := run(t, c)
	r, idle := openRELP(t, c), openRELP(t, c)
	s.slow.Lock()
	r.sendMessages(t, 2, 100)
	write(t, r, "101 syslog 50 <13>a part")
	s.wait(t, 99)
	stopped := make(chan error)
	go func() { stopped <- stop() }()
	idle.wantNext(t, "0 serverclose ", "")
	r.wantSilence(t)
	s.slow.Unlock()
	r.wantAcks(t, &s, 2, 100)
	r.wantNext(t, "0 serverclose ", "")
	r.Close()
	if err := <-stopped; err != nil {
		t.Errorf("Run: %v", err)
	}
	if got := len(s.all()); got != 99 {
		t.Errorf("stored %d messages, want 99", got)
	}
}

// A connection that ends in the middle leaves nothing of a frame behind.
func TestRELPCut(t *testing.T) {
	var s store
	c := listen(t, relpOnly(), &s)
	run(t, c)
	r := openRELP(t, c)
	write(t, r, relpFrame(2, "syslog", "<13>a")+"3 syslog 50 <13>b")
	r.wantAcks(t, &s, 2, 2)
	r.Close()
	poll(t, func() string {
		if got := c.Stats()[message.RELP]; got.Open != 0 {
			return "the connection is open still"
		}
		return ""
	})
	if got := raws(s.all()); !slices.Equal(got, []string{"<13>a"}) {
		t.Errorf("stored %q, want the whole message alone", got)
	}
}

// TCP and RELP share the limit of connections, and the counts say who was turned away.
func TestRELPConnectionLimit(t *testing.T) {
	var s store
	cfg := both()
	cfg.RELP, cfg.MaxConnections = []string{"127.0.0.1:0"}, 1
	c := listen(t, cfg, &s)
	run(t, c)
	write(t, dialTCP(t, c), "<13>a\n")
	s.wait(t, 1)
	dialRELP(t, c).wantNext(t, "")
	if got := c.Stats(); got[message.RELP].Closed[collector.ConnectionLimit] != 1 || got[message.TCP].Open != 1 || got[message.RELP].Open != 0 {
		t.Errorf("Stats: %+v, want 1 of RELP rejected and 1 of TCP open", got)
	}
}

// Who waits for an acknowledgement isn't idle, however long the disk takes.
func TestWaitingForTheDiskIsNotIdle(t *testing.T) {
	const idle = 200 * time.Millisecond
	var s store
	cfg := relpOnly()
	cfg.IdleTimeout = idle
	c := listen(t, cfg, &s)
	run(t, c)
	s.slow.Lock()
	r := openRELP(t, c)
	r.sendMessages(t, 2, 2)
	s.wait(t, 1)
	time.AfterFunc(4*idle, s.slow.Unlock)
	if got, want := r.next(t), "2 rsp 200 OK"; got != want {
		t.Errorf("answer %q, want %q", got, want)
	}
	r.sendMessages(t, 3, 3)
	if got, want := r.next(t), "3 rsp 200 OK"; got != want {
		t.Errorf("after a long wait the answer is %q, want %q", got, want)
	}
	awaitClosed(t, c, message.RELP, collector.IdleTimeout, 1)
}
