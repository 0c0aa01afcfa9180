package testbed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"
	"time"
)

// shapes are what each format looks like on the wire, with the stamp in brackets.
var shapes = map[Format]struct {
	shape  string
	layout string
}{
	Traditional: {`^<14>(\w{3} [ \d]\d [\d:]{8}) web1 feed: number (\d+)$`, time.Stamp},
	Forward:     {`^<14>([\d-]{10}T[\d:]{8}\.\d{6}[+-]\d\d:\d\d) web1 feed: number (\d+)$`, time.RFC3339},
	Protocol23:  {`^<14>1 ([\d-]{10}T[\d:]{8}\.\d{6}[+-]\d\d:\d\d) web1 feed - - -  number (\d+)$`, time.RFC3339},
}

func TestRsyslogdForwardsWithItsOwnClock(t *testing.T) {
	tests := []struct {
		name   string
		host   Host
		within time.Duration
	}{
		{"traditional, ahead, UDP", Host{Transport: "udp", Format: Traditional, Clock: Clock{Offset: 37500 * time.Millisecond}}, 150 * time.Millisecond},
		{"forward, behind, TCP", Host{Transport: "tcp", Format: Forward, Clock: Clock{Offset: -3200 * time.Millisecond}}, 20 * time.Millisecond},
		{"protocol 23, right, UDP", Host{Transport: "udp", Format: Protocol23}, 20 * time.Millisecond},
		{"protocol 23, an hour, counted", Host{Transport: "tcp", OctetCounting: true, Format: Protocol23, Clock: Clock{Offset: time.Hour}}, 20 * time.Millisecond},
		{"forward, gaining, UDP", Host{Transport: "udp", Format: Forward, Clock: Clock{Skew: 20000}}, 20 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			collector := listen(t, tt.host.Transport, "127.0.0.1:0")
			tt.host.Name, tt.host.Target = "web1", collector.address
			r := StartRsyslogd(t, tt.host)

			largest := -time.Hour
			for i, a := range collector.await(t, feed(t, r, 2*time.Second)) {
				sent := readShape(t, tt.host, a, i)
				largest = max(largest, sent.Sub(a.at.Add(r.Offset(a.at))))
			}
			// Stamps are cut to whole seconds and messages take their time, so that
			// only the largest difference is the clock's.
			if largest < -tt.within || largest > 20*time.Millisecond {
				t.Errorf("the stamps are %v off the host's clock, want within [%v, 20ms]", largest, -tt.within)
			}
		})
	}
}

// feed logs numbered messages for a while, one in 20 ms, and returns how many.
func feed(t *testing.T, r *Rsyslogd, length time.Duration) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	n, err := r.Feed(ctx, 20*time.Millisecond, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Fatal("Feed logged nothing")
	}
	return n
}

// readShape checks that the message has its format's shape and the number that is
// due, and returns its stamp.
func readShape(t *testing.T, h Host, a arrival, number int) time.Time {
	t.Helper()
	want := shapes[h.Format]
	if h.OctetCounting {
		want.shape = "^counted:" + want.shape[1:]
	}
	parts := regexp.MustCompile(want.shape).FindStringSubmatch(a.text)
	if parts == nil {
		t.Fatalf("message %q, want the shape %s", a.text, want.shape)
	}
	if parts[2] != fmt.Sprint(number) {
		t.Fatalf("message %q, want number %d", a.text, number)
	}
	sent, err := time.ParseInLocation(want.layout, parts[1], time.Local)
	if err != nil {
		t.Fatalf("message %q: %v", a.text, err)
	}
	if sent.Year() == 0 { // RFC 3164 has none
		sent = sent.AddDate(a.at.Add(h.Clock.Offset).Year(), 0, 0)
	}
	return sent
}

func TestClockAfter(t *testing.T) {
	tests := []struct {
		clock   Clock
		running time.Duration
		want    time.Duration
	}{
		{Clock{}, time.Hour, 0},
		{Clock{Offset: -3200 * time.Millisecond}, time.Hour, -3200 * time.Millisecond},
		{Clock{Skew: 200}, 100 * time.Second, 20 * time.Millisecond},
		{Clock{Offset: time.Second, Skew: -50}, 1000 * time.Second, 950 * time.Millisecond},
	}
	for _, tt := range tests {
		if got := tt.clock.After(tt.running); got != tt.want {
			t.Errorf("%+v.After(%v) = %v, want %v", tt.clock, tt.running, got, tt.want)
		}
	}
}

func TestNumber(t *testing.T) {
	tests := []struct {
		text string
		want int
		ok   bool
	}{
		{"number 17", 17, true},
		{" number 0", 0, true},
		{"-- MARK --", 0, false},
		{"number", 0, false},
	}
	for _, tt := range tests {
		if got, ok := Number(tt.text); got != tt.want || ok != tt.ok {
			t.Errorf("Number(%q) = %d, %t, want %d, %t", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}
