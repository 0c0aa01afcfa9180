package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/config"
)

// moment lies in another zone and ends in zeros, which must be written.
var moment = time.Date(2026, time.March, 1, 14, 0, 0, 120_000_000, time.FixedZone("", 7200))

func TestLogText(t *testing.T) {
	var b bytes.Buffer
	log := newLogger(&b, config.Log{Format: config.LogText, Level: logrus.InfoLevel})
	log.WithTime(moment).WithFields(logrus.Fields{"udp": ":514", "tls": "", "host": "a\x1b[31m b=c"}).Info("ready")
	log.Debug("not shown")
	const want = `time=2026-03-01T12:00:00.120000000Z level=info msg=ready host="a\x1b[31m b=c" tls="" udp=:514` + "\n"
	if b.String() != want {
		t.Errorf("log line %q, want %q", b.String(), want)
	}
}

func TestLogJSON(t *testing.T) {
	var b bytes.Buffer
	log := newLogger(&b, config.Log{Format: config.LogJSON, Level: logrus.DebugLevel})
	log.WithTime(moment).WithField("udp", ":514").Debug("ready")
	var have map[string]string
	if err := json.Unmarshal(b.Bytes(), &have); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"time": "2026-03-01T12:00:00.120000000Z", "level": "debug", "msg": "ready", "udp": ":514"}
	for key, text := range want {
		if have[key] != text {
			t.Errorf("%s = %q, want %q", key, have[key], text)
		}
	}
}
