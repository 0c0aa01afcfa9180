package storage

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	logrustest "github.com/sirupsen/logrus/hooks/test"
	bolt "go.etcd.io/bbolt"
)

func checkpoint(t testing.TB, s *Store, c Changes) {
	t.Helper()
	if err := s.Checkpoint(c); err != nil {
		t.Fatal(err)
	}
}

func states(t testing.TB, s *Store) (sequence uint64, all map[string]string, err error) {
	t.Helper()
	all = map[string]string{}
	sequence, err = s.States(func(key string, blob []byte) error {
		all[key] = string(blob)
		return nil
	})
	return sequence, all, err
}

func wantStates(t testing.TB, s *Store, wantSequence uint64, want map[string]string) {
	t.Helper()
	sequence, have, err := states(t, s)
	if err != nil || sequence != wantSequence || !reflect.DeepEqual(have, want) {
		t.Errorf("States: %d, %v, %v\nwant %d, %v", sequence, have, err, wantSequence, want)
	}
}

func TestStates(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{})
	wantStates(t, s, 0, map[string]string{})
	appendNumbered(t, s, 20)
	checkpoint(t, s, Changes{Sequence: 10, States: []State{{"web1", []byte("a")}, {"web2", []byte("b")}, {"web3", []byte{}}}})
	wantStates(t, s, 10, map[string]string{"web1": "a", "web2": "b", "web3": ""})
	checkpoint(t, s, Changes{Sequence: 20, States: []State{{"web1", []byte("c")}, {"web2", nil}, {"never", nil}}})
	s.Close()
	wantStates(t, openStore(t, directory, Options{}), 20, map[string]string{"web1": "c", "web3": ""})
}

