package report

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skewatch/skewatch/analysis"
)

// A Builder gathers the roll-ups and findings of a period into rows.
type Builder struct {
	judged   func(analysis.Identity) time.Duration
	asked    *Profile
	accounts map[string]*account
	order    []*account // the same ones
	moves    []Move
	events   []ClockEvent
}

// NewBuilder returns a builder. Compliance is reckoned by the profile asked for, or
// if that is nil by the tolerance that judged returns: the one by which the server
// judges the originator. It may be called by several goroutines at once.
func NewBuilder(judged func(analysis.Identity) time.Duration, asked *Profile) *Builder {
	return &Builder{judged: judged, asked: asked, accounts: map[string]*account{}}
}

// Identify says who an originator is. What is not identified goes by its key. The
// explanation must be that of the originator's newest verdict in the period, or empty.
func (b *Builder) Identify(i analysis.Identity) { b.identify(b.account(i.Key), i) }

func (b *Builder) account(key string) *account {
	a := b.accounts[key]
	if a == nil {
		a = b.open(key)
		b.enter(a)
	}
	return a
}

// open returns the account of an originator that nobody has identified.
func (b *Builder) open(key string) *account {
	a := &account{unsettled: math.MaxInt64}
	b.identify(a, analysis.IdentityOf(key))
	return a
}

func (b *Builder) enter(a *account) {
	a.place = len(b.order)
	b.order = append(b.order, a)
	b.accounts[a.identity.Key] = a
}

// Unsettled says that an originator's roll-ups from a start on may not be as stored: a
// Part passes them over, and Add gives them.
func (b *Builder) Unsettled(key string, start int64) {
	a := b.account(key)
	a.unsettled = min(a.unsettled, start)
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
func (b *Builder) Add(r analysis.KeyedRollUp) {
	a := b.account(r.Key)
	a.last = r.RollUp
	a.add(a)
}

// Heard reports whether messages of an originator were taken in.
func (b *Builder) Heard(key string) bool {
	a := b.accounts[key]
	return a != nil && a.messages > 0
}

// Precede takes in a roll-up from before all that Add was given of its originator.
func (b *Builder) Precede(r analysis.KeyedRollUp) {
	a := b.account(r.Key)
	later := a.gathered
	a.gathered = gathered{last: r.RollUp}
	a.add(a)
	a.join(&later)
}

// Note takes in a finding; a warning is passed over, unless it is about the collector, and
// what a rule over messages found.
func (b *Builder) Note(f analysis.Finding) {
	if e := f.Event; e != nil && e.Common != nil {
		b.noteMove(e)
		return
	}
	if c := f.Collector; c != nil {
		b.events = append(b.events, ClockEvent{At: c.At, Seconds: c.Seconds, Text: c.Text})
		return
	}
	if f.Mute != nil || f.Rule != nil {
		return
	}
	a := b.account(f.Key)
	if s := f.Step; s != nil {
		a.steps = append(a.steps, Step{At: time.Unix(0, s.At).UTC(), Seconds: math.Round(s.Seconds*1e9) / 1e9, Said: s.Said})
	}
	if f.Said != nil {
		a.hear(f.Said)
	}
	if l := f.Backlog; l != nil {
		a.backlogs = append(a.backlogs, Backlog{
			From: time.Unix(0, l.From).UTC(), To: time.Unix(0, l.To).UTC(),
			Messages: l.Messages, Oldest: seconds(time.Duration(l.Oldest)),
		})
	}
}

// hear has what the host said explain a step that nothing had yet.
func (a *account) hear(s *analysis.Saying) {
	for i := range a.steps {
		step := &a.steps[i]
		step.Said = s.Explain(step.Said, step.At, step.Seconds)
	}
}

// noteMove takes in the beginning of a common move, or its end.
func (b *Builder) noteMove(e *analysis.Event) {
	m := Move{At: e.Common.At, Seconds: seconds(e.Common.Size), Moved: e.Common.Moved, Voters: e.Common.Voters, Text: e.Text}
	if e.Kind == analysis.Clear {
		m.Until = &e.Time
	}
	if last := len(b.moves) - 1; last >= 0 && b.moves[last].At.Equal(m.At) {
		b.moves[last] = m
		return
	}
	b.moves = append(b.moves, m)
}

// Moves returns the common moves of which findings told, oldest first.
func (b *Builder) Moves() []Move { return b.moves }

// Events returns what findings told of the collector's own clock, in their order.
func (b *Builder) Events() []ClockEvent { return b.events }

// Rows returns the rows of all originators that sent messages in the period, or
// should have, and whose host the filter accepts, by host, then by falling trust, then by source.
func (b *Builder) Rows(accept func(host string) bool) []Row {
	accounts := make([]*account, 0, len(b.order))
	for _, a := range b.order {
		if a.rollUps > 0 && accept(a.identity.Host) {
			accounts = append(accounts, a)
		}
	}
	slices.SortFunc(accounts, func(x, y *account) int {
		if c := strings.Compare(x.identity.Host, y.identity.Host); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(rank(y.trust()), rank(x.trust())), strings.Compare(x.identity.Source, y.identity.Source))
	})
	rows := make([]Row, len(accounts))
	each := max(1, (len(rows)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for from := 0; from < len(rows); from += each {
		all.Go(func() {
			for i := from; i < min(from+each, len(rows)); i++ {
				rows[i] = accounts[i].row()
			}
		})
	}
	all.Wait()
	return rows
}

// rank orders the classes of trust.
func rank(trust string) int { return slices.Index([]string{"udp", "handshake", "certificate"}, trust) }
