package analysis_test

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
	"github.com/skewatch/skewatch/collector/message"
)

// The experiments on the fleet's vote: so many hosts, each behind a peer of its own, and
// something happens to some of their clocks, or to the collector's.
const (
	councilEvent = 8 * time.Minute // when it happens: by then all have a vote
	councilSpan  = 22 * time.Minute
)

// councilSize is how many hosts the experiments have, and mostOf how many of them are most.
var councilSize, mostOf = sized(12, 30), sized(7, 17)

// A pace is how hosts write and speak.
type pace struct {
	resolution, mean time.Duration
}

func (p pace) String() string { return fmt.Sprintf("%v stamps, one in %v", p.resolution, p.mean) }

var paces = []pace{
	{time.Second, time.Second}, {time.Microsecond, 10 * time.Second},
	{time.Microsecond, time.Second}, {time.Second, 10 * time.Second},
}

// A council is a fleet of simulated hosts and what the collector makes of them.
type council struct {
	hosts     []*simulation.Host
	span      time.Duration
	messages  iter.Seq[*message.Message]                     // nil: those of the hosts
	collector func(at time.Duration) time.Duration           // our own clock, ahead; nil if it is true
	reference func(at time.Duration) analysis.Reference      // nil if it is sound
	renew     func(at time.Duration, f *analysis.Fleet) bool // go on from a snapshot; nil for never

	t        testing.TB
	stored   map[string]analysis.Blob
	fleet    *analysis.Fleet
	raised   []told // about the collector
	cleared  []told
	warnings []told // about hosts
	steps    []told
}

// told is a finding and when it was told.
type told struct {
	at time.Duration
	analysis.Finding
}

// newCouncil returns one of n hosts whose clocks are right.
func newCouncil(t testing.TB, seed uint64, n int, p pace) *council {
	c := &council{t: t, span: councilSpan}
	start := time.Date(2026, 3, 28, 3, 0, 0, 0, time.UTC)
	for i := range n {
		own := seed*1000 + uint64(i)
		r := random(own)
		h := plainHost(own, r, c.span, p.resolution, []network{simulation.LAN, simulation.WAN}[i%2](r))
		h.Start, h.Process = start, simulation.Poisson(p.mean)
		h.Name, h.Source = fmt.Sprintf("host%d", i), netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})
		setClock(h, simulation.Constant(spanOf(between(r, -0.05, 0.05))))
		c.hosts = append(c.hosts, h)
	}
	return c
}

// lasting sets how long the experiment is.
func (c *council) lasting(span time.Duration) *council {
	c.span = span
	for _, h := range c.hosts {
		h.Span = span
	}
	return c
}

// shift sets the clocks of the first n hosts at a time, all by the same.
func (c *council) shift(n int, at, by time.Duration) *council {
	for _, h := range c.hosts[:n] {
		setClock(h, simulation.Step{At: at, By: by})
	}
	return c
}

// run lets the hosts speak and the fleet be ticked, by the collector's clock.
func (c *council) run() *council {
	c.fleet = newFleet()
	start := c.hosts[0].Start.UnixNano()
	messages := c.messages
	if messages == nil {
		messages = simulation.Together(c.hosts...)
	}
	next := time.Second
	for m := range messages {
		at := time.Duration(m.Received - start)
		for ; at >= next && next <= c.span; next += time.Second {
			c.tick(next)
		}
		own := *m
		own.Received += int64(c.ahead(at))
		c.fleet.Observe(&own)
	}
	return c
}

func (c *council) ahead(at time.Duration) time.Duration {
	if c.collector == nil {
		return 0
	}
	return c.collector(at)
}

func (c *council) tick(at time.Duration) {
	if c.renew != nil && c.renew(at, c.fleet) {
		c.restart()
	}
	ref := sound
	if c.reference != nil {
		ref = c.reference(at)
	}
	for _, f := range c.fleet.Tick(c.hosts[0].Start.UnixNano()+int64(at+c.ahead(at)), ref) {
		c.note(told{at, f})
	}
}

// restart goes on from what is stored.
func (c *council) restart() {
	if c.stored == nil {
		c.stored = map[string]analysis.Blob{}
	}
	for _, b := range c.fleet.Snapshot().Originators {
		c.stored[b.Key] = b
	}
	c.fleet = newFleet()
	c.fleet.Restore(slices.Collect(maps.Values(c.stored)), func(err error) { c.t.Error(err) })
}

func (c *council) note(f told) {
	if f.Event != nil && *verbose {
		say(f.at, "%s: %v %v: %s", f.Host, f.Event.Kind, f.Event.Verdict, f.Event.Text)
	}
	switch {
	case f.Step != nil && math.Abs(f.Step.Seconds) < 1: // congestion makes such
	case f.Step != nil:
		c.steps = append(c.steps, f)
	case f.Event == nil:
	case f.Event.Common == nil && f.Event.Kind == analysis.Change: // it became critical
	case f.Event.Common == nil:
		c.warnings = append(c.warnings, f)
	case f.Event.Kind == analysis.Raise:
		c.raised = append(c.raised, f)
	default:
		c.cleared = append(c.cleared, f)
	}
}

