package notify

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/streamclient"
)

// A syslog sends RFC 5424 messages: one a datagram (RFC 5426), or with octets counted over
// TCP (RFC 6587) and TLS (RFC 5425).
//
// Syslog acknowledges nothing. So a stream is finished after each batch: only when the receiver
// closes it in turn has it read to the end.
type syslog struct {
	address   string
	transport config.NotifyTransport
	tls       *tls.Config
	header    string // HOSTNAME to PROCID, with the spaces around them
}

func newSyslog(n *config.Notify) (*syslog, error) {
	secure, err := tlsConfig(n.CA)
	if err != nil {
		return nil, err
	}
	header := fmt.Sprintf(" %s skewatch %d ", hostName(), os.Getpid())
	return &syslog{n.Address, n.Transport, secure, header}, nil
}

func (s *syslog) send(ctx context.Context, events []api.Event) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	if s.transport == config.NotifyUDP {
		defer c.Close()
		return s.datagrams(c, events)
	}
	out := streamclient.New(c, streamPatience)
	defer out.Close()
	defer context.AfterFunc(ctx, out.Abort)()
	for _, e := range events {
		if err := out.Send(s.message(e)); err != nil {
			return err
		}
	}
	return out.Finish()
}

// streamPatience is how long the receiver of a stream may take for anything, if the attempt
// doesn't end before.
const streamPatience = time.Minute

func (s *syslog) connect(ctx context.Context) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: dialTimeout}
	switch s.transport {
	case config.NotifyUDP:
		return dialer.DialContext(ctx, "udp", s.address)
	case config.NotifyTLS:
		return (&tls.Dialer{NetDialer: dialer, Config: s.tls}).DialContext(ctx, "tcp", s.address)
	}
	return dialer.DialContext(ctx, "tcp", s.address)
}

func (s *syslog) datagrams(c net.Conn, events []api.Event) error {
	for _, e := range events {
		if _, err := c.Write(s.message(e)); err != nil {
			return err
		}
	}
	return nil
}

// Severities (RFC 5424, section 6.2.1), and our facility: a daemon's.
const (
	facility     = 3
	syslogCrit   = 2
	syslogWarn   = 4
	syslogNotice = 5

	longestText  = 1000 // columns
	longestCheck = 500
)

// message writes an event as RFC 5424 has it.
func (s *syslog) message(e api.Event) []byte {
	severity := syslogWarn
	switch {
	case e.Event == cleared || isSample(e):
		severity = syslogNotice
	case e.Severity == critical:
		severity = syslogCrit
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<%d>1 %s%s%s ", facility*8+severity, e.Time.UTC().Format("2006-01-02T15:04:05.000000Z"), s.header, e.Event)
	b.WriteString("[skewatch@32473")
	for _, p := range parameters(e) {
		b.WriteString(" " + p.name + `="` + escape(p.value) + `"`)
	}
	b.WriteString("] " + subjectLine(e))
	if e.Text != "" {
		b.WriteString(": " + report.Clip(e.Text, longestText))
	}
	if e.Check != "" {
		b.WriteString(". " + report.ToCheck + report.Clip(e.Check, longestCheck))
	}
	return []byte(b.String())
}

// A parameter is one of structured data.
type parameter struct{ name, value string }

func parameters(e api.Event) []parameter {
	all := []parameter{
		{"id", strconv.FormatUint(e.ID, 10)}, {"host", report.Clip(e.Host, longestLabel)}, {"source", report.Clip(e.Source, longestLabel)}, {"event", e.Event},
		{"severity", e.Severity}, {"verdict", e.Verdict}, {"previous", e.Previous}, {"since", e.Since.UTC().Format(time.RFC3339Nano)},
	}
	if e.Rule != "" {
		all = append(all, parameter{"rule", e.Rule}, parameter{"subject", report.Clip(e.Subject, longestLabel)}, parameter{"count", strconv.FormatUint(e.Count, 10)})
	}
	for _, o := range []struct {
		name    string
		seconds *float64
	}{{"offset_seconds", e.Offset}, {"offset_low_seconds", e.OffsetLow}, {"offset_high_seconds", e.OffsetHigh}} {
		if o.seconds != nil {
			all = append(all, parameter{o.name, strconv.FormatFloat(*o.seconds, 'f', -1, 64)})
		}
	}
	return all
}

// escape writes the value of a parameter (RFC 5424, section 6.3.3). What isn't printable is
// written as in Go.
func escape(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`).Replace(report.Printable(value))
}
