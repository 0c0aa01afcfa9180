package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/storage"
)

// closeSegment has what a stopped server has stored sealed, in a segment to which nothing
// more is added: with limits that no server has.
func closeSegment(t *testing.T, data string) {
	t.Helper()
	for range 2 {
		s, err := storage.Open(data, storage.Options{SegmentBytes: 1, SealEvery: 1})
		if err != nil {
			t.Fatal(err)
		}
		sealed := func() error {
			v, err := s.Verify(t.Context(), storage.Inspection{}, func(*storage.DamageError) {})
			if err == nil && v.Unsealed > 0 {
				err = fmt.Errorf("%d messages aren't sealed", v.Unsealed)
			}
			return err
		}
		eventually(t, 20*time.Second, sealed)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestVerifyAndArchive verifies under a running server and in its files, archives them, and
// reads and verifies the archive, before and after somebody changes a message in it.
func TestVerifyAndArchive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, to, head := filepath.Join(dir, "data"), filepath.Join(dir, "archive"), filepath.Join(dir, "head")
	s := trusting(t, data)
	for day := range 2 {
		sendText(t, s, fmt.Sprintf("of part %d", day))
		eventually(t, 20*time.Second, func() error {
			if n := strings.Count(run(t, s, "search"), "\n"); n != day+1 {
				return fmt.Errorf("%d messages are found, want %d", n, day+1)
			}
			return nil
		})
		if out := run(t, s, "verify"); !strings.Contains(out, "findings: 0") {
			t.Errorf("under a running server verify writes\n%s", out)
		}
		s.Stop(t)
		closeSegment(t, data)
		s = trusting(t, data)
	}
	if out := run(t, s, "verify", "--save-head", head); !strings.Contains(out, "2 messages in 2 blocks, 2 rounds") || !strings.Contains(out, "last message 2") {
		t.Errorf("verify writes\n%s", out)
	}
	out, stderr, code := s.Run("archive", "--to", to, "--delete")
	if code != 0 || !strings.Contains(out, "copied, removed here") {
		t.Fatalf("archive exits with %d and writes\n%s%s", code, out, stderr)
	}
	if out := run(t, s, "search"); strings.Contains(out, "of part 0") || !strings.Contains(out, "of part 1") {
		t.Errorf("the server whose first segment was archived finds\n%s", out)
	}
	if out := run(t, s, "verify", "--head", head); !strings.Contains(out, "findings: 0") {
		t.Errorf("after a segment was archived verify writes\n%s", out)
	}

	archive := &testbed.Skewatch{}
	*archive = *s
	archive.Data = to
	if out := run(t, archive, "search"); !strings.Contains(out, "of part 0") {
		t.Errorf("in the archive search finds\n%s", out)
	}
	if out := run(t, archive, "report", "--format", "csv"); !strings.Contains(out, "web1,127.0.0.1,,handshake,1,") {
		t.Errorf("of the archive report writes\n%s", out)
	}
	if out := run(t, archive, "verify"); !strings.Contains(out, "findings: 0") {
		t.Errorf("of the archive verify writes\n%s", out)
	}
	changeByte(t, to)
	wantFinding(t, archive)
}

// changeByte changes a byte of the block in an archive's segment.
func changeByte(t *testing.T, directory string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, "segments", "*.db"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the archive's segments are %q, %v, want one", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(b, []byte("of part 0")) // a short block packs nothing
	if at < 0 {
		t.Fatal("the message doesn't stand in the file")
	}
	b[at]++
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantFinding(t *testing.T, s *testbed.Skewatch) {
	t.Helper()
	for _, format := range []string{"table", "json"} {
		out, stderr, code := s.Run("verify", "--format", format)
		if code != 1 || !strings.Contains(out, "the block from message 1") || !strings.Contains(stderr, "isn't as it was") {
			t.Errorf("verify exits with %d and writes\n%s%s", code, out, stderr)
		}
		if format == "json" && !json.Valid([]byte(out)) {
			t.Errorf("verify writes what is no JSON:\n%s", out)
		}
	}
}
