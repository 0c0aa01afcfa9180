package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

func init() { roles["fail"] = writeUnderLimit }

// writeUnderLimit has its writes fail, by a limit on file sizes, and then go on.
func writeUnderLimit(directory string) error {
	signal.Ignore(syscall.SIGXFSZ) // so that a write beyond the limit returns EFBIG
	var log bytes.Buffer
	logger := logrus.New()
	logger.SetOutput(&log)
	s, err := Open(directory, Options{CommitEvery: time.Millisecond, Log: logger})
	if err != nil {
		return err
	}
	if err := setFileSizeLimit(256 << 10); err != nil {
		return err
	}
	refused, err := appendUntilError(s)
	if err != nil || !isTooLarge(refused) {
		return fmt.Errorf("the failure is %v, %v, want %v", refused, err, syscall.EFBIG)
	}
	if err := s.Sync(context.Background()); !isTooLarge(err) {
		return fmt.Errorf("Sync during the failure: %v, want %v", err, syscall.EFBIG)
	}
	if err := setFileSizeLimit(1 << 40); err != nil {
		return err
	}
	if err := appendAgain(s); err != nil {
		return err
	}
	last := s.Last()
	if err := s.Close(); err != nil {
		return err
	}
	fmt.Println(last)
	for _, want := range []string{"can't be written", "can be written again"} {
		if n := strings.Count(log.String(), want); n != 1 {
			return fmt.Errorf("logged %d times that messages %s:\n%s", n, want, log.String())
		}
	}
	return nil
}

// isTooLarge goes by the text: bbolt doesn't wrap every error.
func isTooLarge(err error) bool {
	return err != nil && strings.Contains(err.Error(), syscall.EFBIG.Error())
}

func setFileSizeLimit(n uint64) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		return err
	}
	l.Cur = min(n, l.Max)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)
}

func appendUntilError(s *Store) (refused, err error) {
	for range 10_000 {
		last := s.Last()
		if err := s.Append(batchAfter(last, 10)); err != nil {
			if s.Last() != last {
				return err, fmt.Errorf("the refused batch was numbered up to %d", s.Last())
			}
			return err, nil
		}
	}
	return nil, errors.New("10,000 appends went well")
}

// appendAgain appends until the store takes messages, and has them committed.
func appendAgain(s *Store) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for s.Append(batchAfter(s.Last(), 10)) != nil {
		if ctx.Err() != nil {
			return errors.New("Append still fails after the limit is lifted")
		}
		time.Sleep(time.Millisecond)
	}
	return s.Sync(ctx)
}

func TestWriteFailure(t *testing.T) {
	directory := t.TempDir()
	c := startChild(t, "fail", directory)
	out, _ := io.ReadAll(c.stdout)
	if err := c.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	var last uint64
	if _, err := fmt.Sscan(string(out), &last); err != nil {
		t.Fatalf("the child says %q: %v", out, err)
	}
	if last <= 10 {
		t.Errorf("only %d messages were appended", last)
	}
	wantNumbered(t, openStore(t, directory, Options{}), last)
}
