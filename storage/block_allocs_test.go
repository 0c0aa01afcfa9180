//go:build !race

package storage

import (
	"math/rand/v2"
	"testing"

	"github.com/skewatch/skewatch/collector/message"
)

func TestBlockReadAllocates(t *testing.T) {
	f := fleet{rand.New(rand.NewPCG(1, 2)), 1000, false}
	block := sealed(f.messages(1000, message.UDP)...)
	var r blockReader
	var m message.Message
	n := testing.AllocsPerRun(10, func() {
		if err := r.open(block); err != nil {
			t.Fatal(err)
		}
		for r.next(&m) {
		}
	})
	if n > 10 {
		t.Errorf("%v allocations to read 1000 messages", n)
	}
}
