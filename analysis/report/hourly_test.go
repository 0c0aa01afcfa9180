package report

import (
	"reflect"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
)

// aDay returns the roll-ups of a day, and the same with its first hours merged.
func aDay(hours int) (fine, thinned []analysis.KeyedRollUp) {
	for n := range 288 {
		r := rollUp(n, time.Duration(n%7*n%13-5)*150*time.Millisecond)
		r.RollUp.Out = time.Duration(n%5) * time.Second
		r.RollUp.Extreme = r.RollUp.Interval.Offset * time.Duration(1+n%3)
		switch n % 10 {
		case 8:
			r.RollUp.Held = true
		case 9:
			r.RollUp.Verdict, r.RollUp.Messages, r.RollUp.First, r.RollUp.Last, r.RollUp.Out = analysis.Silent, 0, 0, 0, 0
		}
		fine = append(fine, r)
	}
	for n, r := range fine {
		switch {
		case n >= 12*hours:
			thinned = append(thinned, r)
		case n%12 == 0:
			thinned = append(thinned, analysis.KeyedRollUp{Key: r.Key, RollUp: r.RollUp.Hourly()})
		default:
			thinned[len(thinned)-1].RollUp.Merge(&r.RollUp)
		}
	}
	return fine, thinned
}

func rowOf(t *testing.T, rollUps []analysis.KeyedRollUp) Row {
	t.Helper()
	b := NewBuilder(judgedBy(time.Second), nil)
	b.Identify(web1("now"))
	for _, r := range rollUps {
		b.Add(r)
	}
	return onlyRow(t, b)
}

// TestHourlyRow makes the same row from five-minute roll-ups and from hourly ones, but
// for the percentiles.
func TestHourlyRow(t *testing.T) {
	for n := 1; n <= 288; n++ { // wherever the period ends
		fine, thinned := aDay(n / 12)
		want, have := rowOf(t, fine[:n]), rowOf(t, thinned[:n/12+n%12])
		have.OffsetP50, have.OffsetP95 = want.OffsetP50, want.OffsetP95
		if !reflect.DeepEqual(have, want) {
			t.Fatalf("of %d roll-ups the row is\n%+v\nwant\n%+v", n, have, want)
		}
	}
}

// TestHourlyWeight has a clock that was 0.1 s ahead in hours that are merged, and
// 0.5 s in five-minute roll-ups of half that time: the median is that of the time.
func TestHourlyWeight(t *testing.T) {
	b := NewBuilder(judgedBy(time.Second), nil)
	for hour := range 2 {
		r := rollUp(12*hour, 100*time.Millisecond)
		for n := range 11 {
			next := rollUp(12*hour+1+n, 100*time.Millisecond)
			r.RollUp.Merge(&next.RollUp)
		}
		b.Add(r)
	}
	for n := range 12 {
		b.Add(rollUp(24+n, 500*time.Millisecond))
	}
	if r := onlyRow(t, b); *r.OffsetP50 != 0.1 || *r.OffsetP95 != 0.5 {
		t.Errorf("percentiles %v, %v, want 0.1, 0.5", *r.OffsetP50, *r.OffsetP95)
	}
}
