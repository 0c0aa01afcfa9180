package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestOneCreatesFile has many want one name at the same moment, with hard links and without:
// one has it, and the others are told.
func TestOneCreatesFile(t *testing.T) {
	const all = 8
	for name, create := range map[string]func(path, unfinished string, b []byte) error{
		"with links": func(path, unfinished string, b []byte) error { return CreateFile(path, unfinished, b, 0o600) },
		"without links": func(path, unfinished string, b []byte) error {
			if err := writeUnfinished(unfinished, b, 0o600); err != nil {
				return err
			}
			return errors.Join(claimAndRename(unfinished, path), removeIfThere(unfinished))
		},
	} {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			path := filepath.Join(directory, "wanted")
			var errs [all]error
			var wg sync.WaitGroup
			for i := range all {
				wg.Go(func() { errs[i] = create(path, fmt.Sprintf("%s.%d.new", path, i), []byte{byte(i)}) })
			}
			wg.Wait()
			b, err := os.ReadFile(path)
			if err != nil || len(b) != 1 {
				t.Fatalf("the file holds %q, %v", b, err)
			}
			for i, err := range errs {
				if mine := byte(i) == b[0]; mine && err != nil || !mine && !errors.Is(err, fs.ErrExist) {
					t.Errorf("%d has %v, and the file is that of %d", i, err, b[0])
				}
			}
			if left, err := os.ReadDir(directory); err != nil || len(left) != 1 {
				t.Errorf("left are %v, %v, want the file alone", left, err)
			}
		})
	}
}
