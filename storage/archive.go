package storage

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// An Archiving says what Archive copies.
type Archiving struct {
	Before int64 // only segments whose newest message was received before this, Unix ns; 0 for all
	Delete bool  // remove each from where it was, once its copy is on disk

	// Done, if not nil, is called with each segment.
	Done func(Archived)
}

// An Archived is a segment that was copied.
type Archived struct {
	Segment  string `json:"segment"` // the name of the file
	First    uint64 `json:"first"`   // sequence of the first message
	Last     uint64 `json:"last"`
	Earliest int64  `json:"-"` // receive times, Unix ns; 0 for one that was left when it was damaged
	Latest   int64  `json:"-"`
	Bytes    int64  `json:"bytes"`
	Copied   bool   `json:"copied"` // false if the archive had it already
	Deleted  bool   `json:"deleted"`
}

// Archive copies the closed segments of one data directory to another, oldest first, with
// the public keys that their signatures are checked by. A server may run on the first
// meanwhile: closed segments never change. The second can be read as any data directory,
// and a segment put back by copying it.
//
// A segment that is in the archive already is compared, not copied; one that differs is
// an error.
func Archive(ctx context.Context, from, to string, how Archiving) error {
	list, err := openSegments(filepath.Join(from, segmentDirectory))
	if err != nil {
		return fmt.Errorf("storage: archive %s: %w", from, err)
	}
	target := filepath.Join(to, segmentDirectory)
	if err := os.MkdirAll(target, 0o700); err != nil {
		return fmt.Errorf("storage: archive to %s: %w", to, err)
	}
	if err := archiveKeys(from, to); err != nil {
		return fmt.Errorf("storage: archive to %s: %w", to, err)
	}
	all := list.list()
	n := len(all) - 1
	if how.Before != 0 {
		n = min(n, list.before(how.Before))
	}
	for i := range n {
		g := all[i]
		done := Archived{Segment: filepath.Base(g.path), First: g.first, Last: all[i+1].first - 1}
		if known := list.summaryOf(g); known != nil {
			done.Earliest, done.Latest = known.earliest, known.latest
		}
		if done.Bytes, done.Copied, err = archiveFile(ctx, g.path, filepath.Join(target, done.Segment)); err != nil {
			return fmt.Errorf("storage: archive %s: %w", g.path, err)
		}
		if how.Delete {
			if err := deleteArchived(from, g, all[i+1].first); err != nil {
				return fmt.Errorf("storage: remove %s, which is archived: %w", g.path, err)
			}
			done.Deleted = true
		}
		if how.Done != nil {
			how.Done(done)
		}
	}
	return nil
}

// archiveKeys adds the public keys of a directory to those of an archive.
func archiveKeys(from, to string) error {
	keys, err := os.ReadFile(filepath.Join(from, publicKeyName))
	if err != nil {
		return err
	}
	path := filepath.Join(to, publicKeyName)
	known, err := os.ReadFile(path)
	if err != nil && !isGone(err) {
		return err
	}
	return ReplaceFile(path, joinLines(known, keys), 0o644)
}

// errDiffers says that an archive holds another file of the same name.
var errDiffers = errors.New("the archive holds another segment of that name: choose another directory, or move that one away")

// archiveFile copies a file so that it is there whole or not at all, and compares it.
func archiveFile(ctx context.Context, from, to string) (size int64, copied bool, err error) {
	want, size, err := hashFile(ctx, from)
	if err != nil {
		return 0, false, err
	}
	have, _, err := hashFile(ctx, to)
	switch {
	case err == nil && have == want:
		return size, false, nil
	case err == nil:
		return 0, false, errDiffers
	case !isGone(err):
		return 0, false, err
	}
	unfinished := to + ".new"
	if err := copyWhole(ctx, from, unfinished); err != nil {
		return 0, false, err
	}
	if have, _, err := hashFile(ctx, unfinished); err != nil || have != want {
		return 0, false, errors.Join(fmt.Errorf("%s: the copy differs", unfinished), err)
	}
	if err := os.Rename(unfinished, to); err != nil {
		return 0, false, err
	}
	return size, true, syncDirectory(filepath.Dir(to))
}

func copyWhole(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, contextReader{ctx, in})
	return errors.Join(err, out.Sync(), out.Close())
}

func hashFile(ctx context.Context, path string) (sum [sha256.Size]byte, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, 0, err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, contextReader{ctx, f})
	h.Sum(sum[:0])
	return sum, size, err
}

// A contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(b)
}

// deleteArchived removes a segment of a directory whose server may run: that notices.
func deleteArchived(directory string, g *segment, kept uint64) error {
	signer, err := openSigner(directory)
	if err != nil {
		return err
	}
	return removeSegment(directory, signer, g, kept)
}

// A Segment is a file of messages to which nothing more is added.
type Segment struct {
	Name        string // of the file, without its extension
	First, Last uint64 // sequences
}

// ClosedSegments returns those of a data directory, oldest first. A server may run on it.
func ClosedSegments(directory string) ([]Segment, error) {
	list, err := openSegments(filepath.Join(directory, segmentDirectory))
	if err != nil {
		return nil, fmt.Errorf("storage: list segments: %w", err)
	}
	var closed []Segment
	all := list.list()
	for i, g := range all {
		s := Segment{Name: strings.TrimSuffix(filepath.Base(g.path), filepath.Ext(g.path)), First: g.first}
		if i+1 < len(all) {
			s.Last = all[i+1].first - 1
		} else if known := list.summaryOf(g); known != nil {
			s.Last = known.last
		} else {
			break
		}
		closed = append(closed, s)
	}
	return closed, nil
}
