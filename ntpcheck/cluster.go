package ntpcheck

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// minSurvivors is how many sources are combined even if they scatter (NMIN).
const minSurvivors = 3

// cluster casts out, of those that agree, who lies farthest from the others, as long
// as that makes the rest scatter less than they do by themselves (RFC 5905, section
// 11.2.2). Who is cast out tells the truth, but not precisely enough to be combined.
func cluster(agreeing []*view) (survivors []*view) {
	survivors = slices.Clone(agreeing)
	for len(survivors) > minSurvivors {
		worst, scatter := outlier(survivors)
		if scatter <= leastJitter(survivors) {
			break
		}
		v := survivors[worst]
		v.reason = fmt.Sprintf("not combined: %.3f ms from the others", float64(scatter)/float64(time.Millisecond))
		survivors = slices.Delete(survivors, worst, worst+1)
	}
	return survivors
}

// outlier returns who has the greatest selection jitter, and that.
func outlier(views []*view) (worst int, scatter time.Duration) {
	for i, v := range views {
		if s := selectionJitter(v, views); s > scatter {
			worst, scatter = i, s
		}
	}
	return worst, scatter
}

// selectionJitter is the root mean square of an offset's distances from the others.
func selectionJitter(v *view, views []*view) time.Duration {
	var sum float64
	for _, other := range views {
		d := float64(v.offset - other.offset)
		sum += d * d
	}
	return time.Duration(math.Sqrt(sum / float64(len(views)-1)))
}

// leastJitter is the smallest jitter of one source alone, but never less than our own
// stamps have.
func leastJitter(views []*view) time.Duration {
	least := views[0].jitter
	for _, v := range views[1:] {
		least = min(least, v.jitter)
	}
	return max(least, stampNoise)
}
