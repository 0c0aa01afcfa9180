package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
)

// A bulk writes the body of a request to the bulk API of Elasticsearch and OpenSearch: for
// each message a line that says what to do with it, and the message in the names of the
// Elastic Common Schema. The same message always has the same ID, so that what is sent twice
// is there once.
type bulk struct {
	out     *bufio.Writer
	encoder *json.Encoder
	index   string
	now     func() time.Time
}

func newBulk(w io.Writer, o Options) *bulk {
	b := &bulk{out: bufio.NewWriterSize(w, 64<<10), index: o.Index, now: o.Now}
	b.encoder = json.NewEncoder(b.out)
	b.encoder.SetEscapeHTML(false)
	if b.now == nil {
		b.now = time.Now
	}
	return b
}

type bulkAction struct {
	Create struct {
		Index string `json:"_index,omitempty"`
		ID    string `json:"_id"`
	} `json:"create"`
}

// ecsVersion is that of the Elastic Common Schema whose names are used.
const ecsVersion = "8.11.0"

// An ecsEvent is a message in the names of the Elastic Common Schema. What that has no name
// for stands under our own.
type ecsEvent struct {
	Timestamp time.Time `json:"@timestamp"` // as the host wrote it; the time of receipt if it wrote none
	ECS       struct {
		Version string `json:"version"`
	} `json:"ecs"`
	Message string `json:"message"`
	Event   struct {
		Kind     string    `json:"kind"`
		Dataset  string    `json:"dataset"`
		Created  time.Time `json:"created"`  // the receipt
		Ingested time.Time `json:"ingested"` // the export
		Sequence uint64    `json:"sequence"`
		Original string    `json:"original,omitempty"`
	} `json:"event"`
	Host *ecsHost `json:"host,omitempty"`
	Log  struct {
		Syslog ecsSyslog `json:"syslog"`
	} `json:"log"`
	Source struct {
		IP string `json:"ip"`
	} `json:"source"`
	Skewatch ecsSkewatch `json:"skewatch"`
}

type ecsHost struct {
	Hostname string `json:"hostname"`
	Name     string `json:"name"`
}

type ecsSyslog struct {
	Priority *int     `json:"priority,omitempty"`
	Facility *ecsCode `json:"facility,omitempty"`
	Severity *ecsCode `json:"severity,omitempty"`
	Hostname string   `json:"hostname,omitempty"`
	AppName  string   `json:"appname,omitempty"`
	ProcID   string   `json:"procid,omitempty"`
	MsgID    string   `json:"msgid,omitempty"`
}

type ecsCode struct {
	Code int    `json:"code"`
	Name string `json:"name"`
}

// An ecsSkewatch is what only skewatch knows.
type ecsSkewatch struct {
	Sent        *string    `json:"sent,omitempty"` // with the zone, to the digit the sender wrote
	Corrected   *time.Time `json:"corrected,omitempty"`
	Bound       *float64   `json:"bound_seconds,omitempty"`
	Verdict     string     `json:"verdict,omitempty"`
	Offset      *float64   `json:"offset_seconds,omitempty"`
	OffsetLow   *float64   `json:"offset_low_seconds,omitempty"`
	OffsetHigh  *float64   `json:"offset_high_seconds,omitempty"`
	BoundKind   string     `json:"bound_kind,omitempty"`
	Transport   string     `json:"transport"`
	Trust       string     `json:"trust,omitempty"`
	StampFormat string     `json:"stamp_format"`
	StampedBy   string     `json:"stamped_by"`
}

func (b *bulk) Write(m api.Message) error {
	var action bulkAction
	action.Create.Index = b.index
	action.Create.ID = fmt.Sprintf("%d-%d", m.ID, m.Received.UnixNano())
	if err := b.encoder.Encode(action); err != nil {
		return err
	}
	return b.encoder.Encode(b.event(&m))
}

func (b *bulk) event(m *api.Message) *ecsEvent {
	r := recordOf(m)
	e := &ecsEvent{Timestamp: r.Received, Message: r.Message}
	if at := parsed(r.Sent); at != nil {
		e.Timestamp = time.Unix(0, *at).UTC()
	}
	e.ECS.Version = ecsVersion
	e.Event.Kind, e.Event.Dataset, e.Event.Sequence = "event", "skewatch.syslog", r.Sequence
	e.Event.Created, e.Event.Ingested = r.Received, b.now().UTC()
	if utf8.Valid(r.Raw) {
		e.Event.Original = string(r.Raw)
	}
	if r.Host != "" {
		e.Host = &ecsHost{r.Host, strings.ToLower(r.Host)}
	}
	e.Log.Syslog = ecsSyslog{Hostname: r.Host, AppName: r.App, ProcID: r.ProcID, MsgID: r.MsgID}
	if p, ok := priorities[r.Facility+"."+r.Severity]; ok {
		code := int(p)
		e.Log.Syslog.Priority = &code
		e.Log.Syslog.Facility, e.Log.Syslog.Severity = &ecsCode{code >> 3, r.Facility}, &ecsCode{code & 7, r.Severity}
	}
	e.Source.IP = r.Source
	e.Skewatch = ecsSkewatch{Sent: r.Sent, Corrected: r.Corrected, Bound: r.Bound, Verdict: r.Verdict, Offset: r.Offset,
		OffsetLow: r.OffsetLow, OffsetHigh: r.OffsetHigh, BoundKind: r.BoundKind, Transport: r.Transport, Trust: r.Trust,
		StampFormat: r.StampFormat, StampedBy: r.StampedBy}
	return e
}

func (b *bulk) Close() error { return b.out.Flush() }

// priorities are the numbers of all, by their names.
var priorities = func() map[string]message.Priority {
	all := map[string]message.Priority{}
	for p := range message.Priority(24 * 8) {
		all[p.Facility()+"."+p.Severity()] = p
	}
	return all
}()
