package analysis

import "time"

// Params are the assumptions and thresholds of the estimator, all of them. A
// report prints those that its figures rest on.
type Params struct {
	// MaxSkew bounds how fast a clock in service runs away from true time, in
	// seconds a second. Old evidence is aged by it. Free-running crystals stay
	// within 100 ppm; ntpd slews by 500 ppm at the most, and then Low lags behind
	// for as long as it slews.
	MaxSkew float64

	// LeastDelay is the assumed upper limit of the smallest delay in a window:
	// network and sender's queue, for the message that was held up least. One-way
	// stamps can't measure it, so it is added to High and printed as δ.
	LeastDelay time.Duration

	// QueueDelay is the sender's own share of the least delay where the network's is
	// known to be no more than the smallest round trip.
	QueueDelay time.Duration

	// MinStep is the smallest change of level that is called a step.
	MinStep time.Duration

	// HoldShift is how long a fall of the level must hold still before it is
	// called a step and not a delay.
	HoldShift time.Duration

	// HoldSpread is the same where the leads have also spread out, as they do
	// behind a congested path, or where that can't be told and the fall is smaller
	// than SmallStep.
	HoldSpread time.Duration
	SmallStep  time.Duration

	// PriorSkew is the standard deviation of skew among healthy hosts, in seconds
	// a second: the prior of the fit.
	PriorSkew float64

	// WidePriorSkew takes its place where the skew itself is reported: a clock that is
	// out of order must not be made to look healthy.
	WidePriorSkew float64

	// MaxFitSkew limits the skews that the fit considers, in seconds a second.
	MaxFitSkew float64

	// MinMessages and MinSpan are the least evidence that is judged at all.
	MinMessages uint64
	MinSpan     time.Duration

	// SettleSpan is how long the envelope must have held still before a host can
	// be called late: until then it may be a spool that drains.
	SettleSpan time.Duration

	// DriftSpan, DriftRise and DriftHold say when a clock is called drifting: its
	// skew is known over DriftSpan at least, carries it further than DriftRise
	// within the window, and has done so for DriftHold.
	DriftSpan time.Duration
	DriftRise time.Duration
	DriftHold time.Duration

	// StuckSpan is how long a stamp must repeat before a clock is called stuck.
	StuckSpan time.Duration

	// RoundingSlack, RoundingSpan and RoundingSkew (ppm) say when a sender is taken
	// for one that rounds its stamps: its offset lies that near to half a resolution,
	// and has stayed there for that long with no more skew than that.
	RoundingSlack time.Duration
	RoundingSpan  time.Duration
	RoundingSkew  float64

	// ZoneSlack is how near a level must lie to a multiple of 900 s to be called a
	// wrong zone, beside the tolerance.
	ZoneSlack time.Duration

	// WrongDate is the offset beyond which a clock is off by date, not by time.
	WrongDate time.Duration
}

// DefaultParams returns the thresholds that the accuracy tests and the README's
// figures use.
func DefaultParams() Params {
	return Params{
		MaxSkew:       200e-6,
		LeastDelay:    50 * time.Millisecond,
		QueueDelay:    2 * time.Millisecond,
		MinStep:       250 * time.Millisecond,
		HoldShift:     105 * time.Second,
		HoldSpread:    30 * time.Minute,
		SmallStep:     1500 * time.Millisecond,
		PriorSkew:     30e-6,
		WidePriorSkew: 200e-6,
		MaxFitSkew:    900e-6,
		MinMessages:   4,
		MinSpan:       5 * time.Second,
		SettleSpan:    20 * time.Second,
		DriftSpan:     time.Hour,
		DriftRise:     25 * time.Millisecond,
		DriftHold:     30 * time.Minute,
		StuckSpan:     30 * time.Second,
		RoundingSlack: 25 * time.Millisecond,
		RoundingSpan:  30 * time.Minute,
		RoundingSkew:  10,
		ZoneSlack:     2 * time.Second,
		WrongDate:     48 * time.Hour,
	}
}

// unbiased returns the parameters of a fit whose skew is to be reported.
func (p *Params) unbiased() *Params {
	wide := *p
	wide.PriorSkew = p.WidePriorSkew
	return &wide
}

// aged returns how far a clock can have moved in the time dt, in nanoseconds.
func (p *Params) aged(dt int64) int64 { return int64(p.MaxSkew * float64(dt)) }
