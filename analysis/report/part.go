package report

// A Part gathers the stored roll-ups of a part of a Builder's period. Several may do so at
// once, while the Builder itself does nothing.
type Part struct {
	whole     *Builder
	known     []gathered          // by the places of the whole's accounts
	strangers map[string]*account // those that the whole has none of
}

// Part returns a part without roll-ups.
func (b *Builder) Part() *Part {
	return &Part{whole: b, known: make([]gathered, len(b.order)), strangers: map[string]*account{}}
}

// Add takes in an encoded roll-up, unless it is unsettled. Those of one originator must
// come in order of time, each once.
func (p *Part) Add(start int64, key, blob []byte) error {
	a, g := p.account(key)
	if start >= a.unsettled {
		return nil
	}
	if err := g.last.UnmarshalBinary(blob); err != nil {
		return err
	}
	g.add(a)
	return nil
}

// account returns an originator's account and where its part is gathered.
func (p *Part) account(key []byte) (*account, *gathered) {
	if a := p.whole.accounts[string(key)]; a != nil { // without a copy of the key
		return a, &p.known[a.place]
	}
	a := p.strangers[string(key)]
	if a == nil {
		a = p.whole.open(string(key))
		p.strangers[a.identity.Key] = a
	}
	return a, &a.gathered
}

// Join takes in what a part has gathered, which must come after all that the builder has.
func (b *Builder) Join(p *Part) {
	for i := range p.known {
		b.order[i].join(&p.known[i])
	}
	for key, later := range p.strangers {
		if a := b.accounts[key]; a != nil {
			a.join(&later.gathered)
		} else {
			b.enter(later)
		}
	}
}
