//go:build !race

package analysis

// UnderRace says whether the tests run under the race detector.
const UnderRace = false
