package ntpcheck

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/facebook/time/ntp/chrony"
)

// DefaultChronyd is where a chronyd of this machine can be asked: its socket, which takes
// its rights, and its command port, which anybody may ask.
var DefaultChronyd = []string{"/run/chrony/chronyd.sock", "127.0.0.1:323", "[::1]:323"}

const (
	// chronydTimeout is how long one address may take to answer.
	chronydTimeout = 500 * time.Millisecond

	// chronydEvery is how far two questions are apart at least, and chronydFor for how
	// long an answer is shown.
	chronydEvery = 16 * time.Second
	chronydFor   = 4 * chronydEvery
)

// Chronyd is what a chronyd on this machine says about the clock it keeps
// (`chronyc tracking`).
type Chronyd struct {
	// Known is false if none answers.
	Known bool

	// Synchronised says that it has selected a source.
	Synchronised bool

	// Offset is what must be added to our clock by its word, and Bound the half-width
	// that it claims: root dispersion and half of the root delay.
	Offset, Bound time.Duration

	Stratum int
	Source  string // address or reference ID of its source; "" for none
}

// leapUnknown is the leap status of a clock that isn't synchronised.
const leapUnknown = 3

// askChronyd asks one address: a path of a socket, or host and port.
func askChronyd(ctx context.Context, address string) (Chronyd, error) {
	conn, err := dialChronyd(ctx, address)
	if err != nil {
		return Chronyd{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(chronydTimeout)); err != nil {
		return Chronyd{}, err
	}
	client := chrony.Client{Connection: conn}
	answer, err := client.Communicate(chrony.NewTrackingPacket())
	if err != nil {
		return Chronyd{}, err
	}
	tracking, ok := answer.(*chrony.ReplyTracking)
	if !ok {
		return Chronyd{}, fmt.Errorf("an answer of type %T", answer)
	}
	return chronydOf(&tracking.Tracking), nil
}

// chronydOf is the one place where chronyd's answer becomes ours. Its correction is
// positive when our clock is slow, which is our sign.
func chronydOf(t *chrony.Tracking) Chronyd {
	c := Chronyd{
		Known: true, Synchronised: t.LeapStatus != leapUnknown && t.RefID != 0,
		Offset:  fromSeconds(t.CurrentCorrection),
		Bound:   fromSeconds(t.RootDispersion + t.RootDelay/2),
		Stratum: int(t.Stratum),
	}
	switch {
	case !c.Synchronised:
	case t.IPAddr != nil && !t.IPAddr.IsUnspecified():
		c.Source = t.IPAddr.String()
	default:
		c.Source = chrony.RefidToString(t.RefID)
	}
	return c
}

// dialChronyd returns a connection to chronyd. Over a socket in the file system it answers
// only to another one, which it must be allowed to write to.
func dialChronyd(ctx context.Context, address string) (net.Conn, error) {
	if !strings.HasPrefix(address, "/") {
		var d net.Dialer
		return d.DialContext(ctx, "udp", address)
	}
	if _, err := os.Stat(address); err != nil {
		return nil, err
	}
	own := filepath.Join(filepath.Dir(address), "skewatch."+strconv.Itoa(os.Getpid())+".sock")
	_ = os.Remove(own) // of one that was killed
	conn, err := net.DialUnix("unixgram", &net.UnixAddr{Name: own, Net: "unixgram"}, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(own, 0o666); err != nil {
		conn.Close()
		return nil, err
	}
	return &ownSocket{conn, own}, nil
}

// An ownSocket removes its file when it is closed.
type ownSocket struct {
	*net.UnixConn
	path string
}

func (s *ownSocket) Close() error {
	defer os.Remove(s.path)
	return s.UnixConn.Close()
}

// followChronyd asks chronyd now and then until the context ends.
func (m *Monitor) followChronyd(ctx context.Context) {
	for len(m.cfg.Chronyd) > 0 {
		if c := m.firstChronyd(ctx); c.Known {
			m.mu.Lock()
			m.chronyd, m.chronydAt = c, time.Now()
			m.mu.Unlock()
		}
		if !sleep(ctx, max(m.cfg.Poll, chronydEvery), nil) {
			return
		}
	}
}

// firstChronyd returns what the first address says that answers.
func (m *Monitor) firstChronyd(ctx context.Context) Chronyd {
	for _, address := range m.cfg.Chronyd {
		c, err := askChronyd(ctx, address)
		if err == nil {
			return c
		}
		m.log.WithError(err).WithField("address", address).Debug("ask chronyd")
	}
	return Chronyd{}
}

// currentChronyd returns what chronyd said last, if that wasn't long ago. The monitor's mutex
// must be held.
func (m *Monitor) currentChronyd() Chronyd {
	if time.Since(m.chronydAt) > max(chronydFor, 4*m.cfg.Poll) {
		return Chronyd{}
	}
	return m.chronyd
}

// contradictions says which claims of the kernel and of chronyd exclude what the sources
// measured.
func contradictions(r Reference, k Kernel, c Chronyd) (words []string) {
	if r.State != Synchronised || r.Source == KernelSource {
		return nil
	}
	if k.Known && k.Synchronised && r.Offset.Abs() > r.Bound+k.MaxError {
		words = append(words, fmt.Sprintf("the kernel calls its clock synchronised within %v, and the sources measured that it needs %+.6f s", k.MaxError, r.Offset.Seconds()))
	}
	if c.Known && c.Synchronised && (r.Offset-c.Offset).Abs() > r.Bound+c.Bound {
		words = append(words, fmt.Sprintf("chronyd says that our clock needs %+.6f s within %v, and the sources measured that it needs %+.6f s",
			c.Offset.Seconds(), c.Bound.Round(time.Microsecond), r.Offset.Seconds()))
	}
	return words
}
