package simulation

import (
	"math/rand/v2"
	"time"
)

// A Reference is what the collector knows of its own clock: NTP samples with noise.
type Reference struct {
	Seed  uint64
	Noise time.Duration // standard deviation of a sample
	Every time.Duration // from one sample to the next
	Of    Clock         // the collector's clock; nil if it is true
}

// Offset returns the newest sample: what must be added to the collector's clock to get
// true time.
func (f *Reference) Offset(at time.Duration) time.Duration {
	n := uint64(at / f.Every)
	r := rand.New(rand.NewPCG(f.Seed^n<<20, partReference))
	sample := time.Duration(float64(f.Noise) * r.NormFloat64())
	if f.Of == nil {
		return sample
	}
	return sample - f.Of.Offset(time.Duration(n)*f.Every)
}
