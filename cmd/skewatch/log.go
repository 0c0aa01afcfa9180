package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/config"
)

// logTime is RFC 3339 in nanoseconds, all of them written, so that lines sort.
const logTime = "2006-01-02T15:04:05.000000000Z07:00"

// newLogger returns a logger that writes lines to w, with times in UTC.
func newLogger(w io.Writer, how config.Log) *logrus.Logger {
	log := logrus.New()
	log.SetOutput(w)
	log.SetLevel(how.Level)
	if how.Format == config.LogJSON {
		log.SetFormatter(inUTC{&logrus.JSONFormatter{TimestampFormat: logTime}})
	} else {
		log.SetFormatter(inUTC{pairs{}})
	}
	return log
}

// inUTC is a formatter that writes the times of another in UTC.
type inUTC struct{ logrus.Formatter }

func (f inUTC) Format(e *logrus.Entry) ([]byte, error) {
	e.Time = e.Time.UTC()
	return f.Formatter.Format(e)
}

// pairs is a formatter that writes key=value pairs: time, level and msg first, then
// the fields in order of their names. It quotes less than logrus's own, so that an
// address can be copied from the line as it stands.
type pairs struct{}

func (pairs) Format(e *logrus.Entry) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "time=%s level=%s msg=%s", e.Time.Format(logTime), e.Level, bare(e.Message))
	for _, key := range slices.Sorted(maps.Keys(e.Data)) {
		fmt.Fprintf(&b, " %s=%s", key, bare(fmt.Sprint(e.Data[key])))
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// bare returns a value, quoted where it would otherwise be taken for several or for
// none.
func bare(value string) string {
	needsQuotes := func(r rune) bool { return r <= ' ' || r == '"' || r == '=' || r > '~' }
	if value == "" || strings.ContainsFunc(value, needsQuotes) {
		return strconv.Quote(value)
	}
	return value
}
