package schedule

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/storage"
)

// A run is a report for one scheduled time. It is made when it is first wanted.
type run struct {
	job *job
	at  time.Time

	made    *report.Report
	body    []byte
	receipt []byte // nil if it isn't signed
}

// make makes the report.
func (r *run) make(ctx context.Context) error {
	if r.made != nil {
		return nil
	}
	j := r.job
	j.turn.Lock()
	defer j.turn.Unlock()
	q := api.ReportQuery{Query: api.Query{Since: j.Since(r.at), Until: r.at, Host: j.Hosts}, Profile: j.profile(), Series: api.SeriesFor(j.Format)}
	if j.Sign {
		q.Sign = j.Format
	}
	made, err := j.desk.Report(ctx, q)
	if err != nil {
		return fmt.Errorf("make the report: %w", err)
	}
	if made.Signed != nil {
		r.body, r.receipt = made.Signed.Body, made.Signed.Note
	} else {
		made.Pattern, made.Compliance = j.Hosts, q.Profile != nil
		var b bytes.Buffer
		if err := made.Write(&b, j.Format); err != nil {
			return fmt.Errorf("make the report: %w", err)
		}
		r.body = b.Bytes()
	}
	r.made = made
	return nil
}

// profile returns what compliance is reckoned by, nil for what the server judges by.
func (j *job) profile() *report.Profile {
	if j.Profile == "" {
		return nil
	}
	return &report.Profile{Name: string(j.Profile), Warn: j.Tolerance.Seconds(), Crit: j.Critical.Seconds()}
}

// extensions are those of files, where they aren't the format's name.
var extensions = map[string]string{"table": "txt"}

func (j *job) extension() string {
	if e, other := extensions[j.Format]; other {
		return "." + e
	}
	return "." + j.Format
}

// compact is how times stand in names of files, in UTC.
const compact = "20060102T150405Z"

// base returns a run's name: that of the report, and the period.
func (r *run) base() string {
	return fmt.Sprintf("%s_%s_%s", r.job.Name, r.job.Since(r.at).Format(compact), r.at.Format(compact))
}

// write writes a run to a file of its own. Which one, and what it will hold, is stored
// before: so it is known again after a crash.
func (j *job) write(ctx context.Context, r *run) error {
	if j.written(r) {
		return j.prune(j.writing.File)
	}
	if err := os.MkdirAll(j.Directory, 0o700); err != nil {
		return err
	}
	if err := r.make(ctx); err != nil {
		return err
	}
	name, err := r.free()
	if err != nil {
		return err
	}
	j.writing = &writing{Run: r.at, File: name, Sum: sum(r.body)}
	if err := j.mark(); err != nil {
		return err
	}
	path := filepath.Join(j.Directory, name)
	if r.receipt != nil { // a report that is there has its note
		if err := storage.ReplaceFile(path+noteSuffix, r.receipt, 0o600); err != nil {
			return err
		}
	}
	if err := storage.ReplaceFile(path, r.body, 0o600); err != nil {
		return err
	}
	j.log.WithField("file", path).Info("report written")
	return j.prune(name)
}

// noteSuffix is of the file with the signed note over another.
const noteSuffix = ".note"

// written reports whether a run was written before a crash.
func (j *job) written(r *run) bool {
	w := j.writing
	if w == nil || !w.Run.Equal(r.at) {
		return false
	}
	b, err := os.ReadFile(filepath.Join(j.Directory, w.File))
	return err == nil && sum(b) == w.Sum
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// mostAlike is how many files of one period may stand beside each other.
const mostAlike = 1000

// free returns a name under which there is no file yet: another server may have the same
// directory, and a clock that is set back brings a period again.
func (r *run) free() (string, error) {
	name := r.base() + r.job.extension()
	for n := 2; n < mostAlike; n++ {
		_, err := os.Lstat(filepath.Join(r.job.Directory, name))
		if errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
		name = r.base() + "_" + strconv.Itoa(n) + r.job.extension()
	}
	return "", fmt.Errorf("there are %d files of this period in %s", mostAlike, r.job.Directory)
}

// prune removes the oldest files of the report that are too many, but not the one that was
// just written. A failure fails no run: the next one tries again.
func (j *job) prune(latest string) error {
	if j.Keep == 0 {
		return nil
	}
	names, err := j.files()
	for i := 0; i < len(names)-j.Keep && err == nil; i++ {
		if names[i] == latest {
			continue
		}
		path := filepath.Join(j.Directory, names[i])
		if err = os.Remove(path); err == nil {
			j.log.WithField("file", path).Info("report removed: newer ones are kept")
			if err = os.Remove(path + noteSuffix); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		}
	}
	if err != nil {
		j.log.WithError(err).Error("can't remove reports that are more than are kept: it is tried again with the next")
	}
	return nil
}

// files returns the names of the report's files, in the order of their periods' ends.
func (j *job) files() (names []string, err error) {
	const moment = `\d{8}T\d{6}Z`
	ours := regexp.MustCompile(`^` + regexp.QuoteMeta(j.Name) + `_` + moment + `_` + moment + `(_\d+)?` + regexp.QuoteMeta(j.extension()) + `$`)
	entries, err := os.ReadDir(j.Directory)
	for _, e := range entries {
		if ours.MatchString(e.Name()) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	end := func(name string) string { // from the period's end on
		return strings.TrimPrefix(name, j.Name+"_")[len(compact)+1:]
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(end(a), end(b)) })
	return names, err
}

// mail sends a run as a letter.
func (j *job) mail(ctx context.Context, r *run) error {
	if err := r.make(ctx); err != nil {
		return err
	}
	name := r.base() + j.extension()
	l := Letter{
		ID: "report-" + j.Name + "-" + r.at.Format(compact), To: j.To,
		Subject: fmt.Sprintf("[skewatch] report %s: %s", j.Name, r.made.Tally()),
		Text:    r.made.Summary(), Files: []File{{name, r.body}},
	}
	if r.receipt != nil {
		l.Files = append(l.Files, File{name + noteSuffix, r.receipt})
	}
	if err := j.options.Send(ctx, j.Mail, l); err != nil {
		return err
	}
	j.log.WithField("output", j.Mail).Info("report mailed")
	return nil
}

// remedy says what can be done about a failure, "" if nothing is known.
func remedy(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "let the server's user write there, or name another directory"
	case errors.Is(err, syscall.ENOSPC):
		return "make room on that disk"
	case errors.Is(err, syscall.EROFS):
		return "name a directory that can be written: under systemd one below /var/lib/skewatch, or in ReadWritePaths="
	}
	return ""
}
