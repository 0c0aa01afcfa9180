package analysis

import (
	"fmt"
	"slices"
)

// An impostor is somebody else who speaks in the originator's name.
type impostor struct {
	found bool
	words string
}

// findImpostor looks for a voice of lower trust in the originator's name: one from
// the same peer whose stamps contradict the witness's, or any from another peer. It
// reports whether that is news.
func (o *originator) findImpostor(p *Params) bool {
	if o.judged.verdict == Insufficient {
		return false // it must be known itself first
	}
	words := o.otherVoice(p)
	if words == "" {
		words = o.otherPeer()
	}
	news := words != "" && !o.impostor.found
	o.impostor = impostor{found: words != "" || o.impostor.found, words: words}
	return news
}

// otherVoice tells of a speaker from the same peer.
func (o *originator) otherVoice(p *Params) string {
	w := o.witness(p)
	for _, s := range o.speakers {
		if s != w && s.trust < w.trust && s.contradicts(w, p) {
			return fmt.Sprintf("somebody else speaks as %s, over %s from %s: stamps %s ahead of what its clock allows",
				o.host, s.trust, o.peer, rounded(s.estimate.Low-w.estimate.High))
		}
	}
	return ""
}

// otherPeer tells of a namesake of lower trust.
func (o *originator) otherPeer() string {
	c := o.namesakes
	if from(0, &c.trusted) == from(o.trust, &c.trusted) {
		return "" // told without looking at each: a name may have been forged from everywhere
	}
	i := slices.IndexFunc(c.members, func(other *originator) bool { return other.trust < o.trust })
	other := c.members[i]
	return fmt.Sprintf("somebody else speaks as %s, over %s from %s", o.host, other.trust, other.peer)
}

// outspoken reports whether the name belongs to an originator of higher trust:
// then this one's evidence may raise a question and never a verdict.
func (o *originator) outspoken() bool {
	c := o.namesakes
	return from(o.trust, &c.trusted) > c.trusted[o.trust]
}
