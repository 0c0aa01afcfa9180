package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

// An email sends one mail for all events that come within some seconds.
type email struct {
	*config.Notify
	host string
	port int
}

// mailTimeout is how long a session may take from the greeting to the end of a mail that
// tells of events.
const mailTimeout = 15 * time.Second

func newEmail(n *config.Notify) (*email, error) {
	host, port, err := net.SplitHostPort(n.SMTP)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	e := &email{n, host, number}
	if _, err := e.client(mailTimeout); err != nil {
		return nil, err
	}
	_, err = e.mail([]api.Event{Sample(time.Now())})
	return e, err
}

// client returns a client for one session, which may take so long.
func (m *email) client(timeout time.Duration) (*mail.Client, error) {
	secure, err := tlsConfig(m.CA)
	if err != nil {
		return nil, err
	}
	secure.ServerName = m.host
	options := []mail.Option{mail.WithPort(m.port), mail.WithTimeout(timeout), mail.WithTLSConfig(secure)}
	switch m.Transport {
	case config.NotifyTLS:
		options = append(options, mail.WithSSL())
	case config.NotifyPlain:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	password, err := readSecret("password_file", m.PasswordFile)
	if err != nil {
		return nil, err
	}
	if m.Username != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.Username), mail.WithPassword(string(password)))
	}
	return mail.NewClient(m.host, options...)
}

func (m *email) send(ctx context.Context, events []api.Event) error {
	message, err := m.mail(events)
	if err != nil {
		return err
	}
	return m.deliver(ctx, message, mailTimeout)
}

// deliver returns when the server has taken the mail, or the context ends: then the session
// comes to its own end.
func (m *email) deliver(ctx context.Context, message *mail.Msg, timeout time.Duration) error {
	client, err := m.client(timeout)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		err := client.DialAndSendWithContext(ctx, message)
		if message.IsDelivered() {
			err = nil // though the farewell may have failed
		}
		done <- refusedMail(err)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refusedMail makes a refusal of what a server says to a mail itself, such as that it is too
// large, and that it will say again. Whoever is refused as sender or recipient can be set
// right, and the mail is the same then.
func refusedMail(err error) error {
	var failed *mail.SendError
	if errors.As(err, &failed) && !failed.IsTemp() && failed.Reason == mail.ErrSMTPDataClose && failed.ErrorCode() >= 500 {
		return &refusal{err}
	}
	return err
}

// mail writes a mail. It bears the same Message-ID if the same events are sent again.
func (m *email) mail(events []api.Event) (*mail.Msg, error) {
	first, last := events[0], events[len(events)-1]
	id := fmt.Sprintf("%s-%d", idempotencyKey(first), last.ID)
	return m.compose(id, m.To, mailSubject(events), mailText(events))
}

// compose writes a mail whose Message-ID begins with id.
func (m *email) compose(id string, to []string, subject, text string) (*mail.Msg, error) {
	message := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := message.From(m.From); err != nil {
		return nil, &config.Error{Field: "from", Problem: err.Error(), Value: m.From}
	}
	if err := message.To(to...); err != nil {
		return nil, &config.Error{Field: "to", Problem: err.Error(), Value: strings.Join(to, ", ")}
	}
	message.Subject(subject)
	message.SetDate()
	message.SetMessageIDWithValue(fmt.Sprintf("%s.%s@%s", id, m.Name, hostName()))
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nothing answers to it
	message.SetBodyString(mail.TypeTextPlain, text+"Sent by skewatch on "+hostName()+".\n")
	return message, nil
}

// mailSubject says what a mail is about: its event, or how many there are of what kind.
// Nothing in a host's name is taken for an encoded word (RFC 2047), which could hide
// anything.
func mailSubject(events []api.Event) string {
	if len(events) == 1 {
		words := strings.Fields("[skewatch] " + subjectLine(events[0])) // of many spaces folding leaves one
		return strings.ReplaceAll(strings.Join(words, " "), "=?", "= ?")
	}
	wrong, over, kind := 0, 0, "clock warnings"
	for _, e := range events {
		if e.Rule != "" {
			kind = "warnings"
		}
		if e.Event == cleared {
			over++
		} else {
			wrong++
		}
	}
	return fmt.Sprintf("[skewatch] %d %s, %d cleared", wrong, kind, over)
}

// mailText writes the events one below the other.
func mailText(events []api.Event) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%s  %s\n", e.Time.UTC().Format("2006-01-02T15:04:05Z"), subjectLine(e))
		b.WriteString(report.Wrap("    ", e.Text))
		if e.Event != cleared {
			b.WriteString(report.Figures("    ", e.OffsetLow, e.OffsetHigh, e.Since) + report.Check("    ", e.Check))
		}
		b.WriteByte('\n')
	}
	b.WriteString(signConvention)
	return b.String()
}

// signConvention says which way an offset goes, in every mail.
const signConvention = "Offset: host clock minus true time; + is ahead. "

// hostName returns this machine's name as it may stand in headers.
var hostName = sync.OnceValue(func() string {
	name, err := os.Hostname()
	name = strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f && !strings.ContainsRune(`"<>()[]\,;:@`, r) {
			return r
		}
		return -1
	}, name)
	if err != nil || name == "" {
		return "localhost"
	}
	return name
})
