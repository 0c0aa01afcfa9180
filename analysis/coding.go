package analysis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// stateVersion is the first byte of every encoded originator and roll-up. Another
// version is refused.
const stateVersion = 2

// errShort is the error of an encoding that ends too soon.
var errShort = errors.New("analysis: encoded state is cut short")

// An encoder appends values in the order in which a decoder of the same type reads
// them: varints, and for offsets zig-zag varints.
type encoder struct{ b []byte }

func (e *encoder) uint(v uint64)   { e.b = binary.AppendUvarint(e.b, v) }
func (e *encoder) int(v int64)     { e.b = binary.AppendVarint(e.b, v) }
func (e *encoder) float(v float64) { e.b = binary.LittleEndian.AppendUint64(e.b, math.Float64bits(v)) }
func (e *encoder) byte(v uint8)    { e.b = append(e.b, v) }

func (e *encoder) bool(v bool) {
	if v {
		e.byte(1)
	} else {
		e.byte(0)
	}
}

func (e *encoder) string(s string) {
	e.uint(uint64(len(s)))
	e.b = append(e.b, s...)
}

// A decoder reads what an encoder wrote. After the first error it returns zeros.
type decoder struct {
	b   []byte
	at  int // the next byte; a reslice at each value would take longer
	err error
}

func (d *decoder) uint() uint64 {
	if d.at < len(d.b) && d.b[d.at] < 0x80 { // most are short
		d.at++
		return uint64(d.b[d.at-1])
	}
	return d.long()
}

func (d *decoder) long() uint64 {
	v, n := binary.Uvarint(d.b[d.at:])
	if n <= 0 {
		d.fail()
		return 0
	}
	d.at += n
	return v
}

func (d *decoder) int() int64 {
	v := d.uint()
	return int64(v>>1) ^ -int64(v&1)
}

// fail notes that the encoding is cut short and goes to its end.
func (d *decoder) fail() {
	if d.err == nil {
		d.err = errShort
	}
	d.end()
}

func (d *decoder) end() { d.b, d.at = nil, 0 }

// left returns how many bytes have not been read.
func (d *decoder) left() int { return len(d.b) - d.at }

func (d *decoder) take(n uint64) []byte {
	if n > uint64(d.left()) {
		d.fail()
		return nil
	}
	d.at += int(n)
	return d.b[d.at-int(n) : d.at]
}

func (d *decoder) byte() uint8 {
	if d.at == len(d.b) {
		d.fail()
		return 0
	}
	d.at++
	return d.b[d.at-1]
}

