package pages_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/skewatch/skewatch/storage/pages"
)

// build makes a bbolt file with three buckets: many keys, some of them removed again, in
// one; few, which stand inline, in another; none in the third.
func build(t testing.TB, keys int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 4 {
		err := db.Update(func(tx *bolt.Tx) error {
			for _, name := range []string{"many", "few", "none"} {
				if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
					return err
				}
			}
			for range keys / 4 {
				key := fmt.Appendf(nil, "%08d", rnd.IntN(1e8))
				if err := tx.Bucket([]byte("many")).Put(key, bytes.Repeat(key, rnd.IntN(40))); err != nil {
					return err
				}
			}
			c := tx.Bucket([]byte("many")).Cursor()
			for k, _ := c.First(); k != nil && round == 2; k, _ = c.Next() {
				if rnd.IntN(3) == 0 {
					if err := c.Delete(); err != nil {
						return err
					}
				}
			}
			large := bytes.Repeat([]byte{byte(round)}, 50_000) // takes pages of its own
			if err := tx.Bucket([]byte("many")).Put(fmt.Appendf(nil, "large%d", round), large); err != nil {
				return err
			}
			return tx.Bucket([]byte("few")).Put(fmt.Append(nil, round), []byte("value"))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}

type entry struct{ key, value string }

// byBbolt returns what bbolt reads from a bucket.
func byBbolt(t testing.TB, path, bucket string) (all []entry) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucket)).ForEach(func(k, v []byte) error {
			all = append(all, entry{string(k), string(v)})
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// open reads a copy of a file in memory.
func open(t testing.TB, b []byte, damaged func(pages.Damage)) (*pages.File, func(bucket string) *pages.Cursor) {
	t.Helper()
	f, err := pages.Open(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return f, func(bucket string) *pages.Cursor {
		b, ok := f.Bucket(bucket, damaged)
		if !ok {
			t.Fatalf("there is no bucket %q", bucket)
		}
		return b.Cursor(damaged)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadsAsBboltDoes(t *testing.T) {
	path := build(t, 20_000)
	none := func(d pages.Damage) { t.Errorf("a sound file: %v", d) }
	f, cursor := open(t, readFile(t, path), none)
	f.Check(none)
	for _, bucket := range []string{"many", "few", "none"} {
		want := byBbolt(t, path, bucket)
		c := cursor(bucket)
		var forth, back []entry
		for k, v := c.First(); k != nil; k, v = c.Next() {
			forth = append(forth, entry{string(k), string(v)})
		}
		if !slices.Equal(forth, want) {
			t.Errorf("%s: %d entries from the first on, want %d as bbolt reads them", bucket, len(forth), len(want))
		}
		for k, v := c.Last(); k != nil; k, v = c.Prev() {
			back = append(back, entry{string(k), string(v)})
		}
		slices.Reverse(back)
		if !slices.Equal(back, want) {
			t.Errorf("%s: %d entries backwards, want %d as bbolt reads them", bucket, len(back), len(want))
		}
		for i, e := range want {
			if k, v := c.Seek([]byte(e.key)); string(k) != e.key || string(v) != e.value {
				t.Fatalf("%s: Seek(%q) is %q", bucket, e.key, k)
			}
			if k, _ := c.Floor([]byte(e.key + "\x00")); string(k) != e.key {
				t.Fatalf("%s: Floor behind %q is %q", bucket, e.key, k)
			}
			if k, _ := c.Seek([]byte(e.key + "\x00")); i+1 < len(want) && string(k) != want[i+1].key {
				t.Fatalf("%s: Seek behind %q is %q, want %q", bucket, e.key, k, want[i+1].key)
			}
		}
	}
	if _, ok := f.Bucket("other", none); ok {
		t.Error("there is a bucket that nobody made")
	}
}

// TestDamage flips bits and cuts the file. Whatever happens, reading comes to an end; what
// is not where it was is told; and a file that passes the check reads as before, but for
// values, which aren't checked here.
func TestDamage(t *testing.T) {
	path := build(t, 4000)
	sound := readFile(t, path)
	want := byBbolt(t, path, "many")
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range 1500 {
		b := bytes.Clone(sound)
		if i%10 == 0 {
			b = b[:rnd.IntN(len(b))]
		} else {
			b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
		}
		within(t, func() {
			f, err := pages.Open(bytes.NewReader(b))
			if err != nil {
				return // it was told
			}
			told := false
			note := func(pages.Damage) { told = true }
			f.Check(note)
			var have []string
			if many, ok := f.Bucket("many", note); ok {
				c := many.Cursor(note)
				for k, _ := c.First(); k != nil; k, _ = c.Next() {
					have = append(have, string(k))
				}
			}
			if !told && len(have) < len(want)/2 {
				t.Errorf("%d of %d keys are read, and nothing is told", len(have), len(want))
			}
		})
	}
}

// within has a test fail that doesn't come to an end.
func within(t *testing.T, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); fn() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("reading goes on for ever")
	}
}

func TestNotBbolt(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("text"), make([]byte, 1<<17)} {
		if _, err := pages.Open(bytes.NewReader(b)); err != pages.ErrNotBbolt {
			t.Errorf("%d bytes that are no bbolt file: %v, want %v", len(b), err, pages.ErrNotBbolt)
		}
	}
}

// TestEitherMeta damages one meta page after the other: the other one serves.
func TestEitherMeta(t *testing.T) {
	sound := readFile(t, build(t, 100))
	for page := range 2 {
		b := bytes.Clone(sound)
		b[page*os.Getpagesize()+40] ^= 1
		if _, err := pages.Open(bytes.NewReader(b)); err != nil {
			t.Errorf("with meta page %d damaged: %v", page, err)
		}
	}
}

// TestCircle has each branch lead to itself, which bbolt follows until its stack ends.
func TestCircle(t *testing.T) {
	sound := readFile(t, build(t, 4000))
	size := os.Getpagesize()
	noticed := 0
	for id := 2; id < len(sound)/size; id++ {
		if sound[id*size+8] != 0x01 { // no branch
			continue
		}
		b := bytes.Clone(sound)
		copy(b[id*size+24:id*size+32], sound[id*size:]) // its first child is itself
		told := 0
		within(t, func() {
			f, cursor := open(t, b, func(pages.Damage) { told++ })
			f.Check(func(pages.Damage) { told++ })
			c := cursor("many")
			for k, _ := c.First(); k != nil; k, _ = c.Next() {
			}
		})
		if told > 0 {
			noticed++
		}
	}
	if noticed == 0 { // some are free pages, to which nothing leads
		t.Error("no circle is noticed")
	}
}

// FuzzFile reads whatever is given as a bbolt file, in every way.
func FuzzFile(f *testing.F) {
	f.Add(readFile(f, build(f, 200)), []byte("key"))
	f.Fuzz(func(t *testing.T, b, key []byte) {
		file, err := pages.Open(bytes.NewReader(b))
		if err != nil {
			return
		}
		file.Check(func(pages.Damage) {})
		many, _ := file.Bucket("many", nil)
		c := many.Cursor(nil)
		c.Seek(key)
		c.Next()
		c.Floor(key)
		c.Prev()
		c.Last()
	})
}

func BenchmarkCheck(b *testing.B) {
	sound := readFile(b, build(b, 200_000))
	f, _ := open(b, sound, nil)
	b.SetBytes(f.Size())
	for b.Loop() {
		f.Check(func(d pages.Damage) { b.Fatal(d) })
	}
}
