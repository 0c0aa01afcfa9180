package server

import (
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage"
)

// storeQuery returns what the store is asked for a query: it selects all messages of the
// query and, by host or by the time sent, some more.
func storeQuery(q api.Query) (storage.Query, error) {
	s := storage.Query{After: q.After}
	if isName(q.Host) {
		s.Host = q.Host // whose blocks alone are read then
	}
	if q.Clock == api.ClockSent {
		s.SentSince, s.SentUntil = sentRange(q.Since, q.Until)
	} else {
		s.Since, s.Until = unixNano(q.Since), unixNano(q.Until)
	}
	if q.Progress != nil {
		s.Progress = func(at, last uint64) { q.Progress(api.Progress{At: at, Last: last}) }
	}
	if q.Grep == "" {
		return s, nil
	}
	var err error
	if s.Pattern, err = storage.NewPattern(q.Grep); err != nil {
		return s, &api.QueryError{Parameter: "grep", Problem: "not a regular expression: " + api.BadExpression(q.Grep), Value: q.Grep}
	}
	return s, nil
}

// zoneReach is further than any zone ever lay from UTC; today's are from -12 h to +14 h.
const zoneReach = 16 * time.Hour

// sentRange widens a range of instants to what stamps show in any zone, read as UTC: the
// store doesn't know the zone of a host. It is in Unix nanoseconds, 0 for no limit.
func sentRange(since, until time.Time) (from, to int64) {
	if !since.IsZero() && since.Add(-zoneReach).Unix() > 0 {
		from = unixNano(since.Add(-zoneReach))
	}
	if !until.IsZero() && until.Year() < 2100 { // beyond that nanoseconds come to their end
		to = unixNano(until.Add(zoneReach))
	}
	return from, to
}

// sentWithin reports whether a message belongs to the query by the time sent, if that is
// what it asks for.
func sentWithin(q api.Query, m *message.Message, assumed *time.Location) bool {
	if q.Clock != api.ClockSent || q.Since.IsZero() && q.Until.IsZero() {
		return true
	}
	at, ok := analysis.Instant(m.Sent, m.Received, assumed)
	sent := time.Unix(0, at)
	return ok && (q.Since.IsZero() || !sent.Before(q.Since)) && (q.Until.IsZero() || sent.Before(q.Until))
}
