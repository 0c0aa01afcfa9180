package simulate

import (
	"strconv"
	"strings"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/message"
)

// A form is a format of messages: what its stamps say, and how it is written.
type form struct {
	stamp      message.StampFormat
	resolution time.Duration
	zoneless   bool

	// write appends a message of a host. Number tells it from the host's others.
	write func(b []byte, host string, s message.Stamp, number uint64) []byte
}

const (
	appName = "simulated"
	text    = "made up by skewatch simulate, number "
)

var forms = map[config.FleetFormat]form{
	config.FleetBSD: {message.StampBSD, time.Second, true, traditional(time.Stamp)},
	config.FleetRFC3339: {message.StampRFC3339, time.Microsecond, false,
		traditional("2006-01-02T15:04:05.000000-07:00")},
	config.FleetRFC5424:   {message.StampRFC5424, time.Microsecond, false, modern("2006-01-02T15:04:05.000000Z07:00")},
	config.FleetRFC5424MS: {message.StampRFC5424, time.Millisecond, false, modern("2006-01-02T15:04:05.000Z07:00")},
	config.FleetCisco:     {message.StampBSD, time.Millisecond, true, cisco},
	config.FleetNoStamp:   {message.StampNone, time.Second, false, modern("-")},
}

// moment returns the time that a stamp shows, in its zone.
func moment(s message.Stamp) time.Time {
	east := time.Duration(s.ZoneEast) * time.Second
	return time.Unix(0, s.Civil).Add(-east).In(time.FixedZone("", int(s.ZoneEast)))
}

// traditional writes as RFC 3164 has it, and rsyslog with an RFC 3339 stamp.
func traditional(layout string) func([]byte, string, message.Stamp, uint64) []byte {
	return func(b []byte, host string, s message.Stamp, number uint64) []byte {
		b = moment(s).AppendFormat(append(b, "<14>"...), layout)
		b = append(append(append(b, ' '), host...), " "+appName+": "+text...)
		return strconv.AppendUint(b, number, 10)
	}
}

// modern writes as RFC 5424 has it.
func modern(layout string) func([]byte, string, message.Stamp, uint64) []byte {
	return func(b []byte, host string, s message.Stamp, number uint64) []byte {
		b = moment(s).AppendFormat(append(b, "<14>1 "...), layout)
		b = append(append(append(b, ' '), host...), " "+appName+" - - - "+text...)
		return strconv.AppendUint(b, number, 10)
	}
}

// cisco writes as IOS does, with milliseconds and its name as origin.
func cisco(b []byte, host string, s message.Stamp, number uint64) []byte {
	b = strconv.AppendUint(append(b, "<190>"...), number, 10)
	b = append(append(append(b, ": "...), host...), ": "...)
	b = moment(s).AppendFormat(b, "Jan _2 15:04:05.000")
	return strconv.AppendUint(append(b, ": %SIM-6-MESSAGE: "+text...), number, 10)
}

func join(phrases []string) string { return strings.Join(phrases, ", ") }

// plain writes a span of time as people do.
func plain(d time.Duration) string {
	switch {
	case d >= 48*time.Hour && d%(24*time.Hour) == 0:
		return strconv.Itoa(int(d/(24*time.Hour))) + " days"
	case d > 0 && d < time.Second:
		return strconv.FormatFloat(d.Seconds()*1e3, 'g', 4, 64) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'g', -1, 64) + " s"
	}
	s := d.String()
	s = strings.TrimSuffix(s, "0s")
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
