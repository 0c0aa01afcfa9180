package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// removedName is the file that says from which message on there are segments, since
// those before were removed on purpose: a signed note. What is missing without it
// was cut out.
const removedName = "removed"

// writeRemoved notes that segments before a sequence are removed.
func writeRemoved(directory string, signer note.Signer, kept uint64) error {
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\nkept from message %d\n", signer.Name(), kept)}, signer)
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(directory, removedName), signed, 0o600)
}

var errRemoved = errors.New("it isn't a note of what was removed")

// readRemoved returns the sequence from which on there are segments, 0 if none was ever
// removed.
func (s *Store) readRemoved(keys note.Verifiers) (kept uint64, err error) {
	signed, err := os.ReadFile(filepath.Join(s.directory, removedName))
	if isGone(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := note.Open(signed, keys)
	if err != nil {
		return 0, err
	}
	_, text, found := strings.Cut(strings.TrimSpace(n.Text), "\nkept from message ")
	if !found {
		return 0, errRemoved
	}
	if kept, err = strconv.ParseUint(text, 10, 64); err != nil {
		return 0, errRemoved
	}
	return kept, nil
}
