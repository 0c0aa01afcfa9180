package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/collector/message"
)

// The damage tests alter files at random, and are the same on each run.
var damageSeed = [2]uint64{0x5eed, 4}

// smallTail lets stores be opened quickly.
const smallTail = 256 << 10

// flips is how many bits are flipped, and cuts how often a file is cut.
func flips() (flips, cuts int) {
	if os.Getenv("SKEWATCH_ACCEPTANCE") != "" {
		return 1000, 100
	}
	return 60, 12
}

// TestDamagedFiles alters one file of a store at a time, opens it and reads all. Nothing
// ends the process or hangs; every message that isn't as it was is told of; and new ones
// are taken.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	sound := fiveRounds(t)
	want := contents(t, mustOpen(t, sound, Options{ReadOnly: true}))
	flips, cuts := flips()
	rnd := rand.New(rand.NewPCG(damageSeed[0], damageSeed[1]))
	for i := range flips + cuts {
		directory := copyDirectory(t, sound)
		what := alter(t, directory, rnd, i >= flips)
		lived := t.Run("", func(t *testing.T) { wantDamageTold(t, directory, want) })
		if !lived {
			t.Fatalf("after %s", what)
		}
	}
}

// wantDamageTold checks what becomes of a directory with an altered file.
func wantDamageTold(t *testing.T, directory string, want map[uint64]string) {
	log := new(strings.Builder)
	o := Options{Log: logTo(log), SealEvery: 1, TailBytes: smallTail}
	reader := mustOpen(t, directory, Options{ReadOnly: true, Log: o.Log, TailBytes: smallTail})
	_, found := verify(t, reader, Inspection{})
	have := contents(t, reader)
	if wrong := differences(have, want); len(wrong) > 0 && len(found) == 0 {
		t.Errorf("%v aren't as they were, and verify says nothing", wrong)
	}
	reader.Close()

	s := mustOpen(t, directory, o)
	before := s.Last()
	appendNumbered(t, s, 20)
	awaitSealed(t, s)
	if have := contents(t, s); len(have) < 20 || have[before+20] == "" {
		t.Errorf("messages up to %d were appended, and %d are read", before+20, len(have))
	}
	if err := s.Checkpoint(Changes{Sequence: s.Last(), States: []State{{"web2", []byte("new")}}}); err != nil {
		t.Error(err)
	}
	_, found = verify(t, s, Inspection{})
	if wrong := differences(contents(t, s), want); len(wrong) > 0 && len(found) == 0 {
		t.Errorf("after a restart %v aren't as they were, and verify says nothing", wrong)
	}
	if t.Failed() {
		t.Logf("the log:\n%s", log)
	}
}

// TestDamageWhileOpen alters files under a store that writes and reads.
func TestDamageWhileOpen(t *testing.T) {
	t.Parallel()
	sound := fiveRounds(t)
	flips, cuts := flips()
	rnd := rand.New(rand.NewPCG(damageSeed[1], damageSeed[0]))
	for i := range (flips + cuts) / 4 {
		directory := copyDirectory(t, sound)
		s := mustOpen(t, directory, Options{Log: logTo(io.Discard), SealEvery: 1, TailBytes: smallTail})
		done := make(chan error, 1)
		go func() {
			err := s.Messages(context.Background(), Query{}, func(*message.Message) error { return nil })
			if errors.As(err, new(*DamageError)) {
				err = nil
			}
			done <- err
		}()
		what := alter(t, directory, rnd, i%4 == 0)
		appendNumbered(t, s, 20)
		syncStore(t, s)
		last := s.Last()
		awaitSealed(t, s)
		if err := s.Checkpoint(Changes{Sequence: last, States: []State{{"web2", []byte("new")}}}); err != nil {
			t.Errorf("after %s: %v", what, err)
		}
		if err := wait(t, done); err != nil {
			t.Errorf("after %s: %v", what, err)
		}
		if have := contents(t, s); have[last] == "" {
			t.Errorf("after %s: message %d, appended since, can't be read", what, last)
		}
		if err := s.Close(); err != nil {
			t.Errorf("after %s: %v", what, err)
		}
	}
}

