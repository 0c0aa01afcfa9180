package analysis

import "testing"

// Long marks a simulation that takes seconds, and eight times as long under the race
// detector, which can find nothing there: a fleet is one goroutine's. "make test" runs it
// without.
func Long(t testing.TB) {
	t.Helper()
	if UnderRace {
		t.Skip("a long simulation without goroutines: run it without -race")
	}
}
