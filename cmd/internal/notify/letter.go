package notify

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/wneessen/go-mail"
)

// A Letter is a mail that isn't about events.
type Letter struct {
	ID      string   // the same each time that it is sent: its Message-ID begins with it
	To      []string // empty for those that the output names
	Subject string
	Text    string
	Files   []Attachment
}

// An Attachment is a file that goes with a letter, bit for bit.
type Attachment struct {
	Name string
	Body []byte
}

// letterTimeout is how long a letter may take, which may have large files.
const letterTimeout = 5 * time.Minute

// Mail sends a letter through the output of that name, of type email, once: it returns when
// the server has taken it, or won't.
func (n *Notifier) Mail(ctx context.Context, output string, l Letter) error {
	for _, o := range n.outputs {
		if carrier, isEmail := o.sender.(*email); isEmail && o.Name == output {
			message, err := carrier.letter(l)
			if err != nil {
				return err
			}
			return attempt(ctx, letterTimeout, func(ctx context.Context) error { return carrier.deliver(ctx, message, letterTimeout) })
		}
	}
	return fmt.Errorf("notify: no output of type email is named %q", output)
}

// IsRefusal reports whether a receiver wants what was sent on no account.
func IsRefusal(err error) bool { return errors.As(err, new(*refusal)) }

// letter writes a letter.
func (m *email) letter(l Letter) (*mail.Msg, error) {
	to := l.To
	if len(to) == 0 {
		to = m.To
	}
	message, err := m.compose(l.ID, to, l.Subject, l.Text+"\n"+signConvention)
	if err != nil {
		return nil, err
	}
	for _, f := range l.Files {
		if err := message.AttachReader(f.Name, bytes.NewReader(f.Body), mail.WithFileContentType(contentType(f.Name))); err != nil {
			return nil, fmt.Errorf("attach %s: %w", f.Name, err)
		}
	}
	return message, nil
}

// contentTypes are those of the files that go with letters, whatever the system takes them for.
var contentTypes = map[string]mail.ContentType{
	".html": "text/html; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".md": "text/markdown; charset=utf-8",
	".json": "application/json", ".txt": "text/plain; charset=utf-8",
}

func contentType(name string) mail.ContentType {
	return cmp.Or(contentTypes[path.Ext(name)], mail.TypeAppOctetStream)
}
