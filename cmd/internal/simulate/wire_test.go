package simulate

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
	"github.com/skewatch/skewatch/collector/frame"
	"github.com/skewatch/skewatch/collector/relpclient"
)

// A receiver is the other end of a RELP session. It answers when it is told to.
type receiver struct {
	net.Conn
	came chan int // numbers of the frames
}

func newReceiver(t *testing.T) (own net.Conn, r receiver) {
	own, other := net.Pipe()
	t.Cleanup(func() { other.Close() })
	r = receiver{other, make(chan int, 1000)}
	go func() {
		frames := frame.NewRELPSplitter(1000)
		for {
			n, err := other.Read(frames.Space())
			if err != nil {
				return
			}
			frames.Fill(n)
			for f, ok, _ := frames.Next(); ok; f, ok, _ = frames.Next() {
				r.came <- f.Number
			}
		}
	}()
	return own, r
}

// answer answers so many frames.
func (r receiver) answer(n int, text string) {
	for range n {
		if _, err := r.Write(frame.AppendRELP(nil, <-r.came, "rsp", text)); err != nil {
			return // the sender tells
		}
	}
}

func open(t *testing.T) (wire, receiver) {
	t.Helper()
	own, r := newReceiver(t)
	go r.answer(1, "200 OK")
	w, err := openRELP(own)
	if err != nil {
		t.Fatal(err)
	}
	return w, r
}

// within returns what a call returns that must not take long.
func within(t *testing.T, what string, returned <-chan error) error {
	t.Helper()
	select {
	case err := <-returned:
		return err
	case <-time.After(servertest.Patience):
		t.Fatalf("%s hasn't returned after %v", what, servertest.Patience)
		return nil
	}
}

// No more messages are on their way than the window holds, and the end waits for the
// acknowledgement of each.
func TestRELPWaits(t *testing.T) {
	t.Parallel()
	w, r := open(t)
	sent := make(chan error)
	go func() {
		for range relpclient.Window + 1 {
			if err := w.send([]byte("<13>x")); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	servertest.Eventually(t, func() error {
		if n := len(r.came); n != relpclient.Window {
			return fmt.Errorf("%d messages have come, want %d", n, relpclient.Window)
		}
		return nil
	})
	select {
	case err := <-sent:
		t.Fatalf("%d messages without an acknowledgement are sent: %v", relpclient.Window+1, err)
	default:
	}
	r.answer(1, "200 OK")
	if err := within(t, "send", sent); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- w.close() }()
	r.answer(relpclient.Window-1, "200 OK")
	select {
	case err := <-closed:
		t.Fatalf("closed before the last acknowledgement: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	r.answer(1, "200 OK")
	if err := within(t, "close", closed); err != nil {
		t.Error(err)
	}
}

func TestRELPRefused(t *testing.T) {
	t.Parallel()
	own, r := newReceiver(t)
	go r.answer(1, "500 not today")
	if _, err := openRELP(own); err == nil || !strings.Contains(err.Error(), `the receiver answers "500 not today"`) {
		t.Errorf("a session that is refused: %v", err)
	}
	w, r := open(t)
	if err := w.send([]byte("<13>x")); err != nil {
		t.Fatal(err)
	}
	r.answer(1, "500 disk full")
	if err := w.close(); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("a message that is refused: %v", err)
	}
	w, r = open(t)
	if err := w.send([]byte("<13>x")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Write(frame.AppendRELP(nil, 0, "serverclose", "")); err != nil {
		t.Fatal(err)
	}
	if err := w.close(); err != relpclient.ErrFarewell {
		t.Errorf("the receiver's end: %v, want %v", err, relpclient.ErrFarewell)
	}
}
