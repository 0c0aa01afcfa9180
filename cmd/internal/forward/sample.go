package forward

import (
	"context"
	"net/netip"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// testPatience is how long a receiver may take for anything in a test.
const testPatience = 10 * time.Second

// Test sends a sample to one receiver, once, and waits until it has that. No host is named
// as the sample's: the name is reserved by RFC 2606.
func Test(ctx context.Context, f *config.Forward, now time.Time) error {
	s, err := open(ctx, f, Options{Patience: testPatience}.withDefaults())
	if err != nil {
		return err
	}
	defer s.close()
	defer context.AfterFunc(ctx, s.abort)()
	text := "<13>1 " + now.UTC().Format("2006-01-02T15:04:05.000000Z") + " skewatch-test.invalid skewatch - test - this is a test of skewatch's forwarding"
	m := message.Message{Received: now.UnixNano(), Source: netip.IPv6Loopback()}
	parse.Parse([]byte(text), &m)
	if err := s.send(appendMessage(nil, &m, api.Estimate{}, f.SDID)); err != nil {
		return err
	}
	return s.finish()
}
