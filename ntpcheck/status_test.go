package ntpcheck

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"
	"time"

	logtest "github.com/sirupsen/logrus/hooks/test"
)

func TestStatusJSON(t *testing.T) {
	b := newBench(t, 4, KernelOff)
	b.kernel = Kernel{Known: true, MaxError: 16 * time.Second, EstError: time.Millisecond, Leap: LeapNone}
	b.hear(500*ms, 100*time.Second, 500*ms, silence)
	b.wait(time.Second)
	have, err := json.MarshalIndent(b.Status(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/status.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(have)+"\n" != string(want) {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
	var again Status
	if err := json.Unmarshal(have, &again); err != nil || !reflect.DeepEqual(again, b.Status()) {
		t.Errorf("read back: %v, %+v", err, again)
	}
}

func TestUnknownNumbersAreNull(t *testing.T) {
	have, err := json.Marshal(newBench(t, 0, KernelOff).Status())
	const want = `{"reference":{"state":"unsynchronised","offset_seconds":null,"bound_seconds":null,"rate_ppm":null,"rate_bound_ppm":null,"stratum":null,` +
		`"source":"","age_seconds":null,"trusted":false,"reason":"no NTP source is configured"},"sources":[],` +
		`"kernel":{"synchronised":null,"maxerror_seconds":null,"esterror_seconds":null},` +
		`"chronyd":{"synchronised":null,"offset_seconds":null,"bound_seconds":null,"stratum":null}}`
	if err != nil || string(have) != want {
		t.Errorf("have %s, %v\nwant %s", have, err, want)
	}
}

// The log hears of a change once, not at each poll.
func TestAnnouncesChangesOnly(t *testing.T) {
	log, hook := logtest.NewNullLogger()
	b := newBench(t, 2, KernelOff)
	var seen announced
	expect := func(what string, messages ...string) {
		t.Helper()
		for range 3 {
			seen.update(log, b.Status())
		}
		var have []string
		for _, e := range hook.AllEntries() {
			have = append(have, e.Level.String()+": "+e.Message)
		}
		hook.Reset()
		if !reflect.DeepEqual(have, messages) {
			t.Errorf("%s: logged %q, want %q", what, have, messages)
		}
	}
	b.hear(silence, silence)
	expect("silence", "warning: NTP source can't be used", "warning: NTP source can't be used", "warning: our clock is not synchronised")
	b.hear(silence, silence)
	expect("more silence")
	b.hear(0, 0)
	expect("both answer", "info: NTP source answers", "info: NTP source answers", "info: our clock is synchronised")
	b.wait(5 * time.Second)
	b.hearOne(0, 0)
	expect("one falls silent", "warning: NTP source can't be used")
	b.hearOne(1, 0)
	expect("and returns", "info: NTP source answers")
}

func TestAdvice(t *testing.T) {
	keys := writeKeys(t, "7 MD5 secret\n")
	for _, tt := range []struct {
		name string
		cfg  Config
		mode os.FileMode
		want []string
	}{
		{"four", Config{Servers: []string{"a", "b", "c", "d"}}, 0, nil},
		{"a pool", Config{Servers: []string{"a pool"}}, 0, nil},
		{"none, on purpose", Config{}, 0, nil},
		{"three", Config{Servers: []string{"a", "b", "c"}}, 0, []string{"fewer than four NTP sources: if one is wrong and another away, nobody can tell"}},
		{"keys for all to see", Config{Servers: []string{"a pool key 7"}, KeyFile: keys}, 0o644, []string{"everybody on this machine can read the NTP keys: chmod o-r"}},
		{"keys kept", Config{Servers: []string{"a pool key 7"}, KeyFile: keys}, 0o640, nil},
	} {
		if err := os.Chmod(keys, max(tt.mode, 0o600)); err != nil {
			t.Fatal(err)
		}
		log, hook := logtest.NewNullLogger()
		tt.cfg.Log = log
		m, err := New(tt.cfg)
		if err != nil {
			t.Fatal(err)
		}
		m.advise()
		var have []string
		for _, e := range hook.AllEntries() {
			have = append(have, e.Message)
		}
		if !reflect.DeepEqual(have, tt.want) {
			t.Errorf("%s: warned %q, want %q", tt.name, have, tt.want)
		}
	}
}
