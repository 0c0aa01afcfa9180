package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/skewatch/skewatch/cmd/internal/api"
)

var (
	at     = time.Date(2026, 3, 1, 12, 0, 0, 4000, time.UTC)
	sample = []api.Message{
		{ID: 7, Received: at, Sent: text("2026-03-01T13:00:40.5+01:00"), Host: "Web1", Source: "192.0.2.1", Transport: "tcp", Facility: "auth", Severity: "crit",
			App: "su", ProcID: "12", MsgID: "x", StampFormat: "rfc5424", StampedBy: "kernel", Message: "a, \"b\"\n<c>", Raw: []byte("<34>1 …"),
			Estimate: &api.ClockEstimate{Trust: "handshake", Corrected: moved(-time.Millisecond), Bound: seconds(0.05), Verdict: "ahead",
				Offset: seconds(40.5), OffsetLow: seconds(40.4), OffsetHigh: seconds(40.55), BoundKind: "assumed-delay"}},
		{ID: 8, Received: at, Source: "2001:db8::1", Transport: "udp", StampFormat: "none", StampedBy: "user", Message: "no header",
			Estimate: &api.ClockEstimate{Trust: "udp", Verdict: "no-clock"}},
	}
)

func text(s string) *string            { return &s }
func seconds(f float64) *float64       { return &f }
func moved(d time.Duration) *time.Time { t := at.Add(d); return &t }
func written(t *testing.T, format string, o Options, messages ...api.Message) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b, format, o)
	for _, m := range messages {
		if err := w.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLines(t *testing.T) {
	want := `{"sequence":7,"received":"2026-03-01T12:00:00.000004Z","sent":"2026-03-01T13:00:40.5+01:00","corrected":"2026-03-01T11:59:59.999004Z","bound_seconds":0.05,` +
		`"host":"Web1","source":"192.0.2.1","transport":"tcp","trust":"handshake","facility":"auth","severity":"crit","app":"su","procid":"12","msgid":"x",` +
		`"stamp_format":"rfc5424","stamped_by":"kernel","verdict":"ahead","offset_seconds":40.5,"offset_low_seconds":40.4,"offset_high_seconds":40.55,` +
		`"bound_kind":"assumed-delay","message":"a, \"b\"\n<c>","raw":"PDM0PjEg4oCm"}
{"sequence":8,"received":"2026-03-01T12:00:00.000004Z","sent":null,"corrected":null,"bound_seconds":null,"host":"","source":"2001:db8::1","transport":"udp",` +
		`"trust":"udp","facility":"","severity":"","app":"","procid":"","msgid":"","stamp_format":"none","stamped_by":"user","verdict":"no-clock",` +
		`"offset_seconds":null,"offset_low_seconds":null,"offset_high_seconds":null,"bound_kind":"","message":"no header"}
`
	if got := string(written(t, "ndjson", Options{}, sample...)); got != want {
		t.Errorf("written is\n%s\nwant\n%s", got, want)
	}
}

// TestTable wants CSV to say the same as NDJSON.
func TestTable(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(written(t, "csv", Options{}, sample...))).ReadAll()
	if err != nil || len(rows) != 1+len(sample) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(written(t, "ndjson", Options{}, sample...))), "\n") {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatal(err)
		}
		for j, name := range rows[0] {
			want := ""
			if v := object[name]; v != nil {
				want = fmt.Sprint(v)
			}
			if got := rows[i+1][j]; got != want {
				t.Errorf("row %d: %s is %q, want %q", i, name, got, want)
			}
			delete(object, name)
		}
		if len(object) > 0 {
			t.Errorf("row %d lacks %v", i, object)
		}
	}
	if rows := written(t, "csv", Options{}); bytes.Count(rows, []byte("\n")) != 1 {
		t.Errorf("of no messages is written %q, want the names of the columns", rows)
	}
}

