package collector

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/skewatch/skewatch/collector/frame"
	"github.com/skewatch/skewatch/collector/message"
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

// A source is a connection that knows when what it reads arrived.
type source interface {
	net.Conn
	CloseWrite() error                 // ends our direction
	stamp() (int64, message.StampedBy) // of what was read last
	whole() bool                       // the last Read returned all that had arrived
	taken() uint64                     // octets read from the socket so far
	held() int                         // octets that wait in the socket, if that is known
	readRest(p []byte) (int, error)    // a Read of what was taken from the socket before
	minRTT() time.Duration
}

// A stream is one connection and the messages in it.
type stream struct {
	c      *Collector
	conn   source
	counts *counts
	split  splitter
	read   func(raw []byte, m *message.Message)
	owes   func() bool     // reports whether the peer waits for an answer of ours; may be nil
	taken  func()          // called when the Sink has taken all that split has given; may be nil
	common message.Message // what the messages of one read have in common

	// emptied is the stamp of the last read that took all the socket held. Only
	// such a one is a lower bound: the kernel joins waiting segments under the
	// stamp of the last, and a read that takes a part returns that stamp too.
	emptied int64

	ends time.Time // of the runtime's clock: when the connection is idle for too long
}

func (c *Collector) newStream(l *listener, conn source, peer netip.Addr, trust message.Trust) *stream {
	return &stream{
		c:      c,
		conn:   conn,
		counts: l.counts,
		split:  l.reading.splitter(c.cfg.MaxMessage),
		read:   l.reading.read,
		common: message.Message{
			MinRTT:    conn.minRTT(),
			Source:    peer,
			Transport: l.transport,
			Trust:     trust,
		},
	}
}

// errIdle ends a connection that has sent nothing for too long.
var errIdle = errors.New("it has sent nothing for too long")

// serve receives until the stream or ctx ends and returns why. After ctx it takes what is
// on its way, and reads out what the socket holds then.
func (s *stream) serve(ctx context.Context) error {
	stopped := make(chan struct{}) // closed once reads are at their end
	stop := context.AfterFunc(ctx, func() {
		s.conn.SetReadDeadline(time.Now().Add(stopGrace))
		s.conn.SetWriteDeadline(time.Now().Add(writeWithin)) // crypto/tls writes within reads
		close(stopped)
	})
	defer stop()
	err := s.receiveAll(ctx)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil:
		err = errIdle
	case errors.Is(err, os.ErrDeadlineExceeded):
		<-stopped
		err = s.readOut()
	}
	if errors.Is(err, errSink) {
		return err
	}
	return errors.Join(err, s.putRest())
}

// receiveAll receives until the stream or ctx ends and returns why.
func (s *stream) receiveAll(ctx context.Context) (err error) {
	for err == nil || s.awaited(ctx, err) {
		if ctx.Err() == nil {
			s.postpone(ctx)
		}
		err = s.receive()
	}
	return err
}

// awaited reports whether a connection that ends as idle isn't: its peer waits for us.
func (s *stream) awaited(ctx context.Context, err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil && s.owes != nil && s.owes()
}

// postpone puts the end of an idle connection off. It does so now and then only, because
// that costs.
func (s *stream) postpone(ctx context.Context) {
	idle := s.c.cfg.IdleTimeout
	now := time.Now()
	if s.ends.Sub(now) > idle-idle/16 {
		return
	}
	s.ends = now.Add(idle)
	s.conn.SetReadDeadline(s.ends)
	if ctx.Err() != nil { // whose end may have set another just before
		s.conn.SetReadDeadline(now.Add(stopGrace))
	}
}

// readOutWithin is how long one read of what the socket holds may take. The end of a TLS
// record may never come.
const readOutWithin = time.Second

// readOut takes what the socket holds at this moment, and no more: a sender may
// never pause. How long the Sink takes for it doesn't matter.
func (s *stream) readOut() error {
	end := s.conn.taken() + uint64(s.conn.held())
	for s.conn.taken() < end {
		s.conn.SetReadDeadline(time.Now().Add(readOutWithin))
		err := s.receive()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return s.takeRest()
}

// takeRest takes what the connection holds itself: crypto/tls may have more than there was
// space for.
func (s *stream) takeRest() error {
	for {
		n, err := s.conn.readRest(s.split.Space())
		if n == 0 {
			return err
		}
		if err := s.take(n, err); err != nil {
			return err
		}
	}
}

// receive puts what one read completes.
func (s *stream) receive() error {
	n, err := s.conn.Read(s.split.Space())
	return s.take(n, err)
}

// take puts what a read of n octets completes.
func (s *stream) take(n int, err error) error {
	if n == 0 {
		return err
	}
	s.split.Fill(n)
	s.common.Received, s.common.StampedBy = s.conn.stamp()
	s.common.PreviousRead = s.emptied
	if s.conn.whole() {
		s.emptied = s.common.Received
	}
	return errors.Join(s.putComplete(), err)
}

// putComplete puts the messages that are complete.
func (s *stream) putComplete() error {
	pooled := s.c.batches.Get().(*[]message.Message)
	defer s.c.batches.Put(pooled)
	for {
		batch, framing := s.fill((*pooled)[:0])
		*pooled = batch
		n := len(batch)
		if n > 0 && s.conn.whole() && s.split.Empty() {
			batch[n-1].PreviousRead = batch[n-1].Received // the last is as old as its stamp
		}
		s.counts.arrived(n)
		if err := s.c.put(batch, s.counts); err != nil {
			return err
		}
		if s.taken != nil {
			s.taken()
		}
		if framing != nil || n < messagesPerPut {
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
	s.read(f.Message, m)
	return batch
}

// putRest puts what the end of the stream leaves as its last messages.
func (s *stream) putRest() error {
	var batch []message.Message
	for f, ok := s.split.Rest(); ok; f, ok = s.split.Rest() {
		batch = s.append(batch, f)
	}
	s.counts.arrived(len(batch))
	return s.c.put(batch, s.counts)
}
