package relpclient

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/frame"
)

// dial opens a session whose other end does as a script says, from the open on.
func dial(t *testing.T, patience time.Duration, script func(frames func() frame.RELPFrame, answer func(number int, command, data string))) (*Session, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		incoming := frame.NewRELPSplitter(1 << 16)
		next := func() frame.RELPFrame {
			f, err := readFrame(c, incoming)
			if err != nil {
				return frame.RELPFrame{}
			}
			f.Command, f.Data = append([]byte(nil), f.Command...), append([]byte(nil), f.Data...)
			return f
		}
		script(next, func(number int, command, data string) {
			_, _ = c.Write(frame.AppendRELP(nil, number, command, data))
		})
	}()
	t.Cleanup(func() { l.Close(); <-done })
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(conn, patience)
	if err == nil {
		t.Cleanup(s.Abort)
	}
	return s, err
}

const long = 10 * time.Second

// TestOutOfOrder has messages acknowledged from the last to the first: none is done with
// before all before it are.
func TestOutOfOrder(t *testing.T) {
	go1, seen := make(chan struct{}), make(chan frame.RELPFrame, 10)
	s, err := dial(t, long, func(next func() frame.RELPFrame, answer func(int, string, string)) {
		answer(next().Number, "rsp", "200 OK\nrelp_version=0")
		var numbers []int
		for range 3 {
			f := next()
			seen <- f
			numbers = append(numbers, f.Number)
		}
		answer(numbers[2], "rsp", "200 OK")
		answer(numbers[1], "rsp", "200 OK")
		answer(0, "hint", "") // which asks for nothing
		<-go1
		answer(numbers[0], "rsp", "200 OK")
		f := next()
		seen <- f
		answer(f.Number, "rsp", "")
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := s.Send(fmt.Append(nil, "message ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if f := <-seen; f.Number != i+2 || string(f.Command) != "syslog" || string(f.Data) != fmt.Sprint("message ", i) {
			t.Errorf("frame %d is %d %s %q", i, f.Number, f.Command, f.Data)
		}
	}
	if n := s.Acknowledged(); n != 0 {
		t.Errorf("%d are acknowledged before the first is", n)
	}
	close(go1)
	if err := s.Drain(); err != nil || s.Acknowledged() != 3 {
		t.Errorf("%d are acknowledged, %v, want 3", s.Acknowledged(), err)
	}
	s.Close()
	if f := <-seen; string(f.Command) != "close" || f.Number != 5 {
		t.Errorf("the farewell is %d %s", f.Number, f.Command)
	}
}

// TestWindow wants no more messages to be on their way than librelp allows, over numbers
// that begin anew.
func TestWindow(t *testing.T) {
	const most = 3 * Window
	open := 0
	s, err := dial(t, long, func(next func() frame.RELPFrame, answer func(int, string, string)) {
		answer(next().Number, "rsp", "200 OK")
		var waiting []int
		for range most {
			f := next()
			if waiting = append(waiting, f.Number); len(waiting) > Window {
				t.Errorf("%d messages wait, want %d at most", len(waiting), Window)
			}
			if len(waiting) == Window {
				open++
				for _, n := range waiting {
					answer(n, "rsp", "200 OK")
				}
				waiting = nil
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	s.number = frame.MaxRELPNumber - Window/2
	for range most {
		if err := s.Send([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Drain(); err != nil || s.Acknowledged() != most || open != 3 {
		t.Errorf("%d are acknowledged in %d windows, %v, want %d in 3", s.Acknowledged(), open, err, most)
	}
}

func TestEnds(t *testing.T) {
	tests := []struct {
		name   string
		script func(next func() frame.RELPFrame, answer func(int, string, string))
		want   error
	}{
		{"the receiver says farewell", func(next func() frame.RELPFrame, answer func(int, string, string)) {
			next()
			answer(0, "serverclose", "")
		}, ErrFarewell},
		{"an answer to nothing", func(next func() frame.RELPFrame, answer func(int, string, string)) {
			answer(next().Number+7, "rsp", "200 OK")
			next()
		}, errAnswer},
		{"silence", func(next func() frame.RELPFrame, _ func(int, string, string)) { next(); next() }, ErrSilent},
		{"no RELP", func(next func() frame.RELPFrame, answer func(int, string, string)) { next(); answer(1, "a1", "") }, frame.ErrCommand},
	}
	for _, tt := range tests {
		s, err := dial(t, 200*time.Millisecond, func(next func() frame.RELPFrame, answer func(int, string, string)) {
			answer(next().Number, "rsp", "200 OK")
			tt.script(next, answer)
		})
		if err != nil {
			t.Fatal(err)
		}
		if err = s.Send([]byte("x")); err == nil {
			err = s.Drain()
		}
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: the session ends by %v, want %v", tt.name, err, tt.want)
		}
		s.Close()
	}
}

func TestRefused(t *testing.T) {
	s, err := dial(t, long, func(next func() frame.RELPFrame, answer func(int, string, string)) {
		answer(next().Number, "rsp", "200 OK")
		answer(next().Number, "rsp", "200 OK")
		answer(next().Number, "rsp", "500 too long")
		next()
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Send([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	var no *RefusedError
	if err := s.Drain(); !errors.As(err, &no) || no.Index != 1 || no.Answer != "500 too long" || s.Acknowledged() != 1 {
		t.Errorf("%v with %d acknowledged, want the second to be refused", err, s.Acknowledged())
	}
	if _, err := dial(t, long, func(next func() frame.RELPFrame, answer func(int, string, string)) {
		answer(next().Number, "rsp", "500 no")
	}); err == nil {
		t.Error("a session that is refused is open")
	}
}
