package analysis

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Hosts that write local time without a zone are found on a fleet's first day, by
// the hundred: what is wrong then is how their stamps are read. So on that day a few
// of them are warned of singly, and the others told of together.
const (
	digestSpan    = day
	digestSingles = 3      // for each class of trust, so that a lower one doesn't use up a higher one's
	digestEvery   = hour   // two digests are this far apart
	digestAfter   = minute // the first waits this long for others
)

// A digest gathers the hosts that one event is to tell of.
type digest struct {
	singles  [trusts]uint8
	zones    map[int32]int // hosts gathered, by the zone their stamps fit, in seconds east
	severity Severity
	since    int64 // when the first was gathered
	told     int64 // when the last digest was told; 0 for never
}

// takes reports whether the originator's new warning is told with those of others.
func (d *digest) takes(o *originator, began, now int64) bool {
	if o.warning.raised != WrongZone || !o.judged.local || now-began >= digestSpan {
		return false
	}
	if d.singles[o.trust] < digestSingles {
		d.singles[o.trust]++
		return false
	}
	if len(d.zones) == 0 {
		d.zones, d.severity, d.since = map[int32]int{}, NoSeverity, now
	}
	d.zones[o.judged.fits]++
	d.severity = max(d.severity, o.warning.severity)
	return true
}

// leave takes out one that was gathered.
func (d *digest) leave(o *originator) {
	if z := o.judged.fits; d.zones[z] > 1 {
		d.zones[z]--
	} else {
		delete(d.zones, z)
	}
}

// due reports whether it is time to tell of those that were gathered.
func (d *digest) due(now int64) bool {
	return len(d.zones) > 0 && now-d.since >= digestAfter && (d.told == 0 || now-d.told >= digestEvery)
}

// tellDigest appends the event for all that were gathered, once it is time. Hosts that were
// muted meanwhile are warned of singly: then they are told when the mute ends.
func (f *Fleet) tellDigest(found []Finding, now int64) []Finding {
	if !f.digest.due(now) {
		return found
	}
	f.changed = true
	for _, o := range f.gathered() {
		o.warning.voice, o.changed = digestVoice, true
		if f.untold(o) {
			f.digest.leave(o)
			found = append(found, o.finding(Finding{Event: o.raise(o.warning.anew(), now, &f.config.Params)}))
		}
	}
	if len(f.digest.zones) == 0 {
		return found
	}
	return append(found, Finding{Key: fleetKey, Event: f.digest.tell(now)})
}

// gathered returns the hosts of which the next digest tells, in order of their keys.
func (f *Fleet) gathered() []*originator {
	var all []*originator
	for _, o := range f.originators {
		if o.warning.voice == gatheredVoice {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b *originator) int { return strings.Compare(a.key, b.key) })
	return all
}

// tell returns the event for all that were gathered.
func (d *digest) tell(now int64) *Event {
	e := &Event{
		Time: unixUTC(now), Kind: Raise, Severity: d.severity, Verdict: WrongZone, Previous: InSync,
		Since: unixUTC(d.since), Text: d.words(), Check: checkLocalTime,
	}
	d.zones, d.told = nil, now
	return e
}

// words names the zones by falling number of hosts.
func (d *digest) words() string {
	zones := slices.SortedFunc(maps.Keys(d.zones), func(a, b int32) int {
		return cmp.Or(cmp.Compare(d.zones[b], d.zones[a]), cmp.Compare(a, b))
	})
	total := 0
	fits := make([]string, len(zones))
	for i, z := range zones {
		total += d.zones[z]
		fits[i] = fmt.Sprintf("%d fit %s", d.zones[z], ZoneEast(z))
	}
	return fmt.Sprintf("%d more hosts write local time without a zone, which is read wrongly: %s; set --assume-zone, or hosts: zone",
		total, strings.Join(fits, ", "))
}
