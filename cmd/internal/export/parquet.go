package export

import (
	"errors"
	"io"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/skewatch/skewatch/cmd/internal/api"
)

// A row is a record in Parquet. Times are nanoseconds since 1970 in UTC, which Parquet's
// readers show as such.
type row struct {
	Sequence    uint64   `parquet:"sequence,delta"`
	Received    int64    `parquet:"received,timestamp(nanosecond),delta"`
	Sent        *int64   `parquet:"sent,optional,timestamp(nanosecond)"`
	SentText    *string  `parquet:"sent_text,optional"` // with the zone, to the digit the sender wrote
	Corrected   *int64   `parquet:"corrected,optional,timestamp(nanosecond)"`
	Bound       *float64 `parquet:"bound_seconds,optional"`
	Host        string   `parquet:"host,dict"`
	Source      string   `parquet:"source,dict"`
	Transport   string   `parquet:"transport,dict"`
	Trust       string   `parquet:"trust,dict"`
	Facility    string   `parquet:"facility,dict"`
	Severity    string   `parquet:"severity,dict"`
	App         string   `parquet:"app,dict"`
	ProcID      string   `parquet:"procid"`
	MsgID       string   `parquet:"msgid,dict"`
	StampFormat string   `parquet:"stamp_format,dict"`
	StampedBy   string   `parquet:"stamped_by,dict"`
	Verdict     string   `parquet:"verdict,dict"`
	Offset      *float64 `parquet:"offset_seconds,optional"`
	OffsetLow   *float64 `parquet:"offset_low_seconds,optional"`
	OffsetHigh  *float64 `parquet:"offset_high_seconds,optional"`
	BoundKind   string   `parquet:"bound_kind,dict"`
	Message     string   `parquet:"message"`
	Raw         []byte   `parquet:"raw,optional"`
}

// columns writes Parquet.
type columns struct {
	out  *parquet.GenericWriter[row]
	rows []row
}

// Rows are given to the library so many at a time, and wait in memory for the end of their
// group.
const (
	rowsAtOnce = 1024
	groupRows  = 100_000
)

func newColumns(w io.Writer) *columns {
	return &columns{out: parquet.NewGenericWriter[row](w, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(groupRows))}
}

func (c *columns) Write(m api.Message) error {
	r := recordOf(&m)
	c.rows = append(c.rows, row{
		Sequence: r.Sequence, Received: r.Received.UnixNano(), Sent: parsed(r.Sent), SentText: r.Sent, Corrected: nanoseconds(r.Corrected), Bound: r.Bound,
		Host: r.Host, Source: r.Source, Transport: r.Transport, Trust: r.Trust, Facility: r.Facility, Severity: r.Severity,
		App: r.App, ProcID: r.ProcID, MsgID: r.MsgID, StampFormat: r.StampFormat, StampedBy: r.StampedBy,
		Verdict: r.Verdict, Offset: r.Offset, OffsetLow: r.OffsetLow, OffsetHigh: r.OffsetHigh, BoundKind: r.BoundKind,
		Message: r.Message, Raw: r.Raw,
	})
	if len(c.rows) < rowsAtOnce {
		return nil
	}
	return c.flush()
}

func (c *columns) flush() error {
	_, err := c.out.Write(c.rows)
	c.rows = c.rows[:0]
	return err
}

func (c *columns) Close() error { return errors.Join(c.flush(), c.out.Close()) }

func nanoseconds(t *time.Time) *int64 {
	if t == nil {
		return nil
	}
	n := t.UnixNano()
	return &n
}

// parsed returns the moment that a text names.
func parsed(text *string) *int64 {
	if text == nil {
		return nil
	}
	t, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		return nil
	}
	return nanoseconds(&t)
}
