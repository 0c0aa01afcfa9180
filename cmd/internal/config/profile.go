package config

import (
	"fmt"
	"time"
)

// Profile names a rule that says how far off a clock may be.
type Profile string

// The profiles.
const (
	ProfileDefault Profile = "default" // warns at 1 s, critical at 5 s
	ProfileSRG     Profile = "srg"     // DISA Central Log Server SRG: 1 s
	ProfileFINRA   Profile = "finra"   // FINRA rule 4590: 50 ms
	ProfileCustom  Profile = "custom"  // the operator's own tolerance, critical at five times that
)

// limits are what a profile allows, either way. A rule's limit is kept or
// broken: beyond it everything is critical.
type limits struct{ tolerance, critical time.Duration }

var profiles = map[Profile]limits{
	ProfileDefault: {time.Second, 5 * time.Second},
	ProfileSRG:     {time.Second, time.Second},
	ProfileFINRA:   {50 * time.Millisecond, 50 * time.Millisecond},
}

// settleProfile makes profile and tolerance agree. The one from the stronger
// source holds: a tolerance over a profile makes it custom, a profile over a
// tolerance brings its own. From one source they must not contradict each other.
func (l *loader) settleProfile() {
	c := l.config
	named, given := c.origins["profile"], c.origins["tolerance"]
	rule, isRule := profiles[c.Profile]
	switch {
	case !isRule && given.source == fromDefault:
		l.fail("profile", named, string(c.Profile), fault{problem: "needs a tolerance", hint: `give one, such as "2s"`})
	case !isRule:
		c.Critical = 5 * c.Tolerance
	case given.source > named.source:
		c.Profile, c.Critical = ProfileCustom, 5*c.Tolerance
		c.origins["profile"] = given
	case given.source == named.source && given.source != fromDefault && c.Tolerance != rule.tolerance:
		l.fail("tolerance", given, formatDuration(c.Tolerance), fault{
			problem: fmt.Sprintf("contradicts profile %s, which allows %s", c.Profile, formatDuration(rule.tolerance)),
			hint:    "remove one of the two, or make the profile custom"})
	default:
		c.Tolerance, c.Critical = rule.tolerance, rule.critical
		c.origins["tolerance"] = origin{source: fromProfile, name: string(c.Profile)}
	}
}