// held returns how many hosts the vote holds now.
func (c *council) held() (n int) {
	for _, i := range c.fleet.Identities() {
		if i.Verdict == analysis.Insufficient && strings.Contains(i.Explanation, "peers moved together") &&
			strings.Contains(strings.Join(i.Claims, "; "), "last verdict: in-sync") {
			n++
		}
	}
	return n
}

// having returns how many hosts have a verdict now.
func (c *council) having(v analysis.Verdict) (n int) {
	for _, i := range c.fleet.Identities() {
		if i.Verdict == v {
			n++
		}
	}
	return n
}

// allRight checks that nothing is said against the hosts in the end, and that they aren't
// held any more: those with messages on two levels are in doubt for a while. Congestion may
// put one out.
func (c *council) allRight(t *testing.T) {
	t.Helper()
	right, doubted := c.having(analysis.InSync), c.having(analysis.Insufficient)
	if right+doubted < len(c.hosts)-1 || 6*c.held() > len(c.hosts) && c.ahead(councilEvent) > -time.Minute {
		t.Errorf("of %d hosts %d are in sync in the end, %d in doubt, and the vote holds %d", len(c.hosts), right, doubted, c.held())
	}
}

// hostsOf counts the hosts that findings are about.
func hostsOf(all []told) int {
	hosts := map[string]bool{}
	for _, f := range all {
		hosts[f.Host] = true
	}
	return len(hosts)
}

// wants checks how much was told: of the collector, and of how many hosts.
func (c *council) wants(t *testing.T, raised, cleared, warnings, steps int) {
	t.Helper()
	if len(c.raised) != raised || len(c.cleared) != cleared || hostsOf(c.warnings) != warnings || hostsOf(c.steps) != steps {
		t.Errorf("raised %d, cleared %d, %d warnings, %d steps; want %d, %d, %d and %d: %s",
			len(c.raised), len(c.cleared), len(c.warnings), len(c.steps), raised, cleared, warnings, steps, c)
	}
}

// String tells the first findings of each kind.
func (c *council) String() string {
	var b strings.Builder
	for _, all := range [][]told{c.raised, c.cleared, c.warnings, c.steps} {
		for _, f := range all[:min(len(all), 3)] {
			fmt.Fprintf(&b, "\n%v %s ", f.at, f.Host)
			if f.Event != nil {
				fmt.Fprintf(&b, "%v %v %s", f.Event.Kind, f.Event.Verdict, f.Event.Text)
			} else {
				fmt.Fprintf(&b, "step %+.3f s", f.Step.Seconds)
			}
		}
	}
	return b.String()
}

// carried checks that one finding tells of the move of n of all hosts by about so much.
func (c *council) carried(t *testing.T, n int, by time.Duration, p pace) {
	t.Helper()
	if len(c.raised) != 1 {
		t.Errorf("%d findings about the collector, want 1: %s", len(c.raised), c)
		return
	}
	e := c.raised[0].Event
	move := e.Common
	if off := (move.Size - by).Abs(); off > 250*time.Millisecond+p.resolution/2 {
		t.Errorf("the move is said to be of %v, want %v", move.Size, by)
	}
	if 2*move.Moved <= move.Voters || move.Moved > n || move.Voters > len(c.hosts) || move.Voters < len(c.hosts)*4/5 {
		t.Errorf("%d of %d peers moved, want no more than %d of about %d", move.Moved, move.Voters, n, len(c.hosts))
	}
	if late := move.At.Sub(c.hosts[0].Start) - councilEvent; late < -time.Second-by.Abs() || late > 30*time.Second {
		t.Errorf("the move is said to be at %v, %v after it", move.At, late)
	}
	if c.raised[0].Host != analysis.CollectorName || c.raised[0].Source != "" {
		t.Errorf("the finding is about %q from %q, want the collector", c.raised[0].Host, c.raised[0].Source)
	}
}

// eachPace runs an experiment of so many repetitions with all paces.
func eachPace(t *testing.T, short, long int, make func(seed uint64, p pace) *council, check func(t *testing.T, c *council, p pace)) {
	for _, p := range paces[:sized(2, 4)] {
		t.Run(p.String(), func(t *testing.T) {
			for i, c := range gather(sized(short, long), func(_ int, seed uint64) *council { return make(seed, p).run() }) {
				if t.Failed() {
					return
				}
				check(t, c, p)
				if t.Failed() {
					t.Logf("seed %d", *seed+uint64(i))
				}
			}
		})
	}
}

