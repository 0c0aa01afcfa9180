package tlsauth

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"

	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

// A server that runs for years tells of its certificate's end when that comes near, and
// every day.
func TestExpiryIsRepeated(t *testing.T) {
	begin := time.Now()
	issued := tlstest.NewAuthority(t).Issue(t, "collector", func(c *x509.Certificate) { c.NotAfter = begin.Add(expirySoon + time.Hour) })
	log, hook := test.NewNullLogger()
	r := &reloader{files: Files{Certificate: issued.File, Key: issued.Key}, log: log}
	r.seen = r.look()
	var err error
	if r.config, err = r.load(); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{0, 1, 1, 2} { // after so many half days
		r.current(begin.Add(time.Duration(i+1)*12*time.Hour + time.Minute))
		if got := len(hook.AllEntries()); got != want {
			t.Errorf("after %d half days %d warnings, want %d", i+1, got, want)
		}
	}
}
