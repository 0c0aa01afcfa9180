package storage

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// BenchmarkSearch reads all that is stored for an expression.
func BenchmarkSearch(b *testing.B) {
	s := openStore(b, b.TempDir(), Options{SealEvery: time.Second})
	f := fleet{rand.New(rand.NewPCG(1, 2)), 1000, false}
	all := f.messages(400_000, message.TCP)
	for range 5 {
		if err := s.Append(all); err != nil {
			b.Fatal(err)
		}
	}
	awaitSealed(b, s)
	for _, bb := range []struct{ name, expr string }{
		{"no such literal", "segfault at"},
		{"rare literal", "GET /shop/v2/items/99999"},
		{"common literal", "Failed password"},
		{"literal and more", `Failed password for .* from 1\d\.`},
		{"no literal", `(?i)failed password`},
		{"no literal, alternatives", `(?i)failed password|segfault`},
		{"no literal, classes", `[0-9a-f]{16}`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			p, err := NewPattern(bb.expr)
			if err != nil {
				b.Fatal(err)
			}
			found := 0
			for range b.N {
				err := s.Messages(context.Background(), Query{Pattern: p}, func(*message.Message) error { found++; return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(s.Last())*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
			b.ReportMetric(float64(found)/float64(b.N), "found")
		})
	}
}