// TestVote has most of the fleet move at once: that is told once, of the collector, and the
// verdicts of those that moved are held.
func TestVote(t *testing.T) {
	tab := newTable("moved", "by", "stamps and pace", "told after", "truly moved, counted", "size")
	for _, moved := range []int{councilSize, mostOf} {
		for _, by := range []time.Duration{5 * time.Second, -5 * time.Second} {
			t.Run(fmt.Sprintf("%d by %v", moved, by), func(t *testing.T) {
				all := map[pace]sample{}
				shares, sizes := map[pace]sample{}, map[pace]sample{}
				eachPace(t, 1, 40, func(seed uint64, p pace) *council {
					return newCouncil(t, seed, councilSize, p).shift(moved, councilEvent, by)
				}, func(t *testing.T, c *council, p pace) {
					c.carried(t, moved, by, p)
					c.wants(t, 1, 0, 0, 0)
					if held, right := c.held(), c.having(analysis.InSync); held < moved-1 || held > moved || right < councilSize-moved-1 {
						t.Errorf("%d hosts are held and %d in sync, want %d and %d: congestion may have one of them in doubt", held, right, moved, councilSize-moved)
					}
					for _, f := range c.raised {
						all[p] = append(all[p], (f.at - councilEvent).Seconds())
						shares[p] = append(shares[p], float64(f.Event.Common.Moved))
						sizes[p] = append(sizes[p], math.Abs((f.Event.Common.Size - by).Seconds()))
					}
				})
				for _, p := range paces[:sized(2, 4)] {
					tab.row(moved, by, p, all[p].times(), shares[p].plain(), sizes[p].errors())
				}
			})
		}
	}
	t.Log(tab)
}

// TestFewMove has some hosts move at once: each is told of by itself.
func TestFewMove(t *testing.T) {
	for _, moved := range []int{3, councilSize - mostOf} {
		for _, by := range []time.Duration{5 * time.Second, -5 * time.Second} {
			t.Run(fmt.Sprintf("%d by %v", moved, by), func(t *testing.T) {
				eachPace(t, 1, 20, func(seed uint64, p pace) *council {
					return newCouncil(t, seed, councilSize, p).shift(moved, councilEvent, by)
				}, func(t *testing.T, c *council, p pace) { c.wants(t, 0, 0, moved, moved) })
			})
		}
	}
}

// afterwards returns what is 0 before a time and by from then on.
func afterwards(at, by time.Duration) func(time.Duration) time.Duration {
	return func(now time.Duration) time.Duration {
		if now < at {
			return 0
		}
		return by
	}
}

// TestVoteOnOwnClock moves the collector's own clock, and with it the time of everything
// that is received. NTP notices a minute later, which explains the move; or the clock is
// set right then; or nobody ever notices.
func TestVoteOnOwnClock(t *testing.T) {
	for _, by := range []time.Duration{5 * time.Second, -5 * time.Second, -90 * time.Second}[:sized(2, 3)] {
		noticed := councilEvent + time.Minute
		t.Run(fmt.Sprintf("%v, explained", by), func(t *testing.T) {
			eachPace(t, 1, 20, func(seed uint64, p pace) *council {
				c := newCouncil(t, seed, councilSize, p)
				c.collector = afterwards(councilEvent, by)
				c.reference = func(at time.Duration) analysis.Reference {
					ref := sound
					ref.Offset = -afterwards(noticed, by)(at)
					return ref
				}
				return c
			}, func(t *testing.T, c *council, p pace) {
				c.carried(t, councilSize, -by, p)
				c.wants(t, 1, 1, 0, 0)
				c.allRight(t)
			})
		})
		t.Run(fmt.Sprintf("%v, and back", by), func(t *testing.T) {
			for _, lasts := range []time.Duration{6 * time.Minute, 90 * time.Second}[:sized(1, 2)] {
				eachPace(t, 1, 20, func(seed uint64, p pace) *council {
					c := newCouncil(t, seed, councilSize, p)
					c.collector = func(at time.Duration) time.Duration {
						return afterwards(councilEvent, by)(at) - afterwards(councilEvent+lasts, by)(at)
					}
					return c
				}, func(t *testing.T, c *council, p pace) {
					c.carried(t, councilSize, -by, p)
					if by < -time.Minute && hostsOf(c.steps) == 1 {
						c.steps = nil // its levels share so much time that it seemed settled in between
					}
					c.wants(t, 1, 1, 0, 0)
					c.allRight(t)
				})
			}
		})
	}
}

// TestVoteOutlasted has the fleet stay where it moved to: after an hour the move is the
// hosts' own. The collector is started anew meanwhile.
func TestVoteOutlasted(t *testing.T) {
	for _, by := range []time.Duration{5 * time.Second, -5 * time.Second} {
		eachPace(t, 1, 10, func(seed uint64, p pace) *council {
			c := newCouncil(t, seed, councilSize, p).lasting(councilEvent+90*time.Minute).shift(councilSize, councilEvent, by)
			c.renew = func(at time.Duration, _ *analysis.Fleet) bool { return at%(7*time.Minute) == 0 }
			return c
		}, func(t *testing.T, c *council, p pace) {
			c.carried(t, councilSize, by, p)
			c.wants(t, 1, 1, councilSize, councilSize)
			for _, f := range append(c.cleared, c.warnings...) {
				if after := f.at - councilEvent; after < time.Hour-2*time.Second || after > time.Hour+5*time.Minute {
					t.Errorf("%s: %s: told %v after the move, want an hour", f.Host, f.Event.Text, after)
				}
			}
		})
	}
}