// TestParquet reads back what was written, over the end of a group of rows.
func TestParquet(t *testing.T) {
	const n = groupRows + 5
	var messages []api.Message
	for i := range n {
		m := sample[i%2]
		m.ID = uint64(i)
		messages = append(messages, m)
	}
	b := written(t, "parquet", Options{}, messages...)
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if groups := len(f.RowGroups()); groups != 2 || f.NumRows() != n {
		t.Errorf("%d rows in %d groups, want %d in 2", f.NumRows(), groups, n)
	}
	for _, column := range []string{"received", "sent", "corrected"} {
		leaf, ok := f.Schema().Lookup(column)
		if !ok || !strings.Contains(leaf.Node.Type().String(), "TIMESTAMP(isAdjustedToUTC=true,unit=NANOS)") {
			t.Errorf("%s is of type %v, want a moment", column, leaf.Node)
		}
	}
	rows, err := parquet.Read[row](bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if r.Sequence != uint64(i) || r.Received != at.UnixNano() || r.Message != sample[i%2].Message || (r.Sent == nil) != (i%2 == 1) {
			t.Fatalf("row %d is %+v", i, r)
		}
	}
	if r := rows[2]; *r.Sent != time.Date(2026, 3, 1, 12, 0, 40, 5e8, time.UTC).UnixNano() || *r.Corrected != at.Add(-time.Millisecond).UnixNano() ||
		*r.SentText != *sample[0].Sent || *r.Offset != 40.5 || string(r.Raw) != "<34>1 …" || r.Host != "Web1" {
		t.Errorf("a row is %+v", r)
	}
}

// TestBulk checks the shape of what Elasticsearch and OpenSearch are given: an action and an
// event, each a line, with the names and types of the Elastic Common Schema.
func TestBulk(t *testing.T) {
	exported := at.Add(time.Hour)
	got := string(written(t, "ecs-bulk", Options{Index: "syslog", Now: func() time.Time { return exported }}, sample...))
	want := `{"create":{"_index":"syslog","_id":"7-1772366400000004000"}}
{"@timestamp":"2026-03-01T12:00:40.5Z","ecs":{"version":"8.11.0"},"message":"a, \"b\"\n<c>",` +
		`"event":{"kind":"event","dataset":"skewatch.syslog","created":"2026-03-01T12:00:00.000004Z","ingested":"2026-03-01T13:00:00.000004Z","sequence":7,"original":"<34>1 …"},` +
		`"host":{"hostname":"Web1","name":"web1"},"log":{"syslog":{"priority":34,"facility":{"code":4,"name":"auth"},"severity":{"code":2,"name":"crit"},` +
		`"hostname":"Web1","appname":"su","procid":"12","msgid":"x"}},"source":{"ip":"192.0.2.1"},` +
		`"skewatch":{"sent":"2026-03-01T13:00:40.5+01:00","corrected":"2026-03-01T11:59:59.999004Z","bound_seconds":0.05,"verdict":"ahead","offset_seconds":40.5,` +
		`"offset_low_seconds":40.4,"offset_high_seconds":40.55,"bound_kind":"assumed-delay","transport":"tcp","trust":"handshake","stamp_format":"rfc5424","stamped_by":"kernel"}}
{"create":{"_index":"syslog","_id":"8-1772366400000004000"}}
{"@timestamp":"2026-03-01T12:00:00.000004Z","ecs":{"version":"8.11.0"},"message":"no header",` +
		`"event":{"kind":"event","dataset":"skewatch.syslog","created":"2026-03-01T12:00:00.000004Z","ingested":"2026-03-01T13:00:00.000004Z","sequence":8},` +
		`"log":{"syslog":{}},"source":{"ip":"2001:db8::1"},"skewatch":{"verdict":"no-clock","transport":"udp","trust":"udp","stamp_format":"none","stamped_by":"user"}}
`
	if got != want {
		t.Errorf("written is\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(string(written(t, "ecs-bulk", Options{}, sample...)), "_index") {
		t.Error("without an index one is named")
	}
}
