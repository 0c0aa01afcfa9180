package access

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/time/rate"
)

// How often passwords are checked. What was right before, tokens and sessions don't count,
// so that whoever guesses locks nobody out who is in.
const (
	peerAttempts = 10              // of one peer, at once
	peerEvery    = 6 * time.Second // and then one each
	allWork      = 32              // of all peers, at once, in checks of the cost 10
	allEvery     = time.Second / 4 // and then one each
	leastCost    = 10              // what counts as one
	mostPeers    = 1000            // that are remembered; more than 10 s of allEvery need not be
)

// attempts bounds how often passwords are guessed.
type attempts struct {
	mu    sync.Mutex
	all   *rate.Limiter
	peers map[netip.Prefix]*rate.Limiter
}

func (a *attempts) init() {
	a.all = rate.NewLimiter(rate.Every(allEvery), allWork)
	a.peers = map[netip.Prefix]*rate.Limiter{}
}

// take counts an attempt, or returns a *BusyError. A peer that is over its own limit takes
// nothing from the others.
func (a *attempts) take(now time.Time, addr netip.Addr, d dearest) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := Peer(addr)
	of := a.peers[at]
	if of != nil && of.TokensAt(now) < 1 {
		return busy(of, now, 1)
	}
	if work := d.work(); !a.all.AllowN(now, work) {
		return busy(a.all, now, work)
	}
	if of == nil {
		a.forget(now)
		of = rate.NewLimiter(rate.Every(peerEvery), peerAttempts)
		a.peers[at] = of
	}
	of.AllowN(now, 1)
	return nil
}

// forget makes room: it forgets peers that may try as often as a new one. The limit of all
// lets in no more than some hundreds while one of them waits.
func (a *attempts) forget(now time.Time) {
	if len(a.peers) < mostPeers {
		return
	}
	for at, of := range a.peers {
		if of.TokensAt(now) >= peerAttempts {
			delete(a.peers, at)
		}
	}
}

// busy returns when a limiter has n again.
func busy(l *rate.Limiter, now time.Time, n int) *BusyError {
	lacks := float64(n) - l.TokensAt(now)
	return &BusyError{After: time.Duration(math.Ceil(lacks/float64(l.Limit()))) * time.Second}
}

// Peer returns what counts as one peer: an IPv4 address, or an IPv6 /64.
func Peer(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.Prefix(bits) // the zero Prefix for no address
	return p
}

// dearest is the highest cost of all passwords' hashes.
type dearest int

func (d *dearest) add(cost int) { *d = max(*d, dearest(cost)) }

// work returns how many checks of leastCost one check takes at most.
func (d dearest) work() int { return 1 << max(d-leastCost, 0) }

// decoys returns hashes that no password fits, which take as long to find that out as the
// dearest hash, less what the given one has taken ("" for none). Each step of the cost doubles
// the work, so that those of the costs 4, 4, 5 and 6 together take what one of 7 does.
func (d dearest) decoys(hash string) (all []string) {
	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil {
		return []string{decoy(max(int(d), bcrypt.MinCost))}
	}
	for ; cost < int(d); cost++ {
		all = append(all, decoy(cost))
	}
	return all
}

func decoy(cost int) string { return fmt.Sprintf("$2a$%02d$%s", cost, strings.Repeat(".", 53)) }
