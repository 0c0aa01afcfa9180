package storage

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func TestReplaceRollUps(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{})
	appendNumbered(t, s, 3)
	checkpoint(t, s, Changes{Sequence: 3, RollUps: []RollUp{{300, "web1", []byte("a")}, {600, "web1", []byte("b")}, {600, "web2", []byte("c")}}})
	err := s.ReplaceRollUps([]RollUp{{300, "web1", []byte("ab")}, {600, "web1", nil}, {900, "never", nil}})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = openStore(t, directory, Options{})
	if have, err := histories(s, 0, 0); have != "300:web1:ab 600:web2:c | |" || err != nil {
		t.Errorf("have %s, %v", have, err)
	}
	wantStates(t, s, 3, map[string]string{})
	checkpoint(t, s, Changes{RollUps: []RollUp{{600, "web2", nil}, {0, "web3", []byte{}}}})
	if have, err := histories(s, 0, 0); have != "0:web3: 300:web1:ab | |" || err != nil {
		t.Errorf("after a checkpoint have %s, %v", have, err)
	}
}

// TestReplaceIsAllOrNothing fails at the last of many.
func TestReplaceIsAllOrNothing(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	checkpoint(t, s, Changes{RollUps: []RollUp{{300, "web1", []byte("a")}, {600, "web1", []byte("b")}}})
	tooLong := string(make([]byte, 40_000)) // for a key of bbolt
	changes := []RollUp{{300, "web1", []byte("ab")}, {600, "web1", nil}, {600, tooLong, []byte("c")}}
	if err := s.ReplaceRollUps(changes); err == nil {
		t.Error("a key that can't be stored is no error")
	}
	if err := s.Checkpoint(Changes{RollUps: changes}); err == nil {
		t.Error("a key that can't be stored is no error of a checkpoint")
	}
	if have, err := histories(s, 0, 0); have != "300:web1:a 600:web1:b | |" || err != nil {
		t.Errorf("have %s, %v, want all as before", have, err)
	}
}

func TestRollUp(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{})
	checkpoint(t, s, Changes{RollUps: []RollUp{{300, "web1", []byte("aaaa")}, {300, "web2", []byte("bbbb")}}})
	s.Close()
	flipByte(t, statePath(directory), []byte("bbbb"))
	s = openStore(t, directory, Options{})
	if blob, err := s.RollUp(300, "web1"); string(blob) != "aaaa" || err != nil {
		t.Errorf("have %q, %v, want aaaa", blob, err)
	}
	if blob, err := s.RollUp(600, "web1"); blob != nil || err != nil {
		t.Errorf("have %q, %v of what there isn't", blob, err)
	}
	_, err := s.RollUp(300, "web2")
	wantDamage(t, err, "rollups")
}

func TestRollUpStarts(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	var c Changes
	var want []int64 // newest first
	for i := range int64(2*startsAtOnce + 10) {
		c.RollUps = append(c.RollUps, RollUp{300 * (i + 1), "web1", []byte("a")}, RollUp{300 * (i + 1), "web2", []byte("b")})
		want = append(want, 300*(i+1))
	}
	slices.Reverse(want)
	if have, err := s.RollUpStarts(0, 0, 0); len(have) != 0 || err != nil {
		t.Errorf("have %v, %v of an empty store", have, err)
	}
	checkpoint(t, s, c)
	for _, tt := range []struct {
		since, until int64
		limit        int
		want         []int64
	}{
		{0, 0, 0, want},
		{0, 0, 3, want[:3]},
		{0, 0, startsAtOnce, want[:startsAtOnce]},
		{900, 1800, 0, []int64{1500, 1200, 900}},
		{901, 1801, 0, []int64{1800, 1500, 1200}},
		{0, 900, 1, []int64{600}},
		{0, 300, 0, nil},
		{want[0] + 1, 0, 0, nil},
		{0, want[0] + 1, 1, want[:1]},
	} {
		if have, err := s.RollUpStarts(tt.since, tt.until, tt.limit); !slices.Equal(have, tt.want) || err != nil {
			t.Errorf("%d to %d, at most %d: have %d, %v\nwant %d", tt.since, tt.until, tt.limit, have, err, tt.want)
		}
	}
}

func TestForgetBefore(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{})
	c := Changes{States: []State{{"web1", []byte("s")}}}
	for i := range int64(forgetAtOnce + 10) { // more than one transaction
		c.RollUps = append(c.RollUps, RollUp{i / 10, fmt.Sprintf("web%d", i%10), []byte("a")})
	}
	for _, at := range []int64{5, 999, 1000, 1001} {
		c.RollUps = append(c.RollUps, RollUp{at, "last", []byte("a")})
		c.Findings = append(c.Findings, Finding{At: at, Blob: []byte("f")})
		c.Reference = append(c.Reference, ReferenceSample{at, []byte("r")})
	}
	checkpoint(t, s, c)
	for range 2 { // again is harmless
		if err := s.ForgetBefore(1000); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	s = openStore(t, directory, Options{})
	const want = "1000:last:a 1001:last:a | 1000:3:f 1001:4:f | 1000:r 1001:r"
	if have, err := histories(s, 0, 0); have != want || err != nil {
		t.Errorf("have %s, %v\nwant %s", have, err, want)
	}
	wantStates(t, s, 0, map[string]string{"web1": "s"})
	if err := s.ForgetBefore(2000); err != nil {
		t.Fatal(err)
	}
	next := Changes{Findings: []Finding{{At: 3000}}}
	checkpoint(t, s, next)
	if id := next.Findings[0].ID; id != 5 {
		t.Errorf("the finding after four forgotten ones has ID %d, want 5: followers count on it", id)
	}
}

func TestHistoryIsReadOnly(t *testing.T) {
	directory := t.TempDir()
	openStore(t, directory, Options{}).Close()
	s := openStore(t, directory, Options{ReadOnly: true})
	if err := s.ForgetBefore(1); !errors.Is(err, ErrReadOnly) {
		t.Errorf("ForgetBefore: %v", err)
	}
	if err := s.ReplaceRollUps(nil); !errors.Is(err, ErrReadOnly) {
		t.Errorf("ReplaceRollUps: %v", err)
	}
	s.Close()
	if _, err := s.RollUpStarts(0, 0, 0); !errors.Is(err, ErrClosed) {
		t.Errorf("RollUpStarts of a closed store: %v", err)
	}
}
