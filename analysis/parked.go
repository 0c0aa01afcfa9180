package analysis

import "errors"

// asksPerSecond bounds how often the store is asked for names that nobody needs to know.
const asksPerSecond = 100

// parked is the originators that have no place in the table, and whose states are on disk
// or on their way there.
type parked struct {
	count   int
	leaving map[string]leftover // since the last snapshot
	written map[string]leftover // in the last snapshot, which may not be stored yet
	asked   int64               // the receive time, in seconds, for which asks counts
	asks    int
}

// A leftover is what an evicted originator leaves to be stored.
type leftover struct {
	blob []byte
	open RollUp
}

// evict parks an originator.
func (f *Fleet) evict(o *originator) {
	if f.parked.leaving == nil {
		f.parked.leaving = map[string]leftover{}
	}
	f.parked.leaving[o.key] = leftover{o.encode(), o.open}
	f.drop(o)
	f.admission.Evicted++
}

// drop takes an originator whose state is kept elsewhere out of the table.
func (f *Fleet) drop(o *originator) {
	delete(f.originators, o.key)
	f.agenda.remove(o)
	if !o.standIn() {
		o.namesakes.part(o)
		o.neighbours.part(o)
		o.tally(-1)
	}
	f.release(o)
	f.parked.count++
}

// release lets go of what admit gave the originator.
func (f *Fleet) release(o *originator) {
	if o.namesakes.holders--; o.namesakes.holders == 0 {
		delete(f.names, o.name())
	}
	if o.neighbours.holders--; o.neighbours.holders == 0 {
		delete(f.peers, o.peer)
	}
	if o.ofNetwork.holders--; o.ofNetwork.holders == 0 {
		delete(f.networks, networkOf(o.peer))
	}
}

// Why recall returns no originator although there may be one.
var (
	errNotToBeRead  = errors.New("analysis: the store can't tell at the moment")
	errDamagedState = errors.New("analysis: the state can't be decoded")
)

// recall returns the originator that is parked under a key; nil and no error if there is
// none.
func (f *Fleet) recall(key []byte) (*originator, error) {
	if f.parked.count == 0 {
		return nil, nil
	}
	blob, ok := f.parked.find(key)
	if !ok {
		if blob, ok = f.config.Recall(string(key)); !ok {
			return nil, errNotToBeRead
		}
	}
	if blob == nil {
		return nil, nil
	}
	o, err := decodeOriginator(Blob{string(key), blob})
	if err != nil {
		return nil, errDamagedState
	}
	return o, nil
}

// giveUp forgets a parked originator whose state is damaged: another takes its key.
func (f *Fleet) giveUp(key []byte) {
	delete(f.parked.leaving, string(key))
	f.parked.count--
	f.admission.Damaged++
}

// find returns a state that may not be on disk yet.
func (p *parked) find(key []byte) (blob []byte, ok bool) {
	if l, ok := p.leaving[string(key)]; ok {
		return l.blob, true
	}
	l, ok := p.written[string(key)]
	return l.blob, ok
}

// mayAsk reports whether the store may be asked for a name on probation: then a host that
// was parked doesn't have to stand another one, unless there are too many new names.
func (f *Fleet) mayAsk(received int64) bool {
	p := &f.parked
	if now := received / second; now != p.asked {
		p.asked, p.asks = now, 0
	}
	p.asks++
	return p.count > 0 && p.asks <= asksPerSecond
}

// welcome puts a recalled originator back into the table.
func (f *Fleet) welcome(o *originator) {
	delete(f.parked.leaving, o.key)
	f.parked.count--
	f.admission.Recalled++
	o.changed = true
	f.restore(o)
}

// snapshot adds what evicted originators leave.
func (p *parked) snapshot(s *Snapshot) {
	for key, l := range p.leaving {
		s.Originators = append(s.Originators, Blob{key, l.blob})
	}
	s.RollUps = p.rollUps(s.RollUps)
	p.leaving, p.written = nil, p.leaving
}

// rollUps appends those that were open when originators were evicted.
func (p *parked) rollUps(all []KeyedRollUp) []KeyedRollUp {
	for key, l := range p.leaving {
		if l.open.worth() {
			all = append(all, KeyedRollUp{key, l.open})
		}
	}
	return all
}
