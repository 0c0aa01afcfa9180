package analysis

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// fives returns the five-minute roll-ups of an hour, some of them of a silent host, some
// without an interval, some left out.
func fives(r *rand.Rand) []RollUp {
	var all []RollUp
	at := func(n, s int) int64 { return epoch + int64(n)*int64(RollUpSpan) + int64(s)*second }
	for n := range 12 {
		f := RollUp{Start: at(n, 0), Verdict: Silent, Known: r.IntN(4) > 0, Unusable: uint64(n), Trust: message.TrustHandshake}
		if f.Known {
			off := time.Duration(r.IntN(20)-10) * 100 * time.Millisecond
			f.Interval = Interval{Offset: off, Low: off - time.Millisecond, High: off + time.Millisecond}
			f.Extreme, f.Held, f.Skew = off, r.IntN(3) == 0, r.Float64()
		}
		if r.IntN(3) > 0 {
			f.Verdict, f.Messages, f.First, f.Last = InSync, 1+r.Uint64N(100), at(n, 1+r.IntN(9)), at(n, 10+r.IntN(200))
			if f.Known {
				f.Out = time.Duration(r.IntN(60)) * time.Second
				f.Extreme = f.Interval.Offset * time.Duration(1+r.IntN(3))
			}
		}
		if r.IntN(8) > 0 || n == 0 {
			all = append(all, f)
		}
	}
	return all
}

// merged returns an hour's roll-ups merged one by one.
func merged(all []RollUp) RollUp {
	hour := all[0].Hourly()
	for i := range all[1:] {
		hour.Merge(&all[1+i])
	}
	return hour
}

// TestMergeIsAssociative merges an hour one by one, and as two parts that were merged
// before.
func TestMergeIsAssociative(t *testing.T) {
	for seed := range uint64(300) {
		all := fives(rand.New(rand.NewPCG(seed, 1)))
		want := merged(all)
		if want.Start != epoch {
			t.Fatalf("it starts at %d, want the beginning of the hour, %d", want.Start, epoch)
		}
		for split := 1; split < len(all); split++ {
			have, rest := merged(all[:split]), merged(all[split:])
			if have.Merge(&rest); !reflect.DeepEqual(have, want) {
				t.Fatalf("seed %d, split at %d: have %+v\nwant %+v", seed, split, have, want)
			}
		}
	}
}

func TestMerge(t *testing.T) {
	at := func(n int) int64 { return epoch + int64(n)*minute }
	spoke := RollUp{Start: at(5), Messages: 10, First: at(6), Last: at(8), Verdict: Ahead, Known: true,
		Interval: Interval{Offset: 3 * time.Second, Low: 2 * time.Second, High: 4 * time.Second}, Extreme: -7 * time.Second, Out: time.Minute}
	quietNow := spoke.next(at(10))
	quietNow.Verdict = Silent
	anew := RollUp{Start: at(10), Messages: 1, First: at(11), Last: at(11), Verdict: Insufficient, Extreme: 9 * time.Second}
	lost := RollUp{Start: at(0), Messages: 2, First: at(1), Last: at(2), Verdict: Insufficient, Extreme: 9 * time.Second}
	before := RollUp{Start: at(0), Verdict: Silent, Extreme: -20 * time.Second, Known: true}
	tests := []struct {
		name           string
		earlier, later RollUp
		messages       uint64
		first, last    int64
		verdict        Verdict
		extreme, out   time.Duration
		weight         uint64
	}{
		{"then silent", spoke, quietNow, 10, at(6), at(8), Silent, -7 * time.Second, time.Minute, 1},
		{"silent before", before, spoke, 10, at(6), at(8), Ahead, -7 * time.Second, time.Minute, 1},
		{"without an interval before", lost, spoke, 12, at(1), at(8), Ahead, -7 * time.Second, time.Minute, 1},
		{"the estimate began anew", spoke, anew, 11, at(6), at(11), Insufficient, -7 * time.Second, time.Minute, 0},
		{"silent throughout", before, quietNow, 0, 0, 0, Silent, 3 * time.Second, 0, 0},
	}
	for _, tt := range tests {
		r := tt.earlier
		r.Merge(&tt.later)
		have := []any{r.Start, r.Messages, r.First, r.Last, r.Verdict, r.Extreme, r.Out, r.Weight(), r.Known, r.Interval}
		want := []any{at(0), tt.messages, tt.first, tt.last, tt.verdict, tt.extreme, tt.out, tt.weight, tt.later.Known, tt.later.Interval}
		if !reflect.DeepEqual(have, want) {
			t.Errorf("%s: have %v\nwant %v", tt.name, have, want)
		}
	}
}

func TestMergedCoding(t *testing.T) {
	for seed := range uint64(20) {
		want := merged(fives(rand.New(rand.NewPCG(seed, 2))))
		b, err := want.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var have RollUp
		if err := have.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("have %+v, %v, want %+v", have, err, want)
		}
	}
}
