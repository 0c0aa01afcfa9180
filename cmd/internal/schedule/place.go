package schedule

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/skewatch/skewatch/storage"
)

// write writes a run to a file of its own. Which one, and what it will hold, is stored
// before: so it is known again after a crash.
func (j *job) write(ctx context.Context, r *run) error {
	done, err := j.resume(r)
	if err != nil {
		return err
	}
	if done {
		return j.prune(j.writing.File)
	}
	if err := os.MkdirAll(j.Directory, 0o700); err != nil {
		return err
	}
	if err := r.make(ctx); err != nil {
		return err
	}
	for {
		name, err := r.free()
		if err != nil {
			return err
		}
		j.writing = r.writing(name)
		if err := j.mark(); err != nil {
			return err
		}
		if err = j.place(r); errors.Is(err, fs.ErrExist) {
			continue // another server was faster
		}
		if err != nil {
			return err
		}
		j.log.WithField("file", filepath.Join(j.Directory, name)).Info("report written")
		return j.prune(name)
	}
}

// noteSuffix is of the file with the signed note over another.
const noteSuffix = ".note"

// writing returns what is stored before a run is written to the file of that name.
func (r *run) writing(name string) *writing {
	w := &writing{Run: r.at, File: name, Sum: sum(r.body), Token: rand.Text()[:8]}
	if r.receipt != nil {
		w.Note = sum(r.receipt)
	}
	return w
}

// unfinished returns by what name a file of this writing stands until it is whole.
func (w *writing) unfinished(name string) string { return "." + name + "." + w.Token + ".new" }

// place writes the file that was begun, and before it the note: a report that is there has
// its own. Where either name is taken the error is fs.ErrExist, and nothing was done.
func (j *job) place(r *run) error {
	if r.receipt == nil {
		return j.create(j.writing.File, r.body)
	}
	note := j.writing.File + noteSuffix
	if err := j.create(note, r.receipt); err != nil {
		return err
	}
	if err := j.create(j.writing.File, r.body); err != nil {
		return errors.Join(err, removeIfThere(filepath.Join(j.Directory, note)))
	}
	return nil
}

func (j *job) create(name string, b []byte) error {
	return storage.CreateFile(filepath.Join(j.Directory, name), filepath.Join(j.Directory, j.writing.unfinished(name)), b, 0o600)
}

// resume reports whether a run was written before a crash, and otherwise removes what there
// is of it.
func (j *job) resume(r *run) (done bool, err error) {
	w := j.writing
	if w == nil || !w.Run.Equal(r.at) {
		return false, nil
	}
	done = j.holds(w.File, w.Sum)
	for _, name := range j.remains(w, done) {
		err = errors.Join(err, removeIfThere(filepath.Join(j.Directory, name)))
	}
	return done, err
}

// remains returns what a crash may have left of a writing.
func (j *job) remains(w *writing, done bool) []string {
	note := w.File + noteSuffix
	all := []string{w.unfinished(w.File), w.unfinished(note)}
	if !done && j.claimed(w.File) {
		all = append(all, w.File)
	}
	if !done && w.Note != "" && (j.holds(note, w.Note) || j.claimed(note)) {
		all = append(all, note)
	}
	return all
}

// holds reports whether a file is there with a sum.
func (j *job) holds(name, want string) bool {
	b, err := os.ReadFile(filepath.Join(j.Directory, name))
	return err == nil && sum(b) == want
}

// claimed reports whether a file is empty: its name was claimed where there are no hard links,
// shortly before a crash.
func (j *job) claimed(name string) bool {
	info, err := os.Lstat(filepath.Join(j.Directory, name))
	return err == nil && info.Mode().IsRegular() && info.Size() == 0
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// mostAlike is how many files of one period may stand beside each other.
const mostAlike = 1000

// free returns a name under which there is neither a file nor a note yet: another server may
// have the same directory, and a clock that is set back brings a period again.
func (r *run) free() (string, error) {
	name := r.base() + r.job.extension()
	for n := 2; n < mostAlike; n++ {
		_, err := os.Lstat(filepath.Join(r.job.Directory, name))
		_, noted := os.Lstat(filepath.Join(r.job.Directory, name+noteSuffix))
		if errors.Is(err, fs.ErrNotExist) && errors.Is(noted, fs.ErrNotExist) {
			return name, nil
		}
		if err := errors.Join(unlessMissing(err), unlessMissing(noted)); err != nil {
			return "", err
		}
		name = r.base() + "_" + strconv.Itoa(n) + r.job.extension()
	}
	return "", fmt.Errorf("there are %d files of this period in %s", mostAlike, r.job.Directory)
}

func removeIfThere(path string) error { return unlessMissing(os.Remove(path)) }

// unlessMissing returns an error, but none for a file that isn't there.
func unlessMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
