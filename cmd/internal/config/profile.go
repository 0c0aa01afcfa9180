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

// Limits returns how far off a clock may be by a rule, and from where on that is critical;
// known is false for a profile that isn't a rule.
func (p Profile) Limits() (tolerance, critical time.Duration, known bool) {
	rule, known := profiles[p]
	return rule.tolerance, rule.critical, known
}

// settleProfile makes profile and tolerance agree.
func (l *loader) settleProfile() {
	c := l.config
	l.settle("", &c.Profile, &c.Tolerance, &c.Critical)
}

// settle makes a profile and a tolerance agree, whose keys begin with at. The one from the
// stronger source holds: a tolerance over a profile makes it custom, a profile over a
// tolerance brings its own. From one source they must not contradict each other.
func (l *loader) settle(at string, profile *Profile, tolerance, critical *time.Duration) {
	if l.unread(at+"profile", at+"tolerance") {
		return
	}
	from := l.config.origins
	named, given := from[at+"profile"], from[at+"tolerance"]
	rule := profiles[*profile]
	switch {
	case *profile == ProfileCustom && given.source == fromDefault:
		l.fail(at+"profile", named, string(*profile), fault{problem: "needs a tolerance", hint: `give one, such as "2s"`})
	case *profile == ProfileCustom:
		*critical = 5 * *tolerance
	case given.source > named.source:
		*profile, *critical = ProfileCustom, 5**tolerance
		from[at+"profile"] = given
	case given.source == named.source && given.source != fromDefault && *tolerance != rule.tolerance:
		l.fail(at+"tolerance", given, formatDuration(*tolerance), fault{
			problem: fmt.Sprintf("contradicts profile %s, which allows %s", *profile, formatDuration(rule.tolerance)),
			hint:    "remove one of the two, or make the profile custom"})
	default:
		*tolerance, *critical = rule.tolerance, rule.critical
		from[at+"tolerance"] = origin{source: fromProfile, name: string(*profile)}
	}
}
