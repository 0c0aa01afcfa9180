package collector

import (
	"net"
	"sync"
	"time"
)

// writeWithin is how long a peer may leave us waiting until it makes room for what we
// write. Our words are few: one that reads at all never does.
const writeWithin = 10 * time.Second

// A promptConn is a connection whose peer can't hold us up by not reading. That is done
// here, beneath crypto/tls, because that writes within Read too: answers to key updates
// and alerts.
type promptConn struct {
	net.Conn

	mu    sync.Mutex
	until time.Time // no write goes on after it; zero for no such time
	err   error     // of the write that failed: none is tried after it
}

// Write writes within writeWithin, and no longer than until the write deadline.
func (c *promptConn) Write(p []byte) (int, error) {
	if err := c.begin(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.err = err
	}
	return n, err
}

// begin sets the deadline of a write.
func (c *promptConn) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	end := time.Now().Add(writeWithin)
	if !c.until.IsZero() && c.until.Before(end) {
		end = c.until
	}
	return c.Conn.SetWriteDeadline(end)
}

// SetWriteDeadline ends all writes at a time, those under way too.
func (c *promptConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = t
	return c.Conn.SetWriteDeadline(t)
}
