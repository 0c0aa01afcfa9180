package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

func init() {
	roles["write and die"] = writeAndDie
	roles["write on"] = writeOn
}

// What the recorded process promises on standard output, each with a sequence.
const (
	synced       = "synced"
	begun        = "begun"   // synced, and in a new store
	resumed      = "resumed" // synced, and first of all after a restart
	checkpointed = "checkpointed"
	included     = "included" // checkpointed, with messages that weren't synced before
)

func promiseSynced(word string, s *Store) error {
	last := s.Last()
	if err := s.Sync(context.Background()); err != nil {
		return err
	}
	_, err := fmt.Println(word, last)
	return err
}

func promiseCheckpoint(word string, s *Store) error {
	last := s.Last()
	if err := s.Checkpoint(Changes{Sequence: last, States: []State{{"last", fmt.Append(nil, last)}}}); err != nil {
		return err
	}
	_, err := fmt.Println(word, last)
	return err
}

// writeAndDie begins a store and leaves messages that are written but not synced. The
// process that follows is another one in all but its number. Nothing is sealed, so that
// no system call is under way when this one ends.
func writeAndDie(directory string) error {
	s, err := Open(directory, Options{CommitEvery: time.Millisecond, TailBytes: 64 << 10, SealEvery: time.Hour})
	if err != nil {
		return err
	}
	for range 5 {
		if err := s.Append(batchAfter(s.Last(), 10)); err != nil {
			return err
		}
		if err := errors.Join(promiseSynced(begun, s), promiseCheckpoint(checkpointed, s)); err != nil {
			return err
		}
	}
	if err := s.Append(batchAfter(s.Last(), 10)); err != nil {
		return err
	}
	if err := promiseCheckpoint(included, s); err != nil {
		return err
	}
	if err := s.Append(batchAfter(s.Last(), 10)); err != nil {
		return err
	}
	if err := waitWritten(s); err != nil {
		return err
	}
	if err := os.Setenv(roleVariable, "write on"); err != nil {
		return err
	}
	return syscall.Exec(os.Args[0], os.Args, os.Environ())
}

// waitWritten waits until everything that was appended can be read.
func waitWritten(s *Store) error {
	var last uint64
	for deadline := time.Now().Add(patience); last < s.Last(); {
		err := s.Messages(context.Background(), Query{}, func(m *message.Message) error {
			last = m.Sequence
			return nil
		})
		if err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("messages are written up to %d, want %d", last, s.Last())
		}
	}
	return nil
}

// powerOptions have tails and segments change often.
var powerOptions = Options{
	CommitEvery:  time.Millisecond,
	TailBytes:    8 << 10,
	SealEvery:    20 * time.Millisecond,
	SegmentBytes: 64 << 10,
}

// writeOn appends, syncs and makes checkpoints, all at once, and closes in the end.
func writeOn(directory string) error {
	s, err := Open(directory, powerOptions)
	if err != nil {
		return err
	}
	if err := errors.Join(promiseSynced(resumed, s), promiseCheckpoint(checkpointed, s)); err != nil {
		return err
	}
	appended, checkpoints := make(chan struct{}), make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			select {
			case <-appended:
				checkpoints <- nil
				return
			case <-time.After(10 * time.Millisecond):
				err = promiseCheckpoint(checkpointed, s)
			}
		}
		checkpoints <- err
	}()
	pause := time.NewTicker(2 * time.Millisecond)
	for i := range 240 {
		if err := s.Append(batchAfter(s.Last(), 1+rand.IntN(20))); err != nil {
			return err
		}
		if i%8 < 4 {
			<-pause.C // they are written meanwhile
		}
		if i%8 == 0 || i%8 == 4 {
			if err := promiseSynced(synced, s); err != nil {
				return err
			}
		}
	}
	close(appended)
	return errors.Join(<-checkpoints, s.Close())
}

