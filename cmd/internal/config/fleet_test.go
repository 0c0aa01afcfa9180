package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func loadFleet(t *testing.T, text string) (*Fleet, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fleet.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return LoadFleet(path)
}

func TestFleet(t *testing.T) {
	f, err := loadFleet(t, `
seed: 9
hosts:
  - name: a
  - name: b
    transport: tcp-lf
    format: bsd
    source: 127.4.5.6
    zone: -05:30
    says: {how: bursts, every: 20s, burst: 7}
    clock:
      offset: -1d2h
      skew_ppm: -12.5
      wander: 3ms
      step_at: 1h
      step_by: +90s
      dst_at: 2h
      epoch: 1980-01-01
      epoch_for: 5m
      stuck_at: 3h
      pause_at: 4h
      pause_for: 12s
    delay: {median: 5ms, sigma: 0.5, tail: 0.1, tail_most: 3s, loss: 0.2}
    outage: {at: 1m, for: 2m, flush: lost, rate: 3.5}
`)
	if err != nil {
		t.Fatal(err)
	}
	if want := NewFleetHost("a"); f.Seed != 9 || f.Hosts[0] != want {
		t.Errorf("seed %d and %+v, want 9 and %+v", f.Seed, f.Hosts[0], want)
	}
	have := f.Hosts[1]
	clock := FleetClock{
		Offset: -26 * time.Hour, Skew: -12.5, Wander: 3 * time.Millisecond, StepAt: time.Hour, StepBy: 90 * time.Second, DSTAt: 2 * time.Hour,
		Epoch: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), EpochFor: 5 * time.Minute, StuckAt: 3 * time.Hour, PauseAt: 4 * time.Hour, PauseFor: 12 * time.Second,
	}
	if have.Clock != clock {
		t.Errorf("the clock is %+v, want %+v", have.Clock, clock)
	}
	if want := (FleetDelay{5 * time.Millisecond, 0.5, 0.1, 3 * time.Second, 0.2}); have.Delay != want {
		t.Errorf("the delay is %+v, want %+v", have.Delay, want)
	}
	if want := (FleetOutage{time.Minute, 2 * time.Minute, FleetLost, 3.5}); have.Outage != want {
		t.Errorf("the outage is %+v, want %+v", have.Outage, want)
	}
	if want := (FleetSays{FleetBursts, 20 * time.Second, 7}); have.Says != want || have.Name != "b" || have.Transport != FleetTCPLF ||
		have.Format != FleetBSD || have.Source.String() != "127.4.5.6" || have.Zone.String() != "-05:30" {
		t.Errorf("the host is %+v", have)
	}
}

func TestFleetErrors(t *testing.T) {
	tests := []struct{ text, problem, hint string }{
		{"seed: 1\n", "config: hosts: missing", `write "hosts:", and beneath it "- name: web1"`},
		{"hosts: [{format: bsd}]", "config: hosts[0].name: missing at :1", `begin the item with it, such as "name: web1"`},
		{"hosts: [{name: 'a b'}]", `config: hosts[0].name: not a host's name (got "a b") at :1`, `write a letter, and up to 62 letters, digits and - _ . such as "web1"`},
		{"hosts: [{name: 7a}]", `config: hosts[0].name: not a host's name (got "7a") at :1`, `write a letter, and up to 62 letters, digits and - _ . such as "web1"`},
		{"hosts: [{name: a}, {name: A}]", `config: hosts[1].name: is hosts[0]'s name too (got "A") at :1`, "give each host a name of its own"},
		{"hosts: [{name: a, transport: relpp}]", `config: hosts[0].transport: not one of udp, tcp, tcp-lf, tls, relp (got "relpp") at :1`, `write "relp"`},
		{"hosts: [{name: a, source: 192.0.2.1}]", `config: hosts[0].source: not a loopback address (got "192.0.2.1") at :1`, `write one such as "127.1.0.7"`},
		{"hosts: [{name: a, clock: {skew: 1}}]", "config: hosts[0].clock.skew: unknown key at :1", "known here: offset, skew_ppm, wander, step_at, step_by, dst_at, epoch, epoch_for, stuck_at, pause_at, pause_for"},
		{"hosts: [{name: a, clock: {skw_ppm: 1}}]", "config: hosts[0].clock.skw_ppm: unknown key at :1", `write "skew_ppm"`},
		{"hosts: [{name: a, clock: 5s}]", "config: hosts[0].clock: holds settings and takes no value itself at :1",
			"write beneath it: offset, skew_ppm, wander, step_at, step_by, dst_at, epoch, epoch_for, stuck_at, pause_at, pause_for"},
		{"hosts: [{name: a, clock: {offset: 5}}]", `config: hosts[0].clock.offset: not a span of time (got "5") at :1`, `write a sign, a number and a unit (ms, s, m, h, d), such as "-3.2s", "+1h" or "-365d"`},
		{"hosts: [{name: a, clock: {offset: ''}}]", `config: hosts[0].clock.offset: not a span of time at :1`, `write a sign, a number and a unit (ms, s, m, h, d), such as "-3.2s", "+1h" or "-365d"`},
		{"hosts: [{name: a, clock: {offset: --5s}}]", `config: hosts[0].clock.offset: not a span of time (got "--5s") at :1`, `write a sign, a number and a unit (ms, s, m, h, d), such as "-3.2s", "+1h" or "-365d"`},
		{"hosts: [{name: a, clock: {skew_ppm: fast}}]", `config: hosts[0].clock.skew_ppm: not a number (got "fast") at :1`, "write one from -100000 to 100000, without a unit"},
		{"hosts: [{name: a, clock: {skew_ppm: NaN}}]", `config: hosts[0].clock.skew_ppm: not a number (got "NaN") at :1`, "write one from -100000 to 100000, without a unit"},
		{"hosts: [{name: a, clock: {skew_ppm: 200000}}]", `config: hosts[0].clock.skew_ppm: not from -100000 to 100000 (got "200000") at :1`, ""},
		{"hosts: [{name: a, clock: {step_by: 5s}}]", "config: hosts[0].clock.step_by: means nothing alone at :1", `write "step_at" beneath "clock" too`},
		{"hosts: [{name: a, outage: {at: 5s}}]", "config: hosts[0].outage.at: means nothing alone at :1", `write "for" beneath "outage" too`},
		{"hosts: [{name: a, clock: {epoch: 1970}}]", `config: hosts[0].clock.epoch: not a date from 1970 to 2100 (got "1970") at :1`, `write it as "2000-01-01"`},
		{"hosts: [{name: a, delay: {tail: 1.5}}]", `config: hosts[0].delay.tail: not from 0 to 1 (got "1.5") at :1`, ""},
		{"hosts: [{name: a, says: {every: 0s}}]", `config: hosts[0].says.every: below the least of 1ms (got "0s") at :1`, ""},
		{"seed: -1\nhosts: [{name: a}]", `config: seed: not a whole number (got "-1") at :1`, "write digits only, such as 7"},
		{"data: /x\nhosts: [{name: a}]", "config: data: unknown key at :1", "known here: seed, hosts"},
	}
	for _, tt := range tests {
		_, err := loadFleet(t, tt.text)
		checkError(t, tt.text, err, tt.problem, tt.hint)
	}
	if _, err := LoadFleet("nowhere.yaml"); err == nil || err.Error() != `--fleet: no such file (got "nowhere.yaml")` {
		t.Errorf("a file that isn't there: %v", err)
	}
}
