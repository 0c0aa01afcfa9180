package notify

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/config"
)

// mostWaiting is how many events wait in memory for one output. What comes on top is read
// from the store when it is due.
const mostWaiting = 1000

func (o Options) withDefaults() Options {
	o.FirstPause = cmp.Or(o.FirstPause, time.Second)
	o.LongestPause = cmp.Or(o.LongestPause, 5*time.Minute)
	o.Gather = cmp.Or(o.Gather, 5*time.Second)
	o.Refresh = cmp.Or(o.Refresh, time.Minute)
	o.Deadline = cmp.Or(o.Deadline, 30*time.Second)
	o.most = cmp.Or(o.most, mostWaiting)
	if o.Stdout == nil {
		o.Stdout = os.Stdout
	}
	if o.URL == nil {
		o.URL = func() string { return "" }
	}
	if o.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		o.Log = silent
	}
	return o
}

// A settingError is a setting of an output that can't be used.
type settingError struct{ setting, problem, value, hint string }

func (e *settingError) Error() string { return e.setting + ": " + e.problem }

// outputError says which output an error is about.
func outputError(i int, err error) error {
	var wrong *settingError
	if !errors.As(err, &wrong) {
		return fmt.Errorf("notify[%d]: %w", i, err)
	}
	return &config.Error{Field: fmt.Sprintf("notify[%d].%s", i, wrong.setting), Problem: wrong.problem, Value: wrong.value, Hint: wrong.hint}
}

// readSecret returns the first line of the file that a setting names, nil for no file. It is
// read for each sending, so that it can be renewed.
func readSecret(setting, path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, &settingError{setting, "can't be read: " + bare(err), path, "name a file that holds the secret in its first line, and that this user can read"}
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return nil, &settingError{setting, "the file's first line is empty", path, "write the secret there"}
	}
	return []byte(line), nil
}

// bare returns an error of a file without its path.
func bare(err error) string {
	var inPath *os.PathError
	if errors.As(err, &inPath) {
		return inPath.Err.Error()
	}
	return err.Error()
}