// TestPowerCut records the system calls of a writing process and cuts the power at many
// places: of what wasn't synced until then, anything may be on the disk. Whatever the
// process had promised is there each time.
func TestPowerCut(t *testing.T) {
	cuts := 25
	if os.Getenv("SKEWATCH_ACCEPTANCE") != "" {
		cuts = 100
	}
	r := recordWriting(t)
	seed := rand.Uint64()
	t.Logf("seed %d: %d lines, %d changes of files, %d syncs, %d promises", seed, r.lines, len(r.changes), len(r.syncs), len(r.promises))
	for i, cut := range r.cuts(rand.New(rand.NewPCG(seed, 0)), cuts) {
		for _, chance := range []*rand.Rand{nil, rand.New(rand.NewPCG(seed, uint64(i)+1))} {
			t.Run(fmt.Sprintf("line %d", cut), func(t *testing.T) {
				directory := t.TempDir()
				fates, err := r.disk(directory, cut, chance)
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if t.Failed() {
						t.Logf("after %s; changes that weren't synced:\n%s", r.before(cut), strings.Join(fates, "\n"))
					}
				}()
				wantSurvived(t, filepath.Join(directory, dataDirectory), r, cut)
			})
		}
	}
}

// dataDirectory is created by the recorded process.
const dataDirectory = "data"

// recordWriting records a process in the first role, and those that follow it.
func recordWriting(t *testing.T) *recording {
	t.Helper()
	directory, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(t.TempDir(), "trace")
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, findStrace(t), append(straceOptions(trace), os.Args[0], filepath.Join(directory, dataDirectory))...)
	cmd.Env = append(os.Environ(), roleVariable+"=write and die")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	r, err := readTrace(string(b), directory)
	if err != nil {
		t.Fatal(err)
	}
	wantRecorded(t, r, directory)
	return r
}

// wantRecorded checks that the recording leads to the files that there are.
func wantRecorded(t *testing.T, r *recording, directory string) {
	t.Helper()
	replayed := t.TempDir()
	if err := r.replay(replayed, r.lines, nil, func(change) fateOf { return applied }); err != nil {
		t.Fatal(err)
	}
	have, want := readTree(t, replayed), readTree(t, directory)
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if have[path] != want[path] {
			t.Errorf("%s isn't as recorded", path)
		}
	}
	if len(have) != len(want) {
		t.Errorf("%d files were recorded, want %d", len(have), len(want))
	}
	if t.Failed() {
		t.FailNow()
	}
}

func readTree(t *testing.T, directory string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.Walk(directory, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, directory)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// cuts chooses about n places to cut the power: right before and after the end of a call
// of each kind, after a promise of each kind, and anywhere.
func (r *recording) cuts(rng *rand.Rand, n int) []int {
	var list []int
	for _, kind := range slices.Sorted(maps.Keys(r.ends)) {
		ends := r.ends[kind]
		for range max(1, n/25) {
			end := ends[rng.IntN(len(ends))]
			list = append(list, end, end+1)
		}
	}
	for len(list) < n {
		list = append(list, r.first+rng.IntN(r.lines-r.first+1))
	}
	return list
}

// wantSurvived opens what a power cut left, as a restart does.
func wantSurvived(t *testing.T, directory string, r *recording, cut int) {
	t.Helper()
	wantSynced := max(r.promised(begun, cut), r.promised(resumed, cut), r.promised(synced, cut))
	wantCheckpoint := max(r.promised(checkpointed, cut), r.promised(included, cut))
	s := openStore(t, directory, powerOptions)
	var whole uint64 // the messages from 1 on that are there
	err := s.Messages(context.Background(), Query{}, func(m *message.Message) error {
		wantMessage(t, *m, numbered(m.Sequence))
		if m.Sequence == whole+1 {
			whole++
		}
		return nil
	})
	if err != nil || whole < wantSynced {
		t.Errorf("have messages 1 to %d, %v, want to %d", whole, err, wantSynced)
	}
	sequence, all, err := states(t, s)
	if err != nil || sequence < wantCheckpoint || cmp.Or(all["last"], "0") != fmt.Sprint(sequence) {
		t.Errorf("have states %v of sequence %d, %v, want those of %d", all, sequence, err, wantCheckpoint)
	}
	if sequence > whole {
		t.Errorf("have states of sequence %d, want none of messages beyond %d", sequence, whole)
	}
	appendNumbered(t, s, 10)
	syncStore(t, s)
}
