package schedule

import (
	"bytes"
	"cmp"
	"context"
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

func extension(format string) string {
	if e, other := extensions[format]; other {
		return e
	}
	return format
}

func (j *job) extension() string { return "." + extension(j.Format) }

// compact is how times stand in names of files, in UTC.
const compact = "20060102T150405Z"

// base returns a run's name: that of the report, and the period.
func (r *run) base() string {
	return fmt.Sprintf("%s_%s_%s", r.job.Name, r.job.Since(r.at).Format(compact), r.at.Format(compact))
}

// prune removes the oldest files of the report that are too many, but not the one that was
// just written. A failure fails no run: the next one tries again.
func (j *job) prune(latest string) error {
	if j.Keep == 0 {
		return nil
	}
	all, err := j.files()
	for i := 0; i < len(all)-j.Keep && err == nil; i++ {
		if all[i].name == latest {
			continue
		}
		path := filepath.Join(j.Directory, all[i].name)
		if err = removeIfThere(path); err == nil { // another server may be at it too
			j.log.WithField("file", path).Info("report removed: newer ones are kept")
			err = removeIfThere(path + noteSuffix)
		}
	}
	if err != nil {
		j.log.WithError(err).Error("can't remove reports that are more than are kept: it is tried again with the next")
	}
	return nil
}

// A filed is one of the report's files, by its name.
type filed struct {
	name   string
	end    string // of its period
	number int    // of those of one period, from 1
}

// files returns the report's files in all formats, for another one may have been asked for
// before, in the order of their periods' ends, and of one period as they were made.
func (j *job) files() (all []filed, err error) {
	const moment = `\d{8}T\d{6}Z`
	ours := regexp.MustCompile(`^` + regexp.QuoteMeta(j.Name) + `_` + moment + `_(` + moment + `)(?:_(\d+))?\.(?:` + anyExtension() + `)$`)
	entries, err := os.ReadDir(j.Directory)
	for _, e := range entries {
		if m := ours.FindStringSubmatch(e.Name()); m != nil && e.Type().IsRegular() {
			number, _ := strconv.Atoi(m[2]) // 0 for the first, which has none
			all = append(all, filed{e.Name(), m[1], max(number, 1)})
		}
	}
	slices.SortFunc(all, func(a, b filed) int {
		return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.number, b.number), cmp.Compare(a.name, b.name))
	})
	return all, err
}

// anyExtension returns an expression for the extensions of all formats.
func anyExtension() string {
	var all []string
	for _, format := range report.Formats {
		all = append(all, regexp.QuoteMeta(extension(format)))
	}
	return strings.Join(all, "|")
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
