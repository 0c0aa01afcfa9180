package analysis

import (
	"fmt"
	"slices"
	"time"
)

// A MuteKind is how somebody asked that nobody be told.
type MuteKind uint8

// The kinds of mutes.
const (
	Silence         MuteKind = iota // of all warnings of the hosts that match, for a time
	Acknowledgement                 // of one warning: somebody sees to it
	muteKinds                       // how many there are
)

var muteKindNames = [...]string{"silence", "acknowledgement"}

func (k MuteKind) String() string { return muteKindNames[k] }

// MuteKinds returns all kinds.
func MuteKinds() []MuteKind { return []MuteKind{Silence, Acknowledgement} }

// MarshalText writes the kind's name.
func (k MuteKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a kind's name.
func (k *MuteKind) UnmarshalText(text []byte) error {
	i := slices.Index(muteKindNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("analysis: unknown kind of mute %q", text)
	}
	*k = MuteKind(i)
	return nil
}

// A Mute keeps people from being told of warnings: these are raised, changed and cleared as
// ever, but only kept. Its times are the fleet's.
type Mute struct {
	ID       uint64 // rises with each mute of either kind, from 1
	Kind     MuteKind
	Host     string    // a glob in lower case; of an acknowledgement the host's name
	Source   string    `json:",omitempty"` // of an acknowledgement: the peer's address
	Key      string    `json:",omitempty"` // of an acknowledgement: the originator's
	Verdicts []Verdict `json:",omitempty"` // of a silence: only these; none for all
	Severity Severity  `json:",omitempty"` // of an acknowledgement: what is graver is told
	Made     time.Time
	Begins   time.Time
	Ends     time.Time
	Author   string
	Comment  string
	Begun    bool `json:",omitempty"` // it has begun, whatever the clock says since
}

// ref returns what an event says of the mute that held it back.
func (m *Mute) ref() *MuteRef { return &MuteRef{m.Kind, m.ID} }

// A MuteRef names a mute.
type MuteRef struct {
	Kind MuteKind
	ID   uint64
}

// String returns the reference as people write it: "silence 3".
func (r MuteRef) String() string { return fmt.Sprintf("%v %d", r.Kind, r.ID) }

// A MuteEnding is why a mute ended.
type MuteEnding string

// The endings of mutes.
const (
	NotEnded  MuteEnding = ""         // it was made
	Expired   MuteEnding = "expired"  // its time was over
	Withdrawn MuteEnding = "ended"    // somebody ended it
	Cleared   MuteEnding = "cleared"  // the acknowledged warning was cleared
	Graver    MuteEnding = "graver"   // the acknowledged warning became critical
	Replaced  MuteEnding = "replaced" // the warning was acknowledged anew
)

// A MuteNews is what happened to a mute: it was made, or it ended.
type MuteNews struct {
	Mute
	At    time.Time
	Ended MuteEnding `json:",omitempty"`
	By    string     `json:",omitempty"` // who ended it, if somebody did
}
