package storage

import (
	"bytes"
	"os"
	"strings"
	"testing"

	logrustest "github.com/sirupsen/logrus/hooks/test"
)

// writtenTail returns the bytes of a tail of records with three messages each, and where
// each record ends.
func writtenTail(t *testing.T, records int) (b []byte, ends []int64) {
	t.Helper()
	f, err := openTail(tailPath(t.TempDir(), 0), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer f.file.Close()
	if err := f.begin(1); err != nil {
		t.Fatal(err)
	}
	for i := range records {
		r := newRecord(uint64(3*i)+1, nil)
		for n := range uint64(3) {
			m := numbered(r.first + n)
			r.add(&m)
		}
		if err := f.write([]*record{r}); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, f.end)
	}
	if b, err = os.ReadFile(f.path); err != nil {
		t.Fatal(err)
	}
	return b, ends
}

// A tail that a power cut has cut anywhere gives all records before the cut.
func TestTailCutAnywhere(t *testing.T) {
	b, ends := writtenTail(t, 5)
	for n := range b {
		c, err := readTail(bytes.NewReader(b[:n]))
		if err != nil {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
		whole := 0
		for whole < len(ends) && ends[whole] <= int64(n) {
			whole++
		}
		if len(c.records) != whole || len(c.lost) > 0 {
			t.Errorf("cut to %d bytes: %d records, lost %v, want %d", n, len(c.records), c.lost, whole)
		}
	}
}

// Every changed byte is noticed, and costs no more than the record it is in.
func TestTailDamageIsSeen(t *testing.T) {
	b, ends := writtenTail(t, 4)
	for i := range b {
		b[i] ^= 0x10
		c, err := readTail(bytes.NewReader(b))
		in := 0
		for in < len(ends) && ends[in] <= int64(i) {
			in++
		}
		switch last := len(ends) - 1; {
		case i < tailHeaderBytes:
			if err == nil {
				t.Errorf("byte %d of the header: no damage seen", i)
			}
		case err != nil || len(c.records) != last:
			t.Errorf("byte %d: %d records, %v, want %d", i, len(c.records), err, last)
		case in < last && (len(c.lost) != 1 || c.lost[0].first != uint64(3*in)+1 || c.lost[0].last != uint64(3*in)+3):
			t.Errorf("byte %d: lost %v, want messages %d to %d", i, c.lost, 3*in+1, 3*in+3)
		}
		b[i] ^= 0x10
	}
}

// What an earlier epoch left behind the present one's records is never read.
func TestTailForgetsEarlierEpochs(t *testing.T) {
	f, err := openTail(tailPath(t.TempDir(), 0), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer f.file.Close()
	for range 3 {
		if err := f.begin(1); err != nil {
			t.Fatal(err)
		}
		for first := uint64(1); first < 9; first++ {
			r := newRecord(first, nil)
			m := numbered(first)
			r.add(&m)
			if err := f.write([]*record{r}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.begin(1); err != nil {
		t.Fatal(err)
	}
	if c, err := readTailFile(f.path); err != nil || len(c.records) != 0 {
		t.Errorf("a tail that was begun anew has %d records, %v", len(c.records), err)
	}
}

func TestTailsAreReplayed(t *testing.T) {
	directory := t.TempDir()
	for _, o := range []Options{{}, {TailBytes: 4 << 10}, {SealEvery: 1}} {
		s := openStore(t, directory, o)
		before := s.Last()
		appendNumbered(t, s, 500)
		s.Close()
		s = openStore(t, directory, Options{ReadOnly: true})
		wantNumbered(t, s, before+500)
		s.Close()
	}
}

// A crash while one tail is sealed leaves both to be replayed. If the newest record is
// damaged besides, and the states include its messages, no other is lost, and its numbers
// aren't given again.
func TestBothTailsAreReplayed(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{TailBytes: 4 << 10})
	appendNumbered(t, s, 10)
	syncStore(t, s)
	resume := stallDisk(t, s)
	defer resume()
	for i := 0; i < 100 && !bothTailsHold(s); i++ {
		appendNumbered(t, s, 10)
		syncStore(t, s)
	}
	last := s.Last()
	if !bothTailsHold(s) {
		t.Fatal("one tail holds all messages, want two")
	}
	checkpoint(t, s, Changes{Sequence: last})
	crashed := t.TempDir()
	if err := os.CopyFS(crashed, os.DirFS(directory)); err != nil {
		t.Fatal(err)
	}
	resume()
	s.Close()

	damaged := damagedCopy(t, crashed, numbered(last).Raw)

	again := openStore(t, crashed, Options{})
	wantNumbered(t, again, last)
	again.Close()

	again = openStore(t, damaged, Options{})
	if have, err := sequences(t, again, Query{}); err != nil || len(have) != int(last)-10 || have[len(have)-1] != last-10 {
		t.Errorf("have %d, %v, want all up to %d", have, err, last-10)
	}
	appendNumbered(t, again, 1)
	if again.Last() != last+1 {
		t.Errorf("the next message is number %d, want %d", again.Last(), last+1)
	}
}

func bothTailsHold(s *Store) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sealing != nil && len(s.current.records) > 0
}

// damagedCopy copies a data directory and changes a byte of a message in its tails.
func damagedCopy(t *testing.T, directory string, raw []byte) string {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(directory)); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		path := tailPath(copied, i)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(b, raw); at >= 0 {
			b[at] ^= 1
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return copied
}

// A file that is no tail is set aside, and collecting goes on.
func TestForeignTailIsSetAside(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{})
	appendNumbered(t, s, 10)
	s.Close()
	if err := os.WriteFile(tailPath(directory, 0), bytes.Repeat([]byte("not ours"), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	log, seen := logrustest.NewNullLogger()
	s = openStore(t, directory, Options{Log: log, ReadOnly: true})
	s.Close()
	wantLogged(t, seen, "its messages are missing")
	s = openStore(t, directory, Options{Log: log})
	wantLogged(t, seen, "set aside")
	appendNumbered(t, s, 10)
	syncStore(t, s)
	if have, err := sequences(t, s, Query{}); err != nil || len(have) != 10 || have[0] != 11 {
		t.Errorf("have %d, %v, want 11 to 20", have, err)
	}
}

// wantLogged checks that a line with some words was logged.
func wantLogged(t testing.TB, seen *logrustest.Hook, words string) {
	t.Helper()
	for _, e := range seen.AllEntries() {
		if strings.Contains(e.Message, words) {
			return
		}
	}
	t.Errorf("logged %v, want a line with %q", seen.AllEntries(), words)
}
