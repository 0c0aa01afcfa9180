package api

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis/timeline"
)

func entries() []Entry {
	sent := "2026-03-01T12:00:00.1Z"
	plain := Message{
		ID: 7, Received: instant, Sent: &sent, Host: "web1", Source: "192.0.2.7", Transport: "tcp", Facility: "user", Severity: "info",
		App: "sshd", ProcID: "12", MsgID: "-", StampFormat: "rfc5424", StampedBy: "kernel", Message: "Failed password for <root> & others",
	}
	odd, bare := plain, Message{ID: 8, Received: noon, Message: ""}
	odd.Message = "a \"quoted\" \\ text\n\t\r\b\f\x01\x7f\u2028é\U0001F600\uFFFD"
	odd.Raw = []byte("<14>raw \x00\xff")
	at := noon.UnixNano()
	byStamp := timeline.Placing{At: at, Low: at - 1e6, High: at + 2e6, ByStamp: true}
	byReceipt := timeline.Received(at + 5)
	all := []Entry{EntryOf(plain, &byStamp, 0), EntryOf(odd, &byStamp, 1000), EntryOf(bare, &byReceipt, 1000)}
	all[1].Undecided = []string{UndecidedPrevious, UndecidedNext}
	all[2].Undecided = []string{UndecidedNext}
	return all
}

// TestEntryIsJSON holds what is written and read by hand against package json.
func TestEntryIsJSON(t *testing.T) {
	for _, e := range entries() {
		line := e.AppendJSON(nil)
		var w wireEntry
		strict := json.NewDecoder(bytes.NewReader(line))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&w); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if len(w.Undecided) == 0 {
			w.Undecided = nil
		}
		if have := (Entry{w.Message, w.Corrected, w.Bound, w.Earliest, w.Latest, w.PlacedBy, w.Undecided}); !reflect.DeepEqual(have, e) {
			t.Errorf("%s is read as %+v, want %+v", line, have, e)
		}
		have, err := ReadEntry(line)
		if len(have.Undecided) == 0 {
			have.Undecided = nil
		}
		if err != nil || !reflect.DeepEqual(have, e) {
			t.Errorf("%s is read by hand as %+v, %v, want %+v", line, have, err, e)
		}
		var into Entry
		if r := (entryReader{line: string(line)}); r.entry(&into) != (e.Raw == nil && !bytes.ContainsRune(line, '\\')) {
			t.Errorf("%s: what is usual is read by package json", line)
		}
		if len(w.Raw) == 0 && !strings.Contains(string(line), `,"message":`) {
			t.Errorf("%s has no message", line)
		}
	}
	for _, bad := range []string{"", "{", `{"corrected":`, `{"corrected":"2026-03-01T12:00:00Z","bound_seconds":1`, `{"corrected":7}`} {
		if e, err := ReadEntry([]byte(bad)); err == nil {
			t.Errorf("%q is read as %+v", bad, e)
		}
	}
}

// TestStringsAreJSON holds strings against package json's.
func TestStringsAreJSON(t *testing.T) {
	for _, s := range []string{"", "plain", "\"", "\\", "\x00\x1f\x7f", "tab\tline\nfeed\r\b\f", "\u2028\u2029", "é\U0001F600", "<&>"} {
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(s); err != nil {
			t.Fatal(err)
		}
		if have := string(appendString(nil, s)) + "\n"; have != want.String() {
			t.Errorf("%q is written as %q, want %q", s, have, want.String())
		}
	}
}

func TestTimesAreRFC3339(t *testing.T) {
	for _, at := range []time.Time{noon, instant, noon.Add(1), noon.Add(100), time.Unix(0, 0).UTC(), time.Date(2099, 12, 31, 23, 59, 59, 999_999_999, time.UTC), {}} {
		if have, want := string(AppendTime(nil, at)), at.Format(time.RFC3339Nano); have != want {
			t.Errorf("%v is written as %q, want %q", at, have, want)
		}
	}
}

// BenchmarkEntry writes and reads a usual line.
func BenchmarkEntry(b *testing.B) {
	e := entries()[0]
	line := e.AppendJSON(nil)
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			line = e.AppendJSON(line[:0])
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ReadEntry(line); err != nil {
				b.Fatal(err)
			}
		}
	})
}
