package report

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
)

// TestPartsJoined gathers a period in two parts: the rows are as from the whole.
func TestPartsJoined(t *testing.T) {
	const spans, unsettled = 20, 15
	whole, b := NewBuilder(judgedBy(time.Second), nil), NewBuilder(judgedBy(time.Second), nil)
	for _, builder := range []*Builder{whole, b} {
		builder.Identify(web1("now"))
	}
	b.Unsettled(key, rollUp(unsettled, 0).RollUp.Start)
	var recent []analysis.KeyedRollUp
	parts := []*Part{b.Part(), b.Part()}
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := range spans {
		for _, name := range []string{key, "stranger\x00192.0.2.8", "later\x00192.0.2.9"} {
			r := rollUp(n, time.Duration(rnd.IntN(4000)-2000)*time.Millisecond)
			if r.Key = name; name[0] == 'l' && n < spans/2 {
				continue
			}
			whole.Add(r)
			blob, err := r.RollUp.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := parts[n/(spans/2)].Add(r.RollUp.Start, []byte(r.Key), blob); err != nil {
				t.Fatal(err)
			}
			if name == key && n >= unsettled {
				recent = append(recent, r)
			}
		}
	}
	for _, p := range parts {
		b.Join(p)
	}
	for _, r := range recent {
		b.Add(r)
	}
	if have, want := b.Rows(everybody), whole.Rows(everybody); !reflect.DeepEqual(have, want) || len(want) != 3 {
		t.Errorf("have %+v, want %+v", have, want)
	}
}

// TestQuantilesByWeight holds them against those of a list that has each offset as often
// as it weighs.
func TestQuantilesByWeight(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for n := range 300 {
		var o offsets
		var all, magnitudes []float64
		for range 1 + n/5 {
			s, weight := float64(rnd.IntN(40)-20)/8, 1+uint64(rnd.IntN(1+n%3*5))
			o.add(s, weight)
			for range weight {
				all, magnitudes = append(all, s), append(magnitudes, math.Abs(s))
			}
		}
		o.sort()
		slices.Sort(all)
		slices.Sort(magnitudes)
		for _, p := range []float64{0.05, 0.5, 0.95, 1} {
			at := int(math.Ceil(p*float64(len(all)))) - 1
			if have := o.quantile(p); have != all[at] {
				t.Errorf("quantile %v of %v: %v, want %v", p, all, have, all[at])
			}
			if have := o.magnitude(p); have != magnitudes[at] {
				t.Errorf("magnitude %v of %v: %v, want %v", p, all, have, magnitudes[at])
			}
		}
	}
}
