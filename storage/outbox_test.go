package storage

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// entriesOf returns what a reader of entries calls with.
func entriesOf(t *testing.T, read func(fn func(key string, blob []byte) error) error) string {
	t.Helper()
	var all []string
	if err := read(func(key string, blob []byte) error { all = append(all, key+"="+string(blob)); return nil }); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestOutbox(t *testing.T) {
	testEntries(t, bucketOutbox, (*Store).PutOutbox, (*Store).Outbox)
}

func TestSchedules(t *testing.T) {
	testEntries(t, bucketSchedules, (*Store).PutSchedules, (*Store).Schedules)
}

func TestForwards(t *testing.T) {
	testEntries(t, bucketForwards, (*Store).PutForwards, (*Store).Forwards)
}

func testEntries(t *testing.T, bucket string, put func(*Store, []State) error, read func(*Store, func(string, []byte) error) error) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{})
	entries := func() string {
		return entriesOf(t, func(fn func(string, []byte) error) error { return read(s, fn) })
	}
	// A state.db of an earlier version has none.
	if err := s.updateState(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte(bucket)) }); err != nil {
		t.Fatal(err)
	}
	if have := entries(); have != "" {
		t.Errorf("the %s of an earlier version has %s", bucket, have)
	}
	for _, entries := range [][]State{
		{{"b", []byte("1")}, {"a", []byte("2")}, {"c", []byte("3")}},
		{{"b", []byte("4")}, {"c", nil}, {"d", nil}},
	} {
		if err := put(s, entries); err != nil {
			t.Fatal(err)
		}
	}
	checkpoint(t, s, Changes{States: []State{{"web1", []byte("x")}}})
	s.Close()
	s = openStore(t, directory, Options{ReadOnly: true})
	if have, want := entries(), "a=2 b=4"; have != want {
		t.Errorf("the %s has %s, want %s", bucket, have, want)
	}
	if err := put(s, []State{{"a", nil}}); err != ErrReadOnly {
		t.Errorf("a store that is only read is written: %v", err)
	}
}

func TestFindingsAfter(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	if last, err := s.LastFinding(); last != 0 || err != nil {
		t.Errorf("of none the last is %d, %v", last, err)
	}
	const later = 3 * batchEntries
	var c Changes
	for i := range int64(later) {
		c.Findings = append(c.Findings, Finding{At: 1000 + i, Blob: []byte("early")})
	}
	checkpoint(t, s, c)
	checkpoint(t, s, Changes{Findings: []Finding{{At: 5, Blob: []byte("x")}, {At: 9000000, Blob: []byte("y")}}}) // the clock was set back
	if last, err := s.LastFinding(); last != later+2 || err != nil {
		t.Errorf("the last of %d is %d, %v", later+2, last, err)
	}
	for _, tt := range []struct {
		after uint64
		want  []string
	}{
		{later, []string{fmt.Sprintf("5:%d:x", later+1), fmt.Sprintf("9000000:%d:y", later+2)}},
		{later + 1, []string{fmt.Sprintf("9000000:%d:y", later+2)}},
		{later + 2, nil},
	} {
		var have []string
		err := s.FindingsAfter(tt.after, func(f Finding) error {
			have = append(have, fmt.Sprintf("%d:%d:%s", f.At, f.ID, f.Blob))
			return nil
		})
		if err != nil || !slices.Equal(have, tt.want) {
			t.Errorf("after %d come %v, %v, want %v", tt.after, have, err, tt.want)
		}
	}
}