func TestState(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	check := func(stage, key, want string, wantError error) {
		t.Helper()
		if blob, err := s.State(key); string(blob) != want || (blob == nil) != (want == "") || !errors.Is(err, wantError) {
			t.Errorf("%s: State(%q) = %q, %v, want %q, %v", stage, key, blob, err, want, wantError)
		}
	}
	check("before the first checkpoint", "web1", "", nil)
	checkpoint(t, s, Changes{States: []State{{"web1", []byte("a")}, {"web3", []byte("c")}}})
	check("after it", "web1", "a", nil)
	check("between two keys", "web2", "", nil)
	check("behind the last", "web4", "", nil)
	err := s.state.update(func(*bolt.Tx) error {
		check("while a checkpoint is written", "web1", "", ErrBusy)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	checkpoint(t, s, Changes{States: []State{{"web1", nil}, {"web3", []byte("d")}}})
	check("deleted", "web1", "", nil)
	check("replaced", "web3", "d", nil)
	s.Close()
	check("closed", "web3", "", ErrClosed)
}

func TestCheckpointIsAllOrNothing(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	appendNumbered(t, s, 2)
	checkpoint(t, s, Changes{Sequence: 1, States: []State{{"web1", []byte("a")}}})
	err := s.Checkpoint(Changes{Sequence: 2, States: []State{{"web1", []byte("b")}, {"", []byte("no key")}}})
	if err == nil || !strings.Contains(err.Error(), `state ""`) {
		t.Errorf("Checkpoint with an empty key: %v", err)
	}
	err = s.Checkpoint(Changes{Sequence: 3, States: []State{{"web1", []byte("b")}}})
	if err == nil || !strings.Contains(err.Error(), "3 is beyond the last message, 2") {
		t.Errorf("Checkpoint of a message to come: %v", err)
	}
	wantStates(t, s, 1, map[string]string{"web1": "a"})
}

// TestCheckpointWaitsForMessages sees to it that the states never run ahead of
// the segments.
func TestCheckpointWaitsForMessages(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	resume := stallDisk(t, s)
	defer resume()
	appendNumbered(t, s, 5)
	done := make(chan error, 1)
	go func() { done <- s.Checkpoint(Changes{Sequence: 5, States: []State{{"web1", []byte("a")}}}) }()
	checkpoint(t, s, Changes{Sequence: 0, States: []State{{"web2", []byte("b")}}}) // needs no message
	wantStates(t, s, 0, map[string]string{"web2": "b"})
	resume()
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
	wantStates(t, s, 5, map[string]string{"web1": "a", "web2": "b"})
	wantNumbered(t, s, 5)
}

func TestHistories(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{})
	checkpoint(t, s, Changes{
		RollUps:   []RollUp{{300, "web2", []byte("2")}, {300, "web1", []byte("1")}, {0, "web1", []byte("0")}, {-300, "", []byte("early")}},
		Findings:  []Finding{{At: 50, Blob: []byte("x")}, {At: 40, Blob: []byte("y")}, {At: 50, Blob: []byte("z")}},
		Reference: []ReferenceSample{{20, []byte("q")}, {10, []byte("p")}},
	})
	again := Changes{
		RollUps:   []RollUp{{300, "web1", []byte("new")}},
		Findings:  []Finding{{At: 45, Blob: nil}},
		Reference: []ReferenceSample{{10, []byte("r")}},
	}
	checkpoint(t, s, again)
	if id := again.Findings[0].ID; id != 4 {
		t.Errorf("the fourth finding was given ID %d", id)
	}
	s.Close()
	s = openStore(t, directory, Options{})

	for _, tt := range []struct {
		since, until int64
		want         string
	}{
		{0, 0, "-300::early 0:web1:0 300:web1:new 300:web2:2 | 40:2:y 45:4: 50:1:x 50:3:z | 10:r 20:q"},
		{20, 50, "| 40:2:y 45:4: | 20:q"},
		{45, 301, "300:web1:new 300:web2:2 | 45:4: 50:1:x 50:3:z |"},
		{-300, 10, "-300::early 0:web1:0 | |"},
	} {
		have, err := histories(s, tt.since, tt.until)
		if err != nil || have != tt.want {
			t.Errorf("%d to %d: %s, %v\nwant %s", tt.since, tt.until, have, err, tt.want)
		}
	}
}

func histories(s *Store, since, until int64) (string, error) {
	var words []string
	add := func(format string, a ...any) error {
		words = append(words, fmt.Sprintf(format, a...))
		return nil
	}
	err := s.RollUps(since, until, func(start int64, key, blob []byte) error { return add("%d:%s:%s", start, key, blob) })
	add("|")
	err = errors.Join(err, s.Findings(since, until, func(f Finding) error { return add("%d:%d:%s", f.At, f.ID, f.Blob) }))
	add("|")
	err = errors.Join(err, s.ReferenceHistory(since, until, func(r ReferenceSample) error { return add("%d:%s", r.At, r.Blob) }))
	return strings.Join(words, " "), err
}

// TestManyRollUps reads more than one batch.
func TestManyRollUps(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	var c Changes
	for i := range int64(3 * batchEntries) {
		c.RollUps = append(c.RollUps, RollUp{Start: i / 10, Key: fmt.Sprintf("web%d", i%10), Blob: make([]byte, 100)})
	}
	checkpoint(t, s, c)
	n := 0
	err := s.RollUps(0, 0, func(start int64, key, _ []byte) error {
		if want := c.RollUps[n]; start != want.Start || string(key) != want.Key {
			t.Fatalf("roll-up %d is %d %s, want %d %s", n, start, key, want.Start, want.Key)
		}
		n++
		return nil
	})
	if err != nil || n != len(c.RollUps) {
		t.Errorf("have %d roll-ups, %v, want %d", n, err, len(c.RollUps))
	}
}

func TestDamagedState(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{})
	checkpoint(t, s, Changes{
		States:   []State{{"web1", []byte("aaaa")}, {"web2", []byte("bbbb")}, {"web3", []byte("cccc")}},
		Findings: []Finding{{At: 1, Blob: []byte("dddd")}, {At: 2, Blob: []byte("eeee")}},
	})
	s.Close()
	flipByte(t, statePath(directory), []byte("bbbb"))
	flipByte(t, statePath(directory), []byte("dddd"))

	s = openStore(t, directory, Options{})
	_, have, err := states(t, s)
	wantDamage(t, err, `states "web2"`)
	if want := map[string]string{"web1": "aaaa", "web3": "cccc"}; !reflect.DeepEqual(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	text, err := histories(s, 0, 0)
	wantDamage(t, err, "findings")
	if text != "| 2:2:eeee |" {
		t.Errorf("have %s, want the second finding", text)
	}
}

func TestDamagedCheckpoint(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{})
	appendNumbered(t, s, 1)
	checkpoint(t, s, Changes{
		Sequence: 1, States: []State{{"web1", []byte("state")}}, RollUps: []RollUp{{10, "web1", []byte("roll")}},
		Findings: []Finding{{At: 20, Blob: []byte("found")}}, Reference: []ReferenceSample{{30, []byte("sample")}},
	})
	s.Close()
	editFile(t, statePath(directory), func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyCheckpoint), sequenceKey(1))
	})
	log, seen := logrustest.NewNullLogger()
	s = openStore(t, directory, Options{Log: log})
	if e := seen.LastEntry(); e == nil || e.Level != logrus.ErrorLevel || !strings.Contains(e.Message, "set aside") {
		t.Errorf("logged %v, want that the file is set aside", e)
	}
	wantStates(t, s, 0, map[string]string{}) // what they include nobody knows
	if text, err := histories(s, 0, 0); err != nil || text != "10:web1:roll | 20:1:found | 30:sample" {
		t.Errorf("have %s, %v, want the rest of it", text, err)
	}
}

func wantDamage(t testing.TB, err error, record string) {
	t.Helper()
	var damaged *DamageError
	if !errors.As(err, &damaged) || !strings.Contains(damaged.Record, record) || filepath.Base(damaged.File) != "state.db" {
		t.Errorf("have %v, want a DamageError of state.db and %s", err, record)
	}
}
