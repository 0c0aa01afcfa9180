package analysis

import "fmt"

// An Identity is who an originator is and what is said of it now.
type Identity struct {
	Key         string
	Host        string // as sent, or the peer's address
	Source      string // the peer's address; empty if it isn't known
	Via         string // the relay's address; empty if the peer is the host, as far as is known
	Zone        string // as written or assumed: "+02:00", or an IANA name
	Claims      []string
	Verdict     Verdict
	Explanation string
	Check       string // what to check on the host; empty where nothing is to be done
	Absent      bool   // has never spoken, and should
}

// Identities returns all originators. What is said of them is as fresh as the last
// Tick or Refresh.
func (f *Fleet) Identities() []Identity {
	all := make([]Identity, 0, len(f.originators))
	followers := f.followers()
	for _, o := range f.originators {
		if o.standIn() && o.judged.verdict != Silent {
			continue
		}
		words, check := o.sharedWords(followers), o.check()
		if words != "" {
			check = o.checkShared()
		}
		all = append(all, Identity{
			Key: o.key, Host: o.host, Source: o.source(), Via: o.via(), Zone: o.zoneName(), Claims: o.claims(words),
			Verdict: o.judged.verdict, Explanation: o.judged.reason, Check: check, Absent: o.standIn(),
		})
	}
	return all
}

// source returns the peer's address, empty if it isn't known.
func (o *originator) source() string {
	if !o.peer.IsValid() {
		return ""
	}
	return o.peer.String()
}

// IdentityOf returns what a key alone tells of an originator that the fleet doesn't
// know any more.
func IdentityOf(key string) Identity {
	host, source := splitKey(key)
	if host == "" {
		host = source
	}
	return Identity{Key: key, Host: host, Source: source, Claims: []string{}}
}

// zoneName returns the zone that the originator's stamps are read in.
func (o *originator) zoneName() string {
	if r := &o.open; r.ZoneWritten {
		return ZoneEast(r.ZoneEast)
	}
	return o.rule.Zone.String()
}

// ZoneEast writes a zone's distance from UTC, in seconds east, as "+HH:MM".
func ZoneEast(east int32) string {
	sign := '+'
	if east < 0 {
		sign, east = '-', -east
	}
	return fmt.Sprintf("%c%02d:%02d", sign, east/3600, east/60%60)
}

// Open returns the roll-up of the originator with a key that isn't ended yet, and so what is
// known of its clock now.
func (f *Fleet) Open(key []byte) (RollUp, bool) {
	o := f.originators[string(key)]
	if o == nil {
		return RollUp{}, false
	}
	return o.open, true
}
