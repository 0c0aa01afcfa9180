package storage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// With roleVariable set, the test binary is a child process: it plays the role
// on the directory given as its last argument.
const roleVariable = "STORAGE_TEST_ROLE"

var roles = map[string]func(directory string) error{
	"hold":       hold,
	"append":     appendForEver,
	"checkpoint": checkpointForEver,
}

func TestMain(m *testing.M) {
	role, isChild := roles[os.Getenv(roleVariable)]
	if !isChild {
		os.Exit(m.Run())
	}
	if err := role(os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type child struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *bufio.Reader
}

// startChild starts the test binary in a role. It is killed when the test ends.
func startChild(t testing.TB, role, directory string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0], directory)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd, stdin, bufio.NewReader(stdout)}
	t.Cleanup(c.kill)
	return c
}

func (c *child) kill() {
	c.cmd.Process.Kill()
	c.cmd.Wait()
}

// hold has the store open until its standard input ends.
func hold(directory string) error {
	s, err := Open(directory, Options{})
	if err != nil {
		return err
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
	return s.Close()
}

func TestInUse(t *testing.T) {
	directory := t.TempDir()
	c := startChild(t, "hold", directory)
	if line, err := c.stdout.ReadString('\n'); line != "open\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	for _, readOnly := range []bool{false, true} {
		start := time.Now()
		_, err := Open(directory, Options{ReadOnly: readOnly})
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), directory) {
			t.Errorf("Open(ReadOnly: %t): %v, want %v with %s", readOnly, err, ErrInUse, directory)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("Open(ReadOnly: %t) took %v to say so", readOnly, took)
		}
	}
	c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	openStore(t, directory, Options{})
}

// appendForEver appends numbered messages, and prints after each batch the last
// sequence and the time. Now and then it syncs: what is on disk then it prints as of an
// hour ago.
func appendForEver(directory string) error {
	return appendAnd(directory, func(s *Store, last uint64) {
		if err := s.Sync(context.Background()); err == nil {
			fmt.Println(last, time.Now().Add(-time.Hour).UnixNano())
		}
	})
}

// checkpointForEver is appendForEver with checkpoints of what it has appended.
// They have commits made sooner.
func checkpointForEver(directory string) error {
	return appendAnd(directory, func(s *Store, last uint64) {
		go s.Checkpoint(Changes{Sequence: last, States: []State{{"last", fmt.Append(nil, last)}}})
	})
}

func appendAnd(directory string, now func(s *Store, last uint64)) error {
	s, err := Open(directory, Options{SegmentBytes: 1 << 20, TailBytes: 128 << 10})
	if err != nil {
		return err
	}
	pause := time.NewTicker(time.Millisecond)
	for i := 1; ; i++ {
		<-pause.C
		if err := s.Append(batchAfter(s.Last(), 1+rand.IntN(20))); err != nil {
			return err
		}
		fmt.Println(s.Last(), time.Now().UnixNano())
		if i%30 == 0 {
			now(s, s.Last())
		}
	}
}

// TestKill kills a writing process again and again. Whatever it had synced, or appended
// 200 ms before, is there afterwards, bit for bit, without a gap, and the states are not
// ahead of it.
func TestKill(t *testing.T) {
	rounds := 6
	if os.Getenv("SKEWATCH_ACCEPTANCE") != "" {
		rounds = 100
	}
	for _, role := range []string{"append", "checkpoint"} {
		t.Run(role, func(t *testing.T) {
			directory := t.TempDir()
			for round := range rounds {
				promised := killChild(t, role, directory)
				if wantKept(t, directory, promised); t.Failed() {
					t.Fatalf("in round %d", round)
				}
			}
		})
	}
}

// killChild starts a child, kills it after a while, and returns the last
// sequence that it had appended 200 ms before.
func killChild(t *testing.T, role, directory string) (promised uint64) {
	t.Helper()
	c := startChild(t, role, directory)
	killed := make(chan time.Time, 1)
	time.AfterFunc(time.Duration(250+rand.IntN(500))*time.Millisecond, func() {
		killed <- time.Now()
		c.cmd.Process.Kill()
	})
	at := readPromises(c.stdout)
	c.cmd.Wait()
	return at((<-killed).Add(-200 * time.Millisecond))
}

type promise struct {
	sequence uint64
	at       int64
}

// readPromises reads what the child prints to its end, and returns a function
// for the newest sequence that it had appended at a given time.
func readPromises(r io.Reader) func(time.Time) uint64 {
	var all []promise
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var p promise
		if n, _ := fmt.Sscan(lines.Text(), &p.sequence, &p.at); n == 2 {
			all = append(all, p)
		}
	}
	return func(limit time.Time) (last uint64) {
		for _, p := range all {
			if p.at <= limit.UnixNano() {
				last = p.sequence
			}
		}
		return last
	}
}

func wantKept(t *testing.T, directory string, promised uint64) {
	t.Helper()
	begun := time.Now()
	s, err := Open(directory, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	took := time.Since(begun)
	if took > 5*time.Second {
		t.Errorf("opening took %v, want less than 5 s", took)
	}
	t.Logf("%d messages promised, %d kept, %d segments, ready after %v", promised, s.Last(), len(s.segments.from(0)), took)
	if s.Last() < promised {
		t.Errorf("kept messages 1 to %d, want to %d", s.Last(), promised)
	}
	wantNumbered(t, s, s.Last())
	sequence, all, err := states(t, s)
	if err != nil || sequence > s.Last() || sequence > 0 && all["last"] != fmt.Sprint(sequence) {
		t.Errorf("states %v of sequence %d, %v, with messages to %d", all, sequence, err, s.Last())
	}
	if _, found := verify(t, s, Inspection{}); len(found) > 0 {
		t.Errorf("verify finds %q", found)
	}
	s.Close()
	checkFiles(t, directory)
}
