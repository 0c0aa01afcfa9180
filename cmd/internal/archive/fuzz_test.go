package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
)

// FuzzJudge reads and judges anything. Each line must be good or named, and the times
// of the rows must be of the lines.
func FuzzJudge(f *testing.F) {
	for _, seed := range []string{
		"host,sent,received\nweb1,Mar  1 12:00:00,1772366400\nweb1,Mar  1 12:00:09,1772366409\n",
		"source,text,host,sent,received\r\n192.0.2.1,\"a\n\"\"\",,2026-03-01T12:00:00.5Z,2026-03-01T12:00:00.5Z\r\n",
		"{\"host\":\"web1\",\"sent\":\"-\",\"received\":1772366400.5,\"x\":[{}]}\n",
		"\xEF\xBB\xBF\n\nhost,sent,received\n\xff,1678-01-01T00:00:00Z,9223372035\n",
	} {
		f.Add([]byte(seed))
	}
	rule := func(string, netip.Addr) analysis.HostRule {
		return analysis.HostRule{Tolerance: analysis.Tolerance{Warn: time.Second}}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := NewReader(bytes.NewReader(text))
		if err != nil {
			return
		}
		r.window = 16
		unreadable := int64(0)
		result, err := Judge(r, Options{
			Fleet: analysis.Config{Params: analysis.DefaultParams(), Rule: rule},
			Bad: func(bad *LineError) {
				unreadable++
				if bad.Number < 1 || bad.Number > 1+int64(bytes.Count(text, []byte("\n"))) || len(bad.Error()) > 1000 {
					t.Errorf("line %d: %v", bad.Number, bad)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if result.Bad != unreadable || result.Readable+result.Bad != r.Read() {
			t.Errorf("%d of %d lines are readable, %d bad, %d named", result.Readable, r.Read(), result.Bad, unreadable)
		}
		for _, row := range result.Rows.Rows(func(string) bool { return true }) {
			if row.First.UnixNano() < result.First || row.Last.UnixNano() > result.Last || row.Messages == 0 {
				t.Errorf("row %+v lies outside %d to %d", row, result.First, result.Last)
			}
		}
	})
}

// FuzzObject holds the reader of objects against encoding/json: what that takes, it
// must read alike.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		`{"host":"web1","sent":"Mar  1 12:00:00","received":1772366400.5}`,
		` { "a" : [ {"b":"]}\\"} , -1e9 , null ] , "h\u006fst" : "\ud83d\ude00" , "sent" : null , "source":true } `,
		`{}`, `{"":{}}`, `{"host":{"host":"x"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var want map[string]json.RawMessage
		if bytes.ContainsAny(line, "\r\n") || json.Unmarshal(line, &want) != nil || want == nil || ambiguous(want) {
			return
		}
		var have fields
		if !readObject(line, &have) {
			t.Fatalf("%q is an object", line)
		}
		for name, raw := range want {
			if field := fieldNamed([]byte(name)); field != noField {
				checkValue(t, have[field], raw)
			}
		}
	})
}

// ambiguous reports whether a name stands for a field in two ways of writing it, so
// that the last one isn't known any more.
func ambiguous(object map[string]json.RawMessage) bool {
	seen := map[string]bool{}
	for name := range object {
		folded := strings.ToLower(name)
		if seen[folded] {
			return true
		}
		seen[folded] = true
	}
	return false
}

func checkValue(t *testing.T, have []byte, raw json.RawMessage) {
	t.Helper()
	want := string(raw)
	if err := json.Unmarshal(raw, &want); err != nil && !errors.As(err, new(*json.UnmarshalTypeError)) {
		t.Fatal(err)
	}
	if string(raw) == "null" {
		want = ""
	}
	if strings.ToValidUTF8(string(have), "\uFFFD") != strings.ToValidUTF8(want, "\uFFFD") && !bytes.ContainsRune([]byte(want), '\uFFFD') {
		t.Errorf("%q is read as %q", raw, have)
	}
}
