package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/skewatch/skewatch/analysis"
)

// A Builder gathers the roll-ups and findings of a period into rows.
type Builder struct {
	judged   func(analysis.Identity) time.Duration
	asked    *Profile
	accounts map[string]*account
}

// NewBuilder returns a builder. Compliance is reckoned by the profile asked for, or
// if that is nil by the tolerance that judged returns: the one by which the server
// judges the originator.
func NewBuilder(judged func(analysis.Identity) time.Duration, asked *Profile) *Builder {
	return &Builder{judged: judged, asked: asked, accounts: map[string]*account{}}
}

// Identify says who an originator is. What is not identified goes by its key. The
// explanation must be that of the originator's newest verdict in the period, or empty.
func (b *Builder) Identify(i analysis.Identity) { b.identify(b.account(i.Key), i) }

func (b *Builder) account(key string) *account {
	a := b.accounts[key]
	if a == nil {
		a = &account{}
		b.identify(a, analysis.IdentityOf(key))
		b.accounts[key] = a
	}
	return a
}

func (b *Builder) identify(a *account, i analysis.Identity) {
	a.identity, a.judged = i, b.judged(i)
	a.tolerance = a.judged
	if b.asked != nil {
		a.tolerance = b.asked.Tolerance()
	}
}

// Add takes in a roll-up. Those of one originator must come in order of time, each
// once.
func (b *Builder) Add(r analysis.KeyedRollUp) { b.account(r.Key).add(r.RollUp) }

// Note takes in a finding; one that is neither step nor backlog is passed over.
func (b *Builder) Note(f analysis.Finding) {
	a := b.account(f.Key)
	if s := f.Step; s != nil {
		a.steps = append(a.steps, Step{At: time.Unix(0, s.At).UTC(), Seconds: math.Round(s.Seconds*1e9) / 1e9})
	}
	if l := f.Backlog; l != nil {
		a.backlogs = append(a.backlogs, Backlog{
			From: time.Unix(0, l.From).UTC(), To: time.Unix(0, l.To).UTC(),
			Messages: l.Messages, Oldest: seconds(time.Duration(l.Oldest)),
		})
	}
}

// Rows returns the rows of all originators that sent messages in the period, or
// should have, and whose host the filter accepts, by host, then by falling trust, then by source.
func (b *Builder) Rows(accept func(host string) bool) []Row {
	rows := []Row{}
	for _, a := range b.accounts {
		if a.rollUps > 0 && accept(a.identity.Host) {
			rows = append(rows, a.row())
		}
	}
	slices.SortFunc(rows, func(x, y Row) int {
		return cmp.Or(cmp.Compare(x.Host, y.Host), cmp.Compare(rank(y.Trust), rank(x.Trust)), cmp.Compare(x.Source, y.Source))
	})
	return rows
}

// rank orders the classes of trust.
func rank(trust string) int { return slices.Index([]string{"udp", "handshake", "certificate"}, trust) }
