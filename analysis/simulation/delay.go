package simulation

import (
	"math"
	"math/rand/v2"
	"sort"
	"time"
)

// A Delay is how long messages are on their way, from the host's queue to the
// collector's socket.
type Delay interface {
	// Next returns the delay of a message that leaves at a true time. It is asked in
	// the order of leaving.
	Next(r *rand.Rand, at time.Duration) time.Duration
}

// Fixed is a delay that is always the same: the least of a path, or a relay that
// collects messages for a while before it passes them on.
type Fixed time.Duration

// Next implements Delay.
func (f Fixed) Next(*rand.Rand, time.Duration) time.Duration { return time.Duration(f) }

// Jitter is a delay with a lognormal distribution, as queues in switches and
// schedulers make.
type Jitter struct {
	Median time.Duration
	Sigma  float64 // standard deviation of the logarithm
}

// Next implements Delay.
func (j Jitter) Next(r *rand.Rand, _ time.Duration) time.Duration {
	return time.Duration(float64(j.Median) * math.Exp(j.Sigma*r.NormFloat64()))
}

// Tail holds up a few messages for far longer than the others, with a Pareto
// distribution: retransmissions, busy disks.
type Tail struct {
	Share float64       // of the messages
	Least time.Duration // that those are held up
	Shape float64       // the less, the longer the tail
	Most  time.Duration
}

// Next implements Delay.
func (t Tail) Next(r *rand.Rand, _ time.Duration) time.Duration {
	if r.Float64() >= t.Share {
		return 0
	}
	return min(time.Duration(float64(t.Least)*math.Pow(1-r.Float64(), -1/t.Shape)), t.Most)
}

// Delays is the sum of several.
type Delays []Delay

// Next implements Delay.
func (d Delays) Next(r *rand.Rand, at time.Duration) time.Duration {
	var sum time.Duration
	for _, part := range d {
		sum += part.Next(r, at)
	}
	return sum
}

// From is a delay that begins at a time, such as that of a relay that is put in the
// way.
type From struct {
	At time.Duration
	Delay
}

// Next implements Delay.
func (f From) Next(r *rand.Rand, at time.Duration) time.Duration {
	if at < f.At {
		return 0
	}
	return f.Delay.Next(r, at)
}

// Until is a delay that ends at a time, such as that of a relay that is taken out of the
// way again.
type Until struct {
	At time.Duration
	Delay
}

// Next implements Delay.
func (u Until) Next(r *rand.Rand, at time.Duration) time.Duration {
	if at >= u.At {
		return 0
	}
	return u.Delay.Next(r, at)
}

// Congestion delays all messages while a path is overloaded.
type Congestion struct {
	every, lasts time.Duration
	least, most  time.Duration
	random       *rand.Rand
	episodes     []episode // drawn as far as they are asked for
}

type episode struct {
	from, to time.Duration
	extra    time.Duration
}

// NewCongestion returns episodes that come in the mean after the time every, last for
// about lasts, and hold up messages by between least and most.
func NewCongestion(seed uint64, every, lasts, least, most time.Duration) *Congestion {
	return &Congestion{
		every: every, lasts: lasts, least: least, most: most,
		random:   rand.New(rand.NewPCG(seed, partCongestion)),
		episodes: []episode{{}},
	}
}

// at returns the episode that a time falls into, or else the next.
func (c *Congestion) at(at time.Duration) episode {
	for last := c.episodes[len(c.episodes)-1]; last.to <= at; last = c.episodes[len(c.episodes)-1] {
		from := last.to + exponential(c.random, c.every)
		to := from + exponential(c.random, c.lasts)
		extra := c.least + time.Duration(c.random.Float64()*float64(c.most-c.least))
		c.episodes = append(c.episodes, episode{from, to, extra})
	}
	i := sort.Search(len(c.episodes), func(i int) bool { return c.episodes[i].to > at })
	return c.episodes[i]
}

// Next implements Delay. Within an episode delays scatter by a third.
func (c *Congestion) Next(r *rand.Rand, at time.Duration) time.Duration {
	e := c.at(at)
	if at < e.from {
		return 0
	}
	return time.Duration(float64(e.extra) * (0.7 + 0.3*r.Float64()))
}

// A Path is a network between host and collector.
type Path struct {
	Forward time.Duration // least delay from the host
	Back    time.Duration // and to it
	Jitter  Jitter
	Tail    Tail
}

// MinRTT returns the smallest round trip that the collector's kernel would measure.
func (p *Path) MinRTT() time.Duration { return p.Forward + p.Back }

// Next implements Delay.
func (p *Path) Next(r *rand.Rand, at time.Duration) time.Duration {
	return p.Forward + p.Jitter.Next(r, at) + p.Tail.Next(r, at)
}

// usualTail is one message in a hundred, held up for 20 ms to a minute.
var usualTail = Tail{Share: 0.01, Least: 20 * time.Millisecond, Shape: 1.1, Most: time.Minute}

// LAN draws a local network: least delays of 0.1 to 0.4 ms, a median of 0.3 ms above.
func LAN(r *rand.Rand) *Path {
	forward := 80*time.Microsecond + time.Duration(r.Float64()*float64(300*time.Microsecond))
	return asymmetric(r, forward, Jitter{300 * time.Microsecond, 1})
}

// WAN draws a wide network: least delays of 3 to 43 ms, a median of 2 ms above.
func WAN(r *rand.Rand) *Path {
	forward := 3*time.Millisecond + time.Duration(r.Float64()*float64(40*time.Millisecond))
	return asymmetric(r, forward, Jitter{2 * time.Millisecond, 1})
}

// asymmetric gives a path a way back: the way from the host takes 35 to 65 % of the
// round trip.
func asymmetric(r *rand.Rand, forward time.Duration, j Jitter) *Path {
	share := 0.35 + 0.3*r.Float64()
	return &Path{Forward: forward, Back: time.Duration(float64(forward) * (1 - share) / share), Jitter: j, Tail: usualTail}
}
