package storage

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"golang.org/x/mod/sumdb/note"
)

// The key that heads are signed by is made when the directory is first opened to write.
// Its secret half stands in signing.key, for the owner alone; the public halves of this and
// of earlier ones in signing.pub, a line each, in the form of golang.org/x/mod/sumdb/note.
const (
	secretKeyName = "signing.key"
	publicKeyName = "signing.pub"
)

// openSigner returns the directory's signer, with a new key if there is none.
func openSigner(directory string) (note.Signer, error) {
	path := filepath.Join(directory, secretKeyName)
	secret, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return newSigner(directory)
	}
	if err != nil {
		return nil, err
	}
	s, err := note.NewSigner(strings.TrimSpace(string(secret)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; move it away to have a new key made", path, err)
	}
	return s, nil
}

// newSigner makes a key. The public half is there before the secret one.
func newSigner(directory string) (note.Signer, error) {
	secret, public, err := note.GenerateKey(rand.Reader, keyOwner())
	if err != nil {
		return nil, err
	}
	path := filepath.Join(directory, publicKeyName)
	known, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err := ReplaceFile(path, joinLines(known, []byte(public)), 0o644); err != nil {
		return nil, err
	}
	if err := ReplaceFile(filepath.Join(directory, secretKeyName), []byte(secret+"\n"), 0o600); err != nil {
		return nil, err
	}
	return note.NewSigner(secret)
}

// keyOwner names the key: by this host, in characters that a note allows.
func keyOwner() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "unknown"
	}
	return "skewatch/" + strings.Map(func(r rune) rune {
		if r == '+' || unicode.IsSpace(r) || r == unicode.ReplacementChar {
			return '-'
		}
		return r
	}, host)
}

// ReadKeys returns the public keys that the file at a path lists, a line each, as
// signing.pub in a data directory does.
func ReadKeys(path string) (note.Verifiers, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	keys, err := ParseKeys(string(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// ParseKeys returns the public keys of a text, a line each.
func ParseKeys(text string) (note.Verifiers, error) {
	var keys []note.Verifier
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		k, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("%w (got %q)", err, line)
		}
		keys = append(keys, k)
	}
	return note.VerifierList(keys...), nil
}

// joinLines returns the lines of both, each once.
func joinLines(known, more []byte) (all []byte) {
	seen := make(map[string]bool)
	for line := range bytes.Lines(slices.Concat(known, []byte("\n"), more)) {
		if line = bytes.TrimSpace(line); len(line) > 0 && !seen[string(line)] {
			seen[string(line)] = true
			all = append(append(all, line...), '\n')
		}
	}
	return all
}

// ReplaceFile writes a file that is there whole or not at all, after a power cut too. Before
// that it stands beside it, with ".new" behind its name.
func ReplaceFile(path string, b []byte, mode os.FileMode) error {
	unfinished := path + ".new"
	if err := writeUnfinished(unfinished, b, mode); err != nil {
		return err
	}
	if err := os.Rename(unfinished, path); err != nil {
		return errors.Join(err, removeIfThere(unfinished))
	}
	return syncDirectory(filepath.Dir(path))
}

// CreateFile is ReplaceFile for a name that several programs may want at the same moment: one
// of them has it, and the others an error that is fs.ErrExist. Before that the file stands
// beside it by the unfinished name, which must be the caller's alone.
func CreateFile(path, unfinished string, b []byte, mode os.FileMode) error {
	if err := writeUnfinished(unfinished, b, mode); err != nil {
		return err
	}
	err := os.Link(unfinished, path)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) { // such as on FAT, and on some network shares
		err = claimAndRename(unfinished, path)
	}
	if err := errors.Join(err, removeIfThere(unfinished)); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// claimAndRename gives a file a name that isn't taken. For a moment, and after a crash in it
// for good, there is an empty file.
func claimAndRename(unfinished, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Close(), os.Rename(unfinished, path)); err != nil {
		return errors.Join(err, removeIfThere(path))
	}
	return nil
}

// writeUnfinished writes a file through to the disk, in the place of what a crash left there.
func writeUnfinished(path string, b []byte, mode os.FileMode) error {
	if err := removeIfThere(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, removeIfThere(path))
	}
	return nil
}
