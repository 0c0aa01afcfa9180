package simulation

import (
	"math"
	"math/rand/v2"
	"time"
)

// grain is how finely clocks that move at random are drawn; in between they run
// straight.
const grain = 16 * time.Second

// A path is a random function of time, drawn as far as it is asked for. What is drawn
// doesn't depend on the order of the questions.
type path struct {
	points []float64 // offsets in seconds, one each grain
	next   func() float64
}

// Offset implements Clock.
func (p *path) Offset(at time.Duration) time.Duration {
	at = max(at, 0)
	i := int(at / grain)
	for len(p.points) < i+2 {
		p.points = append(p.points, p.next())
	}
	part := float64(at%grain) / float64(grain)
	return seconds(p.points[i]*(1-part) + p.points[i+1]*part)
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }

// The random numbers of clocks and delays with a seed of their own.
const (
	partWander uint64 = iota + 100
	partCrystal
	partDiscipline
	partCongestion
	partReference
)

// Wander returns a clock that is kept right by NTP: its offset is normal with the
// standard deviation given, and forgets itself within a time constant (an
// Ornstein-Uhlenbeck process).
func Wander(seed uint64, sigma, memory time.Duration) Clock {
	r := rand.New(rand.NewPCG(seed, partWander))
	x := sigma.Seconds() * r.NormFloat64()
	keep := math.Exp(-grain.Seconds() / memory.Seconds())
	fresh := sigma.Seconds() * math.Sqrt(1-keep*keep)
	return &path{next: func() float64 {
		now := x
		x = keep*x + fresh*r.NormFloat64()
		return now
	}}
}

// Crystal returns a clock that nothing corrects, as far as it deviates from its mean
// rate: a frequency that walks at random by so many ppm in the root of an hour, and
// swings with the temperature of the day by so many ppm.
func Crystal(seed uint64, walk, daily float64) Clock {
	r := rand.New(rand.NewPCG(seed, partCrystal))
	phase := 2 * math.Pi * r.Float64()
	x, frequency, t := 0.0, 0.0, 0.0
	return &path{next: func() float64 {
		now := x
		frequency += walk * math.Sqrt(grain.Hours()) * r.NormFloat64()
		x += 1e-6 * (frequency + daily*math.Sin(2*math.Pi*t/86400+phase)) * grain.Seconds()
		t += grain.Seconds()
		return now
	}}
}

// A Correction is one of the slews of a Discipline.
type Correction struct {
	At, By, Lasts time.Duration
}

// Discipline is a clock that is moved away from the truth now and then, and slewed
// back.
type Discipline struct {
	slews  Sum
	Slewed []Correction
}

// Away says how a disciplined clock gets away from the truth: in the mean after the
// time Every, by Least to Most in either direction, at Rate ppm. A clock without
// servers does so at up to 100 ppm, one whose machine is paused for a moment at once.
type Away struct {
	Every       time.Duration
	Least, Most time.Duration
	Rate        float64
}

// Slews is how fast a clock is slewed back, in ppm.
type Slews struct{ Slowest, Fastest float64 }

// NewDiscipline draws a discipline for a span.
func NewDiscipline(seed uint64, span time.Duration, a Away, s Slews) *Discipline {
	r := rand.New(rand.NewPCG(seed, partDiscipline))
	d := new(Discipline)
	for at := exponential(r, a.Every); at < span; at += exponential(r, a.Every) {
		by := time.Duration(logarithmic(r, float64(a.Least), float64(a.Most)))
		if r.IntN(2) == 0 {
			by = -by
		}
		away := Slew{At: at, By: by, Rate: a.Rate}
		at += away.Lasts()
		back := Slew{At: at, By: -by, Rate: logarithmic(r, s.Slowest, s.Fastest)}
		at += back.Lasts()
		d.slews = append(d.slews, away, back)
		d.Slewed = append(d.Slewed, Correction{back.At, back.By, back.Lasts()})
	}
	return d
}

// Offset implements Clock.
func (d *Discipline) Offset(at time.Duration) time.Duration { return d.slews.Offset(at) }

// logarithmic draws a number whose logarithm is even between those of two others.
func logarithmic(r *rand.Rand, low, high float64) float64 {
	return low * math.Pow(high/low, r.Float64())
}

func exponential(r *rand.Rand, mean time.Duration) time.Duration {
	return time.Duration(r.ExpFloat64() * float64(mean))
}
