// Package export writes stored messages in formats that other programs read: with both times
// of each, and the corrected one.
package export

import (
	"bufio"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
)

// A Writer writes messages in one format.
type Writer interface {
	Write(api.Message) error
	Close() error // ends the format, not what it is written to
}

// Formats are the names of the formats.
var Formats = []string{"ndjson", "csv", "parquet", "ecs-bulk"}

// Extension returns what names of files of a format end in.
func Extension(format string) string {
	if format == "ecs-bulk" {
		return ".bulk.ndjson"
	}
	return "." + format
}

// Options are what a format may be told.
type Options struct {
	Index string           // ecs-bulk: where the messages go, "" for what the request names
	Now   func() time.Time // ecs-bulk: nil for time.Now
}

// NewWriter returns what writes messages in a format.
func NewWriter(w io.Writer, format string, o Options) Writer {
	switch format {
	case "csv":
		return newTable(w)
	case "parquet":
		return newColumns(w)
	case "ecs-bulk":
		return newBulk(w, o)
	}
	return newLines(w)
}

// A record is a message as it is exported. Its names are those of search and report.
type record struct {
	Sequence    uint64     `json:"sequence"`
	Received    time.Time  `json:"received"`
	Sent        *string    `json:"sent"` // RFC 3339, to the digit the sender wrote; null if the stamp is unusable
	Corrected   *time.Time `json:"corrected"`
	Bound       *float64   `json:"bound_seconds"`
	Host        string     `json:"host"`
	Source      string     `json:"source"`
	Transport   string     `json:"transport"`
	Trust       string     `json:"trust"`
	Facility    string     `json:"facility"`
	Severity    string     `json:"severity"`
	App         string     `json:"app"`
	ProcID      string     `json:"procid"`
	MsgID       string     `json:"msgid"`
	StampFormat string     `json:"stamp_format"`
	StampedBy   string     `json:"stamped_by"`
	Verdict     string     `json:"verdict"`
	Offset      *float64   `json:"offset_seconds"`
	OffsetLow   *float64   `json:"offset_low_seconds"`
	OffsetHigh  *float64   `json:"offset_high_seconds"`
	BoundKind   string     `json:"bound_kind"`
	Message     string     `json:"message"`
	Raw         []byte     `json:"raw,omitempty"`
}

func recordOf(m *api.Message) record {
	var e api.ClockEstimate
	if m.Estimate != nil {
		e = *m.Estimate
	}
	return record{
		Sequence: m.ID, Received: m.Received, Sent: m.Sent, Corrected: e.Corrected, Bound: e.Bound,
		Host: m.Host, Source: m.Source, Transport: m.Transport, Trust: e.Trust, Facility: m.Facility, Severity: m.Severity,
		App: m.App, ProcID: m.ProcID, MsgID: m.MsgID, StampFormat: m.StampFormat, StampedBy: m.StampedBy,
		Verdict: e.Verdict, Offset: e.Offset, OffsetLow: e.OffsetLow, OffsetHigh: e.OffsetHigh, BoundKind: e.BoundKind,
		Message: m.Message, Raw: m.Raw,
	}
}

// lines writes one JSON object a line.
type lines struct {
	out     *bufio.Writer
	encoder *json.Encoder
}

func newLines(w io.Writer) *lines {
	out := bufio.NewWriterSize(w, 64<<10)
	l := &lines{out, json.NewEncoder(out)}
	l.encoder.SetEscapeHTML(false)
	return l
}

func (l *lines) Write(m api.Message) error { return l.encoder.Encode(recordOf(&m)) }
func (l *lines) Close() error              { return l.out.Flush() }

// A table writes CSV, the names of the columns first. Unknown is empty.
type table struct {
	out  *csv.Writer
	head error // of writing the names
	row  []string
}

func newTable(w io.Writer) *table {
	t := &table{out: csv.NewWriter(w)}
	t.head = t.out.Write([]string{"sequence", "received", "sent", "corrected", "bound_seconds", "host", "source", "transport", "trust",
		"facility", "severity", "app", "procid", "msgid", "stamp_format", "stamped_by", "verdict", "offset_seconds", "offset_low_seconds",
		"offset_high_seconds", "bound_kind", "message", "raw"})
	return t
}

func (t *table) Write(m api.Message) error {
	r := recordOf(&m)
	sent := ""
	if r.Sent != nil {
		sent = *r.Sent
	}
	t.row = append(t.row[:0], strconv.FormatUint(r.Sequence, 10), r.Received.Format(time.RFC3339Nano), sent, moment(r.Corrected), number(r.Bound),
		r.Host, r.Source, r.Transport, r.Trust, r.Facility, r.Severity, r.App, r.ProcID, r.MsgID, r.StampFormat, r.StampedBy,
		r.Verdict, number(r.Offset), number(r.OffsetLow), number(r.OffsetHigh), r.BoundKind, r.Message, base64.StdEncoding.EncodeToString(r.Raw))
	return t.out.Write(t.row)
}

func (t *table) Close() error {
	t.out.Flush()
	return errors.Join(t.head, t.out.Error())
}

func moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

func number(n *float64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatFloat(*n, 'f', -1, 64)
}
