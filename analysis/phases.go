package analysis

import "math"

// phaseBins is into how many parts the stamp's second is divided, phaseSpan how
// long one generation of bins collects.
const (
	phaseBins = 16
	phaseSpan = 1024 * second
)

// coarse is the resolution from which phases are kept. Below it delays would scatter
// messages over bins that their stamps' phases have nothing to do with.
const coarse = second

// Phases bracket the instant at which the originator's second ticks over. Among the
// prompt messages received at one phase of the second, the truncation is nearly the
// same for all, so the best of each bin gives an upper bound:
//
//	offset <= max(lead in bin) + resolution + least delay
//
// and the least over the bins is that of the bin just before the tick. This is how
// stamps of one second give milliseconds.
type phases [2]phaseGeneration

// A phaseGeneration is the bins of one span of receive time.
type phaseGeneration struct {
	span int64 // receive time divided by phaseSpan, plus 1; 0 if unused
	n    [phaseBins]uint32
	max  [phaseBins]int64
}

// generation returns that of a receive time, nil if it is older than what is kept.
func (p *phases) generation(received int64) *phaseGeneration {
	span := received/phaseSpan + 1
	g := &p[span&1]
	switch {
	case g.span > span:
		return nil
	case g.span < span:
		*g = phaseGeneration{span: span}
		for i := range g.max {
			g.max[i] = noLead
		}
	}
	return g
}

// add takes in the lead of a prompt message.
func (g *phaseGeneration) add(lead, received, resolution int64) {
	if g == nil {
		return
	}
	bin := phaseBin(received, resolution)
	g.n[bin]++
	g.max[bin] = max(g.max[bin], lead)
}

// phaseBin returns into which part of the stamp's second a receive time falls.
func phaseBin(received, resolution int64) int64 {
	if resolution == second { // a constant divides several times as fast
		return received % second * phaseBins / second
	}
	return received % resolution * phaseBins / resolution
}

// coverage is what the phases show together.
type coverage struct {
	all   bool  // stamps came at all phases of the second
	known bool  // there are enough of them to say
	high  int64 // upper bound of the offset, less the least delay; math.MaxInt64 if none
}

const (
	phaseMinMessages = 48            // fewer say nothing about coverage
	phaseMinBins     = phaseBins - 2 // hit by one message each, or two where there are enough
	phaseMinInBin    = 8             // before a bin's best counts as prompt
)

// noPhases are those of a clock that nothing was heard of.
var noPhases *phases

// coverage folds the generations.
func (p *phases) coverage(resolution int64) coverage {
	c := coverage{high: math.MaxInt64}
	if resolution < coarse {
		return coverage{all: true, known: true, high: math.MaxInt64}
	}
	total := uint32(0)
	var counts [phaseBins]uint32
	if p == nil {
		return c
	}
	for bin := range phaseBins {
		n, best := uint32(0), int64(noLead)
		for i := range p {
			if g := &p[i]; g.n[bin] > 0 {
				n += g.n[bin]
				best = max(best, g.max[bin])
			}
		}
		total += n
		counts[bin] = n
		if n >= phaseMinInBin {
			c.high = min(c.high, best+resolution)
		}
	}
	least, hit := uint32(1), 0
	if total >= 4*phaseBins {
		least = 2
	}
	for _, n := range counts {
		if n >= least {
			hit++
		}
	}
	c.known = total >= phaseMinMessages
	c.all = c.known && hit >= phaseMinBins
	return c
}

// lnGapTail is the logarithm of the probability that a truncation gap is passed.
var lnGapTail = math.Log(1e-4)

// truncationGap bounds how far the best of n truncated stamps at random phases lies
// below the envelope. With P(gap > g) = (1 - g/resolution)^n, the bound is passed
// once in 10,000. Without coverage of the phases it is the whole resolution.
func truncationGap(resolution int64, n uint32, covered bool) int64 {
	if !covered || n == 0 {
		return resolution
	}
	return int64(float64(resolution) * (1 - math.Exp(lnGapTail/float64(n))))
}