func (d *decoder) float() float64 {
	if b := d.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (d *decoder) bool() bool     { return d.byte() != 0 }
func (d *decoder) string() string { return string(d.take(d.uint())) }

// enum reads a number below the limit.
func (d *decoder) enum(limit int) uint8 {
	v := d.byte()
	if int(v) >= limit {
		d.fail()
		return 0
	}
	return v
}

func (d *decoder) version() {
	if v := d.byte(); d.err == nil && v != stateVersion {
		d.err = fmt.Errorf("analysis: encoded state has version %d, and this program reads %d", v, stateVersion)
		d.end()
	}
}

func (e *encoder) state(s *State) {
	e.uint(uint64(s.resolution))
	e.uint(s.messages)
	e.uint(uint64(s.finer))
	e.uint(uint64(s.finerPlace))
	for _, v := range [...]int64{s.firstSent, s.first, s.last, s.cluster, s.interval, s.segment, s.floor, s.ceiling, s.freeSince, s.manyAt, s.turnsFrom, s.turnsTo} {
		e.int(v)
	}
	e.bool(s.news)
	e.tide(s.tide)
	e.int(s.silence.end)
	e.int(s.silence.length)
	e.int(s.silence.usual)
	e.repeat(&s.repeat)
	e.lateRun(&s.late)
	e.lattice(&s.lattice)
	e.bool(s.phases != nil)
	if s.phases != nil {
		for i := range s.phases {
			e.phases(&s.phases[i])
		}
	}
}

func (d *decoder) state() *State {
	s := &State{resolution: int64(d.uint()), messages: d.uint()}
	s.finer, s.finerPlace = uint32(d.uint()), int64(d.uint())
	for _, v := range [...]*int64{&s.firstSent, &s.first, &s.last, &s.cluster, &s.interval, &s.segment, &s.floor, &s.ceiling, &s.freeSince, &s.manyAt, &s.turnsFrom, &s.turnsTo} {
		*v = d.int()
	}
	s.news = d.bool()
	s.tide = d.tide()
	s.silence = silence{end: d.int(), length: d.int(), usual: d.int()}
	d.repeat(&s.repeat)
	d.lateRun(&s.late)
	d.lattice(&s.lattice)
	if d.bool() {
		s.phases = new(phases)
		for i := range s.phases {
			d.phases(&s.phases[i])
		}
	}
	if !decimalPlace(s.resolution) || s.finerPlace != 0 && !decimalPlace(s.finerPlace) {
		d.fail()
	}
	return s
}

// decimalPlace reports whether a resolution is that of a decimal place: a power of ten,
// up to a second.
func decimalPlace(ns int64) bool {
	for place := second; place > 0; place /= 10 {
		if place == ns {
			return true
		}
	}
	return false
}

func (e *encoder) repeat(r *repeat) {
	e.int(r.sent)
	e.int(r.since)
	e.int(r.last)
	e.uint(uint64(r.slots))
	e.bool(r.prompt)
	e.int(r.quiet)
}

func (d *decoder) repeat(r *repeat) {
	*r = repeat{sent: d.int(), since: d.int(), last: d.int(), slots: uint32(d.uint()), prompt: d.bool(), quiet: d.int()}
}

func (e *encoder) lateRun(r *lateRun) {
	e.int(r.from)
	e.int(r.to)
	e.uint(uint64(r.n))
	e.int(r.oldest)
}

func (d *decoder) lateRun(r *lateRun) {
	*r = lateRun{from: d.int(), to: d.int(), n: uint32(d.uint()), oldest: d.int()}
}

// tide writes the samples as differences: they lie near each other.
func (e *encoder) tide(t *tide) {
	if t == nil {
		e.int(0)
		return
	}
	e.int(t.slot)
	e.int(t.level)
	e.int(t.spread)
	e.int(t.lean)
	e.int(t.n)
	e.int(t.base)
	for i, best := range t.best {
		e.bool(best != noSample)
		if best != noSample {
			e.int(int64(best))
			e.int(int64(best) - int64(t.levels[i]))
		}
	}
}

func (d *decoder) tide() *tide {
	slot := d.int()
	if slot == 0 {
		return nil
	}
	t := &tide{slot: slot}
	t.level, t.spread, t.lean, t.n, t.base = d.int(), d.int(), d.int(), d.int(), d.int()
	for i := range t.best {
		if t.best[i] = noSample; d.bool() {
			best := d.int()
			t.best[i], t.levels[i] = int32(best), int32(best-d.int())
		}
	}
	return t
}

// lattice writes, for each level, the number of buckets in use and those buckets;
// their slots follow from their times.
func (e *encoder) lattice(t *lattice) {
	for l := range t {
		used := uint64(0)
		for _, b := range t[l] {
			if b.n > 0 {
				used++
			}
		}
		e.uint(used)
		for _, b := range t[l] {
			if b.n > 0 {
				e.bucket(b)
			}
		}
	}
}

func (d *decoder) lattice(t *lattice) {
	for l := range t {
		for used := d.uint(); used > 0 && d.err == nil; used-- {
			if b := d.bucket(); b.n > 0 {
				*t.slot(l, b.at) = b
			}
		}
	}
}

func (e *encoder) bucket(b bucket) {
	e.uint(uint64(b.at))
	e.int(b.max)
	e.bool(b.second != noLead)
	if b.second != noLead {
		e.uint(uint64(b.max - b.second))
	}
	e.uint(uint64(b.spread))
	e.uint(uint64(b.n))
	e.uint(uint64(b.distinct))
	e.uint(uint64(b.lower))
	if b.lower > 0 {
		e.uint(uint64(b.depth))
	}
}

func (d *decoder) bucket() bucket {
	b := bucket{at: int64(d.uint() &^ (1 << 63)), max: d.int(), second: noLead}
	if d.bool() {
		b.second = b.max - int64(d.uint())
	}
	b.spread = uint16(d.uint())
	b.n, b.distinct = uint32(d.uint()), uint16(d.uint())
	if b.lower = uint32(d.uint()); b.lower > 0 {
		b.depth = uint32(d.uint())
	}
	return b
}

func (e *encoder) phases(g *phaseGeneration) {
	e.uint(uint64(g.span))
	if g.span == 0 {
		return
	}
	for i := range g.n {
		e.uint(uint64(g.n[i]))
		e.int(g.max[i])
	}
}

func (d *decoder) phases(g *phaseGeneration) {
	if g.span = int64(d.uint()); g.span == 0 {
		return
	}
	for i := range g.n {
		g.n[i], g.max[i] = uint32(d.uint()), d.int()
	}
}
