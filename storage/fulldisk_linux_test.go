package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/collector/message"
)

func init() { roles["fill"] = fillDisk }

// TestFullDisk fills a file system of 16 MiB under load and frees it again, in a process
// that has it for itself.
func TestFullDisk(t *testing.T) {
	cmd := exec.Command(os.Args[0], t.TempDir())
	cmd.Env = append(os.Environ(), roleVariable+"=fill")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) && os.Getenv("CI") != "true" {
		t.Skipf("a file system can't be mounted here: %v", err)
	}
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	t.Logf("%s", out)
}

// alarmWithin is how soon a full disk must show in the log.
const alarmWithin = 5 * time.Second

func fillDisk(directory string) error {
	if err := errors.Join(syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
		syscall.Mount("tmpfs", directory, "tmpfs", 0, "size=16m")); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	ballast := filepath.Join(directory, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 4<<20), 0o600); err != nil {
		return err
	}
	log := new(lockedBuffer)
	logger := logrus.New()
	logger.SetOutput(log)
	s, err := Open(filepath.Join(directory, "data"), Options{Log: logger})
	if err != nil {
		return err
	}
	acknowledged, refused, err := appendUntilFull(s)
	if err != nil {
		return err
	}
	fmt.Printf("full after %d messages of %d bytes: %v\n", s.Last(), fillBytes, refused)
	if err := whileFull(s, log, acknowledged); err != nil {
		return err
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	return afterwards(s, log)
}

// fillBytes is the size of the messages; a quarter of each packs with nothing.
const fillBytes = 1000

func fillMessage(n uint64) message.Message {
	m := numbered(n)
	rnd := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	m.Raw, m.Host = bytes.Repeat([]byte("x"), fillBytes), nil
	_, _ = rnd.Read(m.Raw[:fillBytes/4]) // never fails
	return m
}

// appendUntilFull appends and syncs until neither goes any further, and returns the last
// message that was confirmed.
func appendUntilFull(s *Store) (acknowledged uint64, refused, err error) {
	for range 1000 {
		batch := make([]message.Message, 100)
		for i := range batch {
			batch[i] = fillMessage(s.Last() + uint64(i) + 1)
		}
		ctx, cancel := context.WithTimeout(context.Background(), alarmWithin)
		stuck := make(chan error, 1)
		go func() { stuck <- errors.Join(s.Append(batch), s.Sync(ctx)) }()
		select {
		case refused = <-stuck:
		case <-ctx.Done():
			refused = errors.New("Append waits")
		}
		cancel()
		if refused != nil {
			return acknowledged, refused, nil
		}
		acknowledged = s.Last()
	}
	return 0, nil, errors.New("100,000 messages went into 16 MiB")
}

// whileFull checks what must hold while the disk is full.
func whileFull(s *Store, log *lockedBuffer, acknowledged uint64) error {
	time.Sleep(alarmWithin)
	if !strings.Contains(log.String(), "no space left on device") {
		return fmt.Errorf("after %v the log says\n%s", alarmWithin, log)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.Last() > acknowledged {
		if err := s.Sync(ctx); err == nil {
			return errors.New("messages that found no room are confirmed")
		}
	}
	return wantFilled(s, acknowledged)
}

// wantFilled checks that messages 1 to last can be read as they were.
func wantFilled(s *Store, last uint64) error {
	next := uint64(1)
	err := s.Messages(context.Background(), Query{}, func(m *message.Message) error {
		if want := fillMessage(next); m.Sequence != next || !bytes.Equal(m.Raw, want.Raw) {
			return fmt.Errorf("message %d is read where %d should be, or isn't as it was", m.Sequence, next)
		}
		next++
		return nil
	})
	if err == nil && next <= last {
		err = fmt.Errorf("messages up to %d are read, want %d", next-1, last)
	}
	return err
}

// afterwards checks that the store goes on by itself when there is room again.
func afterwards(s *Store, log *lockedBuffer) error {
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		err := errors.Join(s.Sync(context.Background()), s.Checkpoint(Changes{Sequence: s.Last(), States: []State{{"web1", []byte("state")}}}))
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("20 s after there is room again: %w; the log says\n%s", err, log)
		}
	}
	last := s.Last()
	if err := wantFilled(s, last); err != nil {
		return err
	}
	found := 0
	if _, err := s.Verify(context.Background(), Inspection{}, func(d *DamageError) { found++; fmt.Println(d) }); err != nil || found > 0 {
		return fmt.Errorf("%d findings, %w", found, err)
	}
	fmt.Printf("%d messages are there, and the log says\n%s", last, log)
	return s.Close()
}
