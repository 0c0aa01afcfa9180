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

// outputError says which output an error is about.
func outputError(i int, err error) error {
	var wrong *config.Error
	if !errors.As(err, &wrong) {
		return fmt.Errorf("notify[%d]: %w", i, err)
	}
	wrong.Field = fmt.Sprintf("notify[%d].%s", i, wrong.Field)
	return wrong
}

// readSecret returns the first line of the file that a setting names, nil for no file. It is
// read for each sending, so that it can be renewed. Its error is a *config.Error of the setting.
func readSecret(setting, path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		wrong := config.Unreadable(setting, path, err)
		wrong.Hint = "name a file that holds the secret in its first line, and that this user may read"
		return nil, wrong
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return nil, &config.Error{Field: setting, Problem: "the file's first line is empty", Value: path, Hint: "write the secret there"}
	}
	return []byte(line), nil
}
