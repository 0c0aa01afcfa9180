package ntpcheck

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/beevik/ntp"
	"github.com/beevik/nts"
)

const (
	// maxTimeout is how long an answer is waited for at most, and a name's
	// resolution too.
	maxTimeout = 2 * time.Second

	// maxPrecision is the coarsest precision a server is granted. The field can hold
	// absurd values.
	maxPrecision = time.Second
)

// A refusal is an answer that is certainly the server's (it repeats what only our
// query said) and by which it must not be used.
type refusal struct {
	kiss   string // the kiss code (RFC 5905, section 7.4), or ""
	auth   bool   // who wrote it, or who would, isn't proven
	reason string
}

func (r *refusal) Error() string { return r.reason }

// limited says that the server asks for fewer queries, and nothing else.
func (r *refusal) limited() bool { return r.kiss == "RATE" }

// denied says that the server doesn't want to be asked again.
func (r *refusal) denied() bool { return r.kiss == "DENY" || r.kiss == "RSTR" }

func (m *Monitor) timeout() time.Duration { return min(m.cfg.Poll, maxTimeout) }

// refused makes a refusal of an error that an answer is the cause of.
func refused(reply *ntp.Response, err error) error {
	switch {
	case isExchange(err):
		return err
	case errors.Is(err, ntp.ErrKissOfDeath) && strings.Trim(reply.KissCode, " ") != "":
		return &refusal{kiss: reply.KissCode, reason: fmt.Sprintf("kiss-o'-death %q", reply.KissCode)}
	case isOwn(err):
		return &refusal{auth: true, reason: describe(err, 0)}
	case isAuthentication(err):
		return &refusal{auth: true, reason: explain(reply, err)}
	case isNetwork(err):
		return err
	}
	return &refusal{reason: explain(reply, err)}
}

// explain says what an answer has that it must not.
func explain(reply *ntp.Response, err error) string {
	switch {
	case errors.Is(err, ntp.ErrAuthFailed):
		return "authentication failed: the reply isn't signed by our key"
	case errors.Is(err, ntp.ErrAuthNAK), errors.Is(err, nts.ErrAuthFailedOnServer):
		return "authentication failed: the server can't make sense of our key"
	case errors.Is(err, nts.ErrAuthFailedOnClient), errors.Is(err, nts.ErrUniqueIDMismatch):
		return "authentication failed: the reply's seal is false"
	case errors.Is(err, ntp.ErrKissOfDeath):
		return "stratum 0: not synchronised"
	case errors.Is(err, ntp.ErrInvalidStratum):
		return fmt.Sprintf("stratum %d: not synchronised", reply.Stratum)
	case errors.Is(err, ntp.ErrInvalidLeapSecond):
		return "leap 3: not synchronised"
	}
	return err.Error()
}

// sampleOf is the one place where the library's reply becomes ours. Its
// ClockOffset is server minus local, which is our sign.
func sampleOf(r *ntp.Response, now time.Time) sample {
	return sample{
		at:             now,
		offset:         r.ClockOffset,
		delay:          r.RTT,
		dispersion:     min(max(r.Precision, 0), maxPrecision) + dispersion(r.RTT),
		stratum:        r.Stratum,
		leap:           r.Leap,
		referenceID:    r.ReferenceID,
		rootDelay:      r.RootDelay,
		rootDispersion: r.RootDispersion,
	}
}

// isNetwork tells silence from an answer that can't be read.
func isNetwork(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, net.ErrClosed)
}

// describe says in a few words, without ports and addresses that change from
// query to query, why there is no sample.
func describe(err error, timeout time.Duration) string {
	var stray *strayError
	if errors.As(err, &stray) && !stray.own {
		return describe(stray.error, timeout) + "; " + stray.describe()
	}
	var failed *exchangeError
	var no *refusal
	var dns *net.DNSError
	var netErr net.Error
	var op *net.OpError
	switch {
	case stray != nil:
		return stray.describe()
	case errors.As(err, &failed):
		return "NTS key exchange: " + describe(failed.error, exchangeTimeout)
	case errors.As(err, &no):
		return no.reason
	case errors.As(err, &dns):
		return fmt.Sprintf("can't resolve the name: %s", dns.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there (connection refused)"
	case errors.As(err, &netErr) && netErr.Timeout():
		return fmt.Sprintf("no answer within %v", timeout)
	case errors.As(err, &op):
		return op.Err.Error()
	}
	return err.Error()
}
