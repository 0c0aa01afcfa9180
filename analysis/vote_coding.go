package analysis

import (
	"slices"
	"time"
)

// What the fleet's vote needs after a restart stands behind what a fleet's and an
// originator's encoding had before there was one, so that both can be read; and not at all
// where there is nothing to tell.

func (e *encoder) suspension(s *suspension) {
	if s == nil {
		return
	}
	for _, v := range [...]int64{s.at, s.size, int64(s.moved), int64(s.voters), int64(s.before), s.began, int64(s.hosts), s.over} {
		e.int(v)
	}
	e.byte(uint8(s.ending))
	e.bool(s.told)
}

func (d *decoder) suspension() *suspension {
	if d.left() == 0 {
		return nil
	}
	return &suspension{
		at: d.int(), size: d.int(), moved: int(d.int()), voters: int(d.int()), before: time.Duration(d.int()),
		began: d.int(), hosts: int(d.int()), over: d.int(), ending: ending(d.enum(int(endings))), told: d.bool(),
	}
}

// moves writes what the vote knows of an originator.
func (e *encoder) moves(o *originator) {
	if !o.swept && len(o.unsaid) == 0 && !slices.ContainsFunc(o.speakers, func(s *speaker) bool { return s.move.from != 0 }) {
		return
	}
	e.bool(o.swept)
	e.uint(uint64(len(o.unsaid)))
	for i := range o.unsaid {
		e.lastStep(&o.unsaid[i])
	}
	for _, s := range o.speakers {
		e.move(&s.move)
	}
}

func (d *decoder) moves(o *originator) {
	if d.left() == 0 {
		return
	}
	o.swept = d.bool()
	for n := d.uint(); n > 0 && d.err == nil; n-- {
		if s := d.lastStep(); s != nil {
			o.unsaid = append(o.unsaid, *s)
		}
	}
	for _, s := range o.speakers {
		s.move = d.move()
		o.astray = o.astray || s.move.from != 0
	}
}

func (e *encoder) move(m *move) {
	e.int(m.from)
	if m.from == 0 {
		return
	}
	for _, v := range [...]int64{m.base, m.reach, m.scatter, m.before, m.still, m.first, m.best, m.last} {
		e.int(v)
	}
	e.uint(uint64(m.n))
	e.uint(uint64(m.near))
	e.bool(m.sole)
	e.bool(m.kept)
	e.bool(m.back)
}

func (d *decoder) move() move {
	m := move{from: d.int()}
	if m.from == 0 {
		return m
	}
	for _, v := range [...]*int64{&m.base, &m.reach, &m.scatter, &m.before, &m.still, &m.first, &m.best, &m.last} {
		*v = d.int()
	}
	m.n, m.near = uint32(d.uint()), uint32(d.uint())
	m.sole, m.kept, m.back = d.bool(), d.bool(), d.bool()
	return m
}
