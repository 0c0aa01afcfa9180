package collector

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/skewatch/skewatch/collector/frame"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// messagesPerPut bounds a batch of a stream.
const messagesPerPut = 256

// A splitter cuts a stream into messages. It is filled and asked as a frame.Splitter is.
type splitter interface {
	Space() []byte
	Fill(n int)
	Next() (f frame.Frame, ok bool, err error)
	Rest() (f frame.Frame, ok bool)
	Empty() bool
}

// A stream is one connection and the messages in it.
type stream struct {
	c      *Collector
	conn   *stampedConn
	counts *counts
	split  splitter
	taken  func()          // called when the Sink has taken all that split has given; may be nil
	common message.Message // what the messages of one read have in common

	// emptied is the stamp of the last read that took all the socket held. Only
	// such a one is a lower bound: the kernel joins waiting segments under the
	// stamp of the last, and a read that takes a part returns that stamp too.
	emptied int64

	// exact says that the last octet read is as old as its stamp says: the read took
	// all the socket held.
	exact bool
}

func (c *Collector) newStream(l *listener, conn *net.TCPConn) (*stream, error) {
	stamped, err := newStampedConn(conn, c.cfg.Now)
	if err != nil {
		return nil, err
	}
	return &stream{
		c:      c,
		conn:   stamped,
		counts: l.counts,
		split:  frame.NewSplitter(c.cfg.MaxMessage),
		common: message.Message{
			MinRTT:    stamped.minRTT(),
			Source:    conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap(),
			Transport: l.transport,
			Trust:     message.TrustHandshake,
		},
	}, nil
}

// serve receives until the stream or ctx ends and returns why. After ctx it
// reads out what the socket holds.
func (s *stream) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.conn.SetReadDeadline(longAgo) })
	defer stop()
	var err error
	for err == nil {
		_, err = s.receive()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = s.readOut()
	}
	if errors.Is(err, errSink) {
		return err
	}
	return errors.Join(err, s.putRest())
}

// readOut takes what the socket holds at this moment, and no more: a sender may
// never pause.
func (s *stream) readOut() error {
	s.conn.SetReadDeadline(time.Time{})
	for held := s.conn.held(); held > 0; {
		n, err := s.receive()
		if err != nil {
			return err
		}
		held -= n
	}
	return nil
}

// receive puts what one read completes and returns how many octets that was.
func (s *stream) receive() (int, error) {
	space := s.split.Space()
	n, err := s.conn.Read(space)
	if n == 0 {
		return 0, err
	}
	s.split.Fill(n)
	s.common.Received, s.common.StampedBy = s.conn.stamp()
	s.common.PreviousRead = s.emptied
	if s.exact = n < len(space); s.exact {
		s.emptied = s.common.Received
	}
	return n, errors.Join(s.putComplete(), err)
}

// putComplete puts the messages that are complete.
func (s *stream) putComplete() error {
	pooled := s.c.batches.Get().(*[]message.Message)
	defer s.c.batches.Put(pooled)
	for {
		batch, framing := s.fill((*pooled)[:0])
		*pooled = batch
		if n := len(batch); n > 0 && s.exact && s.split.Empty() {
			batch[n-1].PreviousRead = batch[n-1].Received
		}
		if err := s.c.put(batch, s.counts); err != nil {
			return err
		}
		if s.taken != nil {
			s.taken()
		}
		if framing != nil || len(batch) < messagesPerPut {
			return framing
		}
	}
}

// fill appends messages to batch until there are no more or it is full.
func (s *stream) fill(batch []message.Message) ([]message.Message, error) {
	for len(batch) < messagesPerPut {
		f, ok, err := s.split.Next()
		if !ok || err != nil {
			return batch, err
		}
		batch = s.append(batch, f)
	}
	return batch, nil
}

func (s *stream) append(batch []message.Message, f frame.Frame) []message.Message {
	batch = append(batch, s.common)
	m := &batch[len(batch)-1]
	m.Truncated = f.Truncated
	parse.Parse(f.Message, m)
	return batch
}

// putRest puts what the end of the stream leaves as its last message.
func (s *stream) putRest() error {
	f, ok := s.split.Rest()
	if !ok {
		return nil
	}
	return s.c.put(s.append(nil, f), s.counts)
}
