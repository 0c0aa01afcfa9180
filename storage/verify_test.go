package storage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// verify returns what Verify finds, a line each: the file's name, the record, the problem.
func verify(t testing.TB, s *Store, how Inspection) (Verified, []string) {
	t.Helper()
	var found []string
	v, err := s.Verify(t.Context(), how, func(d *DamageError) {
		found = append(found, fmt.Sprintf("%s: %s: %s", filepath.Base(d.File), d.Record, d.Problem))
	})
	if err != nil {
		t.Fatal(err)
	}
	return v, found
}

// fiveRounds fills a directory with rounds of ten messages in two segments, and ten more
// messages in a tail.
func fiveRounds(t testing.TB) (directory string) {
	t.Helper()
	directory = t.TempDir()
	s := mustOpen(t, directory, Options{SealEvery: 1, TailBytes: smallTail})
	for i := range 5 {
		if i == 3 {
			if err := s.startSegment(s.Last() + 1); err != nil {
				t.Fatal(err)
			}
		}
		appendNumbered(t, s, 10)
		awaitSealed(t, s)
	}
	checkpoint(t, s, Changes{Sequence: 50, States: []State{{"web1", []byte("state")}}})
	s.Close()
	s = mustOpen(t, directory, Options{TailBytes: smallTail})
	appendNumbered(t, s, 10)
	s.Close()
	return directory
}

func TestVerify(t *testing.T) {
	directory := fiveRounds(t)
	for _, readOnly := range []bool{true, false} {
		s := openStore(t, directory, Options{ReadOnly: readOnly})
		v, found := verify(t, s, Inspection{})
		s.Close()
		v.Head = strings.Split(v.Head, "\n")[3]
		if want := (Verified{Segments: 2, Rounds: 5, Blocks: v.Blocks, Messages: 50, Unsealed: 10, States: v.States, Head: "last message 50"}); v != want || v.Blocks < 5 || v.States < 4 {
			t.Errorf("read only %v: %+v, want %+v", readOnly, v, want)
		}
		if len(found) > 0 {
			t.Errorf("read only %v: sound files: %q", readOnly, found)
		}
	}
}

// TestVerifyNames changes the files as somebody would who knows their layout but not the
// key: each change is told by its place.
func TestVerifyNames(t *testing.T) {
	second := filepath.Join(segmentDirectory, segmentName(31))
	inBucket := func(bucket string, change func(*bolt.Bucket) error) func(*bolt.Tx) error {
		return func(tx *bolt.Tx) error { return change(tx.Bucket([]byte(bucket))) }
	}
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, directory string)
		want   []string // parts of findings, one each
	}{
		{"a block is changed and its checksums made to fit", edit(second, func(tx *bolt.Tx) error {
			return forge(tx.Bucket([]byte(bucketBlocks)), 31)
		}), []string{"00031.db: the block from message "}},
		{"a block is gone", edit(second, inBucket(bucketBlocks, func(b *bolt.Bucket) error {
			k, _ := b.Cursor().First()
			return b.Delete(k)
		})), []string{"the block from message"}},
		{"a block is added", edit(second, inBucket(bucketBlocks, func(b *bolt.Bucket) error {
			_, v := b.Cursor().First()
			return b.Put(chunkKey{31, 63, 40, 0}.encode(), bytes.Clone(v))
		})), []string{"the block from message 40: it isn't in the round's manifest"}},
		{"a round is cut out", edit(second, func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(bucketRounds)).Delete(sequenceKey(31))
		}), []string{"messages 31 to 40: they are missing", "the round of messages 41 to 50: the history up to it isn't the one that was signed"}},
		{"the newest round is cut off", edit(second, func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(bucketRounds)).Delete(sequenceKey(41))
		}), []string{"messages 41 to 50: they are missing", "the history: it ends after 4 rounds, short of the newest head that was signed, of 5 rounds"}},
		{"a segment is gone", func(t *testing.T, directory string) {
			if err := os.Remove(filepath.Join(directory, segmentDirectory, segmentName(1))); err != nil {
				t.Fatal(err)
			}
		}, []string{"messages 1 to 30: they are missing"}},
		{"a manifest is exchanged", edit(second, func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(bucketRounds))
			var r sealedRound
			if err := r.decode(bytes.Clone(b.Get(sequenceKey(31))[4:])); err != nil {
				return err
			}
			r.blocks = r.blocks[1:]
			r.record = r.manifest.encode()
			return putGuarded(b, sequenceKey(31), r.encode())
		}), []string{"it isn't in the round's manifest", "the round of messages 31 to 40: the history up to it isn't the one that was signed"}},
		{"a value of the state is changed", edit("state.db", func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(bucketStates)).Put([]byte("web1"), []byte("xxxxstate"))
		}), []string{`state.db: states "web1": it fails its checksum`}},
		{"another key", func(t *testing.T, directory string) {
			other := t.TempDir()
			openStore(t, other, Options{}).Close()
			copyFile(t, filepath.Join(other, publicKeyName), filepath.Join(directory, publicKeyName))
		}, []string{"the round of messages 1 to 10: its signature: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			directory := fiveRounds(t)
			tt.change(t, directory)
			_, found := verify(t, mustOpen(t, directory, Options{ReadOnly: true}), Inspection{})
			for _, want := range tt.want {
				if !slices.ContainsFunc(found, func(line string) bool { return strings.Contains(line, want) }) {
					t.Errorf("found %q, want %q", found, want)
				}
			}
		})
	}
}

// TestVerifyAgainstHead holds a history that was made anew, with a key of its own, against
// a head that was kept elsewhere.
func TestVerifyAgainstHead(t *testing.T) {
	kept := fiveRounds(t)
	s := openStore(t, kept, Options{ReadOnly: true})
	keys, err := ReadKeys(filepath.Join(kept, publicKeyName))
	if err != nil {
		t.Fatal(err)
	}
	v, _ := verify(t, s, Inspection{})
	how := Inspection{Keys: keys, Heads: [][]byte{[]byte(v.Head)}}
	if _, found := verify(t, s, how); len(found) > 0 {
		t.Errorf("the same history: %q", found)
	}
	if _, found := verify(t, openStore(t, fiveRounds(t), Options{ReadOnly: true}), how); len(found) < 5 {
		t.Errorf("another history: %q, want a finding for each round", found)
	}
}

// edit returns a change of a bbolt file.
func edit(file string, change func(*bolt.Tx) error) func(*testing.T, string) {
	return func(t *testing.T, directory string) { editFile(t, filepath.Join(directory, file), change) }
}

// forge puts another whole block in the place of a round's first one.
func forge(b *bolt.Bucket, round uint64) error {
	c := b.Cursor()
	k, _ := c.Seek(chunkKey{round: round}.encode())
	var w blockWriter
	m := numbered(readChunkKey(k).block)
	m.Raw = []byte("<14>1 - - - - - - nothing happened")
	w.add(&m)
	return b.Put(bytes.Clone(k), w.seal(nil))
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
