package config

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzYAML wants every file to be refused with errors that say where, or to load
// as a Config that loads the same again once it is written.
func FuzzYAML(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte("hosts:\n  - match: a\n    zone: +02:00\nlisten: {udp: [\":1\"]}"))
	f.Add([]byte("notify:\n  - {name: a, type: email, smtp: 'm:25', from: a@b, to: ['c <d@e>', f@g], transport: tls}\n  - {name: b, type: stdout, hosts: 'W*'}"))
	f.Add([]byte("reports:\n  - {name: a, schedule: '1-5/2 0 * feb Mon', directory: d, zone: -0930, period: 1d1h, tolerance: 3s, keep: 3}"))
	f.Add([]byte("data: |\n  a\n  b\n"))
	f.Add([]byte("? [a]\n: &x *x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := loadYAML(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Problem == "" || e.File == "" {
				t.Fatalf("%q: error %#v, want one that says where", text, err)
			}
			return
		}
		var b bytes.Buffer
		if err := c.WriteYAML(&b); err != nil {
			t.Fatal(err)
		}
		again, err := loadYAML(b.Bytes())
		if err != nil || again.Hash() != c.Hash() {
			t.Errorf("%q is written as %q, which loads as another: %v", text, b.Bytes(), err)
		}
	})
}

func loadYAML(text []byte) (*Config, error) {
	l := newLoader()
	l.defaults()
	l.yaml("fuzz.yaml", text)
	l.checkTogether()
	return l.config, errors.Join(l.errs...)
}
