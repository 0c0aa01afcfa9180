package storage

import (
	"strings"

	"github.com/skewatch/skewatch/collector/message"
)

// A Query selects messages. The zero value selects all.
type Query struct {
	After uint64 // only messages with a Sequence greater than this
	Since int64  // only messages with Received at or after this, Unix ns; 0 for no limit
	Until int64  // only messages with Received before this, Unix ns; 0 for no limit

	// Progress, if not nil, is called from time to time with the sequence that the reading
	// has come to and the last that it will come to.
	Progress func(at, last uint64)

	// Host asks only for messages of the host of this name, ASCII letters in any case;
	// a message without a name goes by its Source. "" stands for all.
	Host string

	// SentSince and SentUntil ask only for messages whose stamps lie between them, Unix
	// ns; 0 for no limit. A stamp without a zone is read as UTC, and one without a year
	// in the year nearest to its receipt; about half a year off it is read in both. A
	// message without a usable stamp isn't selected.
	SentSince int64
	SentUntil int64

	Pattern *Pattern // only messages that it matches; nil for all
}

// mayMatch reports whether messages received between earliest and latest can
// match. Listeners and clock steps leave the ranges of blocks overlapping, so one
// that is too late says nothing about the one after it.
func (q *Query) mayMatch(earliest, latest int64) bool {
	return (q.Since == 0 || latest >= q.Since) && (q.Until == 0 || earliest < q.Until)
}

// mayMatchBlock reports whether a block with this header can hold what is asked for, as
// far as it goes by numbers and times.
func (q *Query) mayMatchBlock(h *blockHeader) bool {
	return h.last > q.After && q.mayMatch(h.earliest, h.latest) && q.mayMatchSent(h)
}

func (q *Query) progress(at, last uint64) {
	if q.Progress != nil {
		q.Progress(max(at, q.After), last)
	}
}

func (q *Query) matches(m *message.Message) bool {
	return m.Sequence > q.After && q.mayMatch(m.Received, m.Received) && (q.Host == "" || q.matchesHost(m)) &&
		q.matchesSent(m) && (q.Pattern == nil || q.Pattern.match(m.Raw))
}

func (q *Query) matchesHost(m *message.Message) bool {
	if len(m.Host) == 0 {
		return m.Source.String() == q.Host
	}
	return len(m.Host) == len(q.Host) && strings.EqualFold(string(m.Host), q.Host)
}
