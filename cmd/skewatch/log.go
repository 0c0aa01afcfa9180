package main

import (
	"io"

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
		log.SetFormatter(inUTC{&logrus.TextFormatter{TimestampFormat: logTime, DisableColors: true, QuoteEmptyFields: true}})
	}
	return log
}

// inUTC is a formatter that writes the times of another in UTC.
type inUTC struct{ logrus.Formatter }

func (f inUTC) Format(e *logrus.Entry) ([]byte, error) {
	e.Time = e.Time.UTC()
	return f.Formatter.Format(e)
}
