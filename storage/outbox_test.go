package storage

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

func outbox(t *testing.T, s *Store) string {
	t.Helper()
	var all []string
	err := s.Outbox(func(key string, blob []byte) error { all = append(all, key+"="+string(blob)); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestOutbox(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{})
	// A state.db of an earlier version has none.
	if err := s.updateState(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte(bucketOutbox)) }); err != nil {
		t.Fatal(err)
	}
	if have := outbox(t, s); have != "" {
		t.Errorf("the outbox of an earlier version has %s", have)
	}
	for _, entries := range [][]State{
		{{"b", []byte("1")}, {"a", []byte("2")}, {"c", []byte("3")}},
		{{"b", []byte("4")}, {"c", nil}, {"d", nil}},
	} {
		if err := s.PutOutbox(entries); err != nil {
			t.Fatal(err)
		}
	}
	checkpoint(t, s, Changes{States: []State{{"web1", []byte("x")}}})
	s.Close()
	s = openStore(t, directory, Options{ReadOnly: true})
	if have, want := outbox(t, s), "a=2 b=4"; have != want {
		t.Errorf("the outbox has %s, want %s", have, want)
	}
	if err := s.PutOutbox([]State{{"a", nil}}); err != ErrReadOnly {
		t.Errorf("an outbox that is only read is written: %v", err)
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
