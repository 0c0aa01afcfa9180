package analysis

import (
	"math/rand/v2"
	"testing"
	"time"
)

// observations returns a coarse host's observations of a span, one a second.
func observations(span time.Duration, h host) []Observation {
	r := rand.New(rand.NewPCG(1, 6))
	var all []Observation
	for at := time.Duration(0); at < span; at += time.Duration(r.ExpFloat64() * float64(h.mean)) {
		m := h.message(r, at)
		sent, _ := Instant(m.Sent, m.Received, time.UTC)
		all = append(all, Observation{Sent: sent, Received: m.Received})
	}
	return all
}

func BenchmarkEvaluate(b *testing.B) {
	h := newHost("web1")
	h.mean = time.Second
	for name, h := range map[string]host{"1s": h.coarse(), "1us": h} {
		b.Run(name, func(b *testing.B) {
			p := DefaultParams()
			s := NewState()
			for _, o := range observations(24*time.Hour, h) {
				s.Add(o)
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Evaluate(s.last, Path{}, &p)
			}
		})
	}
}

func BenchmarkAdd(b *testing.B) {
	h := newHost("web1")
	h.mean = time.Second
	for name, h := range map[string]host{"1s": h.coarse(), "1us": h} {
		all := observations(time.Hour, h)
		b.Run(name, func(b *testing.B) {
			s := NewState()
			i, ahead := 0, int64(0)
			for b.Loop() {
				o := all[i]
				o.Sent, o.Received = o.Sent+ahead, o.Received+ahead
				s.Add(o)
				if i++; i == len(all) {
					i, ahead = 0, ahead+hour
				}
			}
		})
	}
}
