package ntpcheck

import (
	"fmt"
	"time"
)

// Stepped says that our clock was set: what the sources said before is void, and all of
// them are asked again at once. Until they have been, nothing vouches for our clock, not
// even the kernel or the operator, who spoke of the clock as it was.
func (m *Monitor) Stepped(s Step) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stepped, m.epoch = &s, m.epoch+1
	m.track = Track{}
	m.last = combination{source: m.last.source}
	m.watch.combined = nil
	for _, src := range m.sources {
		src.filter, src.asked = nil, src.denied
		src.hurry()
		select {
		case src.again <- struct{}{}:
		default: // it was told already
		}
	}
}

// JudgeUserClock has both ends of each exchange stamped by the clock that programs read.
// It is for where the kernel's receive stamps are of another.
func (m *Monitor) JudgeUserClock() { m.user.Store(true) }

// systemTime returns the clock that the library is to stamp queries and replies with; nil
// for programs' clock and the kernel's stamps.
func (m *Monitor) systemTime() func() time.Time {
	if m.cfg.Now == nil && m.user.Load() {
		return time.Now
	}
	return m.cfg.Now
}

// anew says that our clock was set and isn't measured again; "" otherwise.
func (m *Monitor) anew() string {
	if m.stepped == nil {
		return ""
	}
	return fmt.Sprintf("our clock was %v, and isn't measured anew yet: ", m.stepped)
}

// unasked reports whether a source hasn't been asked yet since our clock was set.
func (m *Monitor) unasked() bool {
	if m.stepped == nil {
		return false
	}
	for _, src := range m.sources {
		if !src.asked {
			return true
		}
	}
	return false
}

// currentEpoch counts how often our clock was set.
func (m *Monitor) currentEpoch() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.epoch
}