// TestDamageWithoutRoom damages the segment that is written while no other can be made:
// sealing goes on as soon as one can.
func TestDamageWithoutRoom(t *testing.T) {
	directory := t.TempDir()
	log := new(lockedBuffer)
	s := mustOpen(t, directory, Options{Log: logTo(log), SealEvery: 1, TailBytes: smallTail})
	appendNumbered(t, s, 10)
	awaitSealed(t, s)
	s.active.db.lock.Lock()
	s.active.db.broken = &DamageError{Problem: "for a test"}
	s.active.db.lock.Unlock()
	inTheWay := filepath.Join(directory, segmentDirectory, segmentName(11)+".new", "kept")
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	appendNumbered(t, s, 10)
	syncStore(t, s)
	eventually(t, "the failure is logged", func() bool { s.requestCommit(); return strings.Contains(log.String(), "can't be sealed") })
	time.Sleep(2 * sealAgain) // it is tried again meanwhile
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	awaitSealed(t, s)
	if have := contents(t, s); have[20] == "" {
		t.Errorf("%d messages are read, without the newest", len(have))
	}
}

// TestForeignFiles puts what was never ours in the place of each file.
func TestForeignFiles(t *testing.T) {
	t.Parallel()
	sound := fiveRounds(t)
	want := contents(t, mustOpen(t, sound, Options{ReadOnly: true}))
	for _, file := range []string{"state.db", "tail.0", "tail.1", filepath.Join(segmentDirectory, segmentName(1)), filepath.Join(segmentDirectory, segmentName(31))} {
		for _, content := range []string{"", "somebody's text\n", strings.Repeat("\x00", 1<<16)} {
			t.Run(fmt.Sprintf("%s with %d bytes", filepath.Base(file), len(content)), func(t *testing.T) {
				directory := copyDirectory(t, sound)
				if err := os.WriteFile(filepath.Join(directory, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				s := mustOpen(t, directory, Options{SealEvery: 1, TailBytes: smallTail})
				appendNumbered(t, s, 5)
				awaitSealed(t, s)
				if have := contents(t, s); have[s.Last()] == "" {
					t.Errorf("message %d, appended since, can't be read", s.Last())
				}
				_, found := verify(t, s, Inspection{})
				if wrong := differences(contents(t, s), want); (len(wrong) > 0 || strings.HasSuffix(file, ".db")) && len(found) == 0 {
					t.Errorf("%v aren't as they were, and verify says nothing", wrong)
				}
			})
		}
	}
}

// alter flips a bit of one of a directory's files, or cuts it, and says what it did.
func alter(t testing.TB, directory string, rnd *rand.Rand, cut bool) string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"state.db", "tail.*", segmentDirectory + "/*"} {
		found, err := filepath.Glob(filepath.Join(directory, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	path := files[rnd.IntN(len(files))]
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size := usedSize(t, f)
	at := rnd.Int64N(size)
	if cut {
		if err := f.Truncate(at); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("a cut of %s at byte %d", filepath.Base(path), at)
	}
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	bit := rnd.IntN(8)
	b[0] ^= 1 << bit
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("a flip of bit %d in byte %d of %s", bit, at, filepath.Base(path))
}

// usedSize returns how long a file is without the zeros at its end, which are there ahead
// of need.
func usedSize(t testing.TB, f *os.File) int64 {
	t.Helper()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	for len(b) > 1 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return int64(len(b))
}

// contents reads all messages of a store, by sequence.
func contents(t testing.TB, s *Store) map[uint64]string {
	t.Helper()
	all := make(map[uint64]string)
	err := s.Messages(t.Context(), Query{}, func(m *message.Message) error {
		all[m.Sequence] = fmt.Sprint(m.Received, m.Source, m.Sent, string(m.Host), string(m.Raw))
		return nil
	})
	if err != nil && !errors.As(err, new(*DamageError)) {
		t.Fatal(err)
	}
	return all
}

// differences returns the sequences of messages that aren't as they were.
func differences(have, want map[uint64]string) (wrong []uint64) {
	for sequence, text := range want {
		if have[sequence] != text {
			wrong = append(wrong, sequence)
		}
	}
	slices.Sort(wrong)
	return wrong
}

// mustOpen opens a store, whatever has happened to its files, within the time that
// collecting may stand still.
func mustOpen(t testing.TB, directory string, o Options) *Store {
	t.Helper()
	begun := time.Now()
	s, err := Open(directory, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("opening took %v, want less than 10 s", took)
	}
	return s
}

func logTo(w io.Writer) logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(w)
	return log
}

func copyDirectory(t testing.TB, from string) (to string) {
	t.Helper()
	to = t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// A lockedBuffer is written by a logger while it is read.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
