package ntpcheck

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Notice is a change of the sources that may be an attack on our clock, or a
// failure that looks like one.
type Notice struct {
	ID   uint64 // counts from 1
	Time time.Time
	Kind NoticeKind

	// Source is the address of the source it is about; "" for all together.
	Source string

	// Previous and Value are what changed, from and to: strata, leap seconds,
	// addresses, states of authentication, a reference ID, seconds.
	Previous, Value string

	// Offset is that of the source, or of the reference: what must be added to our
	// clock.
	Offset time.Duration

	Text string // one line that says it all
}

// NoticeKind is what a [Notice] is about.
type NoticeKind string

// The kinds of notices.
const (
	NoticeFalseticker    NoticeKind = "falseticker"     // the majority contradicts a source
	NoticeStratum        NoticeKind = "stratum"         // a source's stratum changed
	NoticeLeap           NoticeKind = "leap"            // a source announces another leap second than before
	NoticeSystemPeer     NoticeKind = "system-peer"     // another source is selected
	NoticeAuthentication NoticeKind = "authentication"  // a source no longer proves its replies
	NoticeSharedUpstream NoticeKind = "shared-upstream" // all sources are measured against one and the same
	NoticeOffsetJump     NoticeKind = "offset-jump"     // the reference moved by more than its bounds allow
)

// keptNotices is how many notices are kept, the newest.
const keptNotices = 256

// Notices returns what was noticed after the notice of an ID, 0 for all that are kept,
// in order.
func (m *Monitor) Notices(after uint64) []Notice {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, _ := slices.BinarySearchFunc(m.watch.notices, after+1, func(n Notice, id uint64) int {
		return int(int64(n.ID - id))
	})
	return slices.Clone(m.watch.notices[i:])
}

// A watch compares each survey with the one before.
type watch struct {
	notices  []Notice
	last     uint64 // ID
	sources  map[*source]watched
	peer     string
	combined *combination
	shared   string // the reference ID that all sources have
}

// watched is how a source stood.
type watched struct {
	answered bool
	isFalse  bool
	stratum  string
	leap     Leap
	auth     string
}

func (w *watch) note(n Notice) {
	w.last++
	n.ID = w.last
	if len(w.notices) == keptNotices {
		w.notices = slices.Delete(w.notices, 0, 1)
	}
	w.notices = append(w.notices, n)
}

// look notes what has changed since the last survey.
func (w *watch) look(s survey, now time.Time) {
	sources := make(map[*source]watched, len(s.views))
	for i := range s.views {
		v := &s.views[i]
		was := w.sources[v.source]
		is := v.watched(was)
		sources[v.source] = is
		w.lookAt(v, was, is, now)
	}
	w.sources = sources
	if s.agreed {
		w.lookAtPeer(s.combined, now)
	}
	if s.agreed || s.doubted {
		w.lookForJump(s.combined, now)
	}
	w.lookUpstream(s, now)
}

// watched keeps what isn't known now as it was.
func (v *view) watched(was watched) watched {
	is := was
	is.isFalse = v.judged(was.isFalse)
	if v.auth.State != "" {
		is.auth = v.auth.State
	}
	if len(v.filter) > 0 {
		is.answered, is.stratum, is.leap = true, fmt.Sprint(v.stratum), announcedLeap(v.leap)
	}
	return is
}

func (w *watch) lookAt(v *view, was, is watched, now time.Time) {
	n := Notice{Time: now, Source: v.address(), Offset: v.offset}
	if is.isFalse && !was.isFalse {
		n.Kind, n.Previous, n.Value = NoticeFalseticker, "", fmt.Sprintf("%+.6f", v.offset.Seconds())
		n.Text = fmt.Sprintf("NTP source %s is a falseticker: %s", v.address(), v.reason)
		w.note(n)
	}
	if is.auth == AuthenticationFailed && was.auth != is.auth {
		n.Kind, n.Previous, n.Value = NoticeAuthentication, was.auth, is.auth
		n.Text = fmt.Sprintf("NTP source %s: %s", v.address(), v.problem)
		w.note(n)
	}
	if !was.answered {
		return
	}
	if is.stratum != was.stratum {
		n.Kind, n.Previous, n.Value = NoticeStratum, was.stratum, is.stratum
		n.Text = fmt.Sprintf("NTP source %s went from stratum %s to %s", v.address(), was.stratum, is.stratum)
		w.note(n)
	}
	if is.leap != was.leap {
		n.Kind, n.Previous, n.Value = NoticeLeap, string(was.leap), string(is.leap)
		n.Text = fmt.Sprintf("NTP source %s announces the leap second %q, before that %q", v.address(), is.leap, was.leap)
		w.note(n)
	}
}

func (w *watch) lookAtPeer(c combination, now time.Time) {
	was := w.peer
	w.peer = c.source
	if was == "" || was == c.source {
		return
	}
	w.note(Notice{Time: now, Kind: NoticeSystemPeer, Source: c.source, Previous: was, Value: c.source, Offset: c.offset,
		Text: fmt.Sprintf("NTP source %s is selected in place of %s", c.source, was)})
}

// lookForJump compares the reference with what is left of the last one: a clock that
// only drifts stays within the bound that grew since.
func (w *watch) lookForJump(c combination, now time.Time) {
	was := w.combined
	w.combined = &c
	if was == nil {
		return
	}
	jump := c.offset - was.offset
	if jump.Abs() <= was.boundAt(now)+c.bound {
		return
	}
	w.note(Notice{Time: now, Kind: NoticeOffsetJump, Offset: c.offset,
		Previous: fmt.Sprintf("%+.6f", was.offset.Seconds()), Value: fmt.Sprintf("%+.6f", c.offset.Seconds()),
		Text: fmt.Sprintf("our clock's offset jumped by %+.6f s to %+.6f s, more than both bounds", jump.Seconds(), c.offset.Seconds())})
}

// lookUpstream finds out that all sources that answer, two at least, hang on one
// server: then they are one voice.
func (w *watch) lookUpstream(s survey, now time.Time) {
	upstream := s.upstream()
	was := w.shared
	w.shared = upstream
	if upstream == "" || upstream == was {
		return
	}
	w.note(Notice{Time: now, Kind: NoticeSharedUpstream, Previous: was, Value: upstream, Offset: s.combined.offset,
		Text: fmt.Sprintf("all NTP sources are measured against %s: they are one voice, and can't outvote a wrong one", upstream)})
}

// upstream returns the reference ID that all sources have that answer; "" if they
// don't. A clock of the server's own has no upstream: those of stratum 1, and
// 127.127.x.x.
func (s survey) upstream() string {
	var shared string
	count := 0
	for _, v := range s.views {
		if !v.asked {
			return "" // it may know another
		}
		if v.state == Unreachable || v.state == Refused {
			continue
		}
		name := referenceName(v.stratum, v.referenceID)
		if v.stratum < 2 || v.referenceID == 0 || strings.HasPrefix(name, "127.127.") || count > 0 && name != shared {
			return ""
		}
		shared = name
		count++
	}
	if count < 2 {
		return ""
	}
	return shared
}
