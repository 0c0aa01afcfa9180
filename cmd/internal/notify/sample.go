package notify

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

// newSender returns what speaks to an output's receiver.
func newSender(n *config.Notify, o Options) (sender, error) {
	switch n.Type {
	case config.NotifyWebhook:
		return newWebhook(n)
	case config.NotifyAlertmanager:
		return newAlertmanager(n, o.URL)
	case config.NotifyEmail:
		return newEmail(n)
	case config.NotifySyslog:
		return newSyslog(n)
	case config.NotifyStdout:
		return newLines(o.Stdout), nil
	}
	return nil, fmt.Errorf("unknown type %q", n.Type)
}

// sampleHost is whom the sample is about. No host is named so: it is reserved by RFC 2606.
const sampleHost = "skewatch-test.invalid"

// Sample returns an event that says that it is none: no other has ID 0.
func Sample(now time.Time) api.Event {
	offset := 40.0
	return api.Event{
		Time: now.UTC(), Host: sampleHost, Source: "192.0.2.1", Event: raised, Severity: "warn", Verdict: "ahead", Previous: "in-sync",
		Offset: &offset, OffsetLow: &offset, OffsetHigh: &offset, Since: now.UTC(), Text: "this is a test of skewatch's notifications: nothing is wrong",
	}
}

func isSample(e api.Event) bool { return e.ID == 0 && e.Host == sampleHost }

// Test sends the sample through one output, once.
func Test(ctx context.Context, n *config.Notify, now time.Time, stdout io.Writer) error {
	o := Options{Stdout: stdout}.withDefaults()
	s, err := newSender(n, o)
	if err != nil {
		return err
	}
	return attempt(ctx, o.Deadline, func(ctx context.Context) error { return s.send(ctx, []api.Event{Sample(now)}) })
}
