package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

// The headers of a webhook's request.
const (
	signatureHeader = "X-Skewatch-Signature" // "sha256=" and the body's HMAC in hexadecimal
	keyHeader       = "Idempotency-Key"      // the same each time that an event is sent
)

// A webhook posts each event.
type webhook struct {
	*endpoint
	secret string // the file that holds the key; "" for no signature
}

func newWebhook(n *config.Notify) (*webhook, error) {
	if _, err := readSecret("secret_file", n.SecretFile); err != nil {
		return nil, err
	}
	e, err := newEndpoint(n, n.URL)
	return &webhook{e, n.SecretFile}, err
}

// A delivery is an event as a webhook and standard output get it: as `skewatch tail` prints
// it, its ID, and when it was sent.
type delivery struct {
	api.Event
	Delivered time.Time `json:"delivered"`
	Test      bool      `json:"test,omitempty"` // nothing has happened
}

func deliveryOf(e api.Event) delivery {
	return delivery{Event: e, Delivered: time.Now().UTC(), Test: isSample(e)}
}

func (w *webhook) send(ctx context.Context, events []api.Event) error {
	for _, e := range events {
		body := encode(deliveryOf(e))
		header := http.Header{}
		header.Set(keyHeader, idempotencyKey(e))
		if w.secret != "" {
			secret, err := readSecret("secret_file", w.secret)
			if err != nil {
				return err
			}
			header.Set(signatureHeader, "sha256="+sign(secret, body))
		}
		if err := w.post(ctx, body, header); err != nil {
			return err
		}
	}
	return nil
}

// idempotencyKey is the same for one event only, though IDs may begin anew.
func idempotencyKey(e api.Event) string {
	return fmt.Sprintf("skewatch-%d-%d", e.ID, e.Time.UnixNano())
}

func sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
