package archive

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// describe reads an archive and says in words what came of each line.
func describe(t *testing.T, text string) (said []string) {
	t.Helper()
	r, err := NewReader(iotest.OneByteReader(strings.NewReader(text)))
	if err != nil {
		return []string{"header: " + err.Error()}
	}
	for {
		l, err := r.Next()
		var bad *LineError
		switch {
		case errors.Is(err, io.EOF):
			return said
		case errors.As(err, &bad):
			said = append(said, fmt.Sprintf("%d: %v", bad.Number, bad))
		case err != nil:
			t.Fatal(err)
		}
		if l.Origin != nil {
			said = append(said, words(&l))
		}
	}
}

// words writes a line as "number host/source format civil received".
func words(l *Line) string {
	host := string(l.Origin.Host)
	if l.Origin.Source.IsValid() {
		host += "/" + l.Origin.Source.String()
	}
	return fmt.Sprintf("%d %s %s %s %s", l.Number, host, l.Sent.Format,
		time.Unix(0, l.Sent.Civil).UTC().Format("01-02T15:04:05.999999999"), time.Unix(0, l.Received).UTC().Format("2006-01-02T15:04:05.999999999"))
}

func TestLines(t *testing.T) {
	const header, at = "host,sent,received\n", "2026-03-01T12:00:00Z"
	const web1 = "web1 bsd 03-01T12:00:00 2026-03-01T12:00:00"
	tests := []struct {
		name, in string
		want     []string
	}{
		{"RFC 3164", header + "web1,Mar  1 12:00:00," + at, []string{"2 " + web1}},
		{"RFC 3339", header + "web1,2026-03-01T14:00:00.25+02:00," + at, []string{"2 web1 rfc3339 03-01T14:00:00.25 2026-03-01T12:00:00"}},
		{"no stamp", header + "web1,-," + at + "\nweb2,," + at, []string{
			"2 web1 none 01-01T00:00:00 2026-03-01T12:00:00", "3 web2 none 01-01T00:00:00 2026-03-01T12:00:00"}},
		{"any order, others, any case", "id,Received,SENT,source,Host,text\n7," + at + ",Mar  1 12:00:00,192.0.2.1,web1,x\n",
			[]string{"2 web1/192.0.2.1 bsd 03-01T12:00:00 2026-03-01T12:00:00"}},
		{"mapped source", "host,sent,received,source\nweb1,-," + at + ",::ffff:192.0.2.1\n",
			[]string{"2 web1/192.0.2.1 none 01-01T00:00:00 2026-03-01T12:00:00"}},
		{"source for a host", "host,sent,received,source\n,-," + at + ",2001:db8::1\n",
			[]string{"2 /2001:db8::1 none 01-01T00:00:00 2026-03-01T12:00:00"}},
		{"byte order mark, CR LF, no last end", "\xEF\xBB\xBFhost,sent,received\r\nweb1,Mar  1 12:00:00," + at + "\r\nweb1,Mar  1 12:00:00," + at,
			[]string{"2 " + web1, "3 " + web1}},
		{"empty lines", "\n\n" + header + "\nweb1,Mar  1 12:00:00," + at + "\n\n", []string{"5 " + web1}},
		{"spaces", "host, sent, received\nweb1 , Mar  1 12:00:00 , " + at + " ", []string{"2 " + web1}},
		{"quoted", "\"host\",\"sent\",\"received\"\n\"web1\",\"Mar  1 12:00:00\",\"" + at + "\"\n", []string{"2 " + web1}},
		{"quotations with everything in them", "text,host,sent,received\n" +
			"\"a \"\"b\"\", c\nd\r\ne\",web1,Mar  1 12:00:00," + at + "\n5\" disk,web1,Mar  1 12:00:00," + at + "\n",
			[]string{"2 " + web1, "5 " + web1}},
		{"invalid UTF-8", header + "w\xffb,-," + at, []string{"2 w\xffb none 01-01T00:00:00 2026-03-01T12:00:00"}},

		{"objects", `{"host":"web1","sent":"Mar  1 12:00:00","received":"` + at + `"}` + "\n\r\n" +
			` { "received" : 1772366400 , "x" : {"host":["}",{}],"y":"\""} , "sent" : "Mar  1 12:00:00", "host":"web1" } ` + "\r\n",
			[]string{"1 " + web1, "3 " + web1}},
		{"escapes", `{"host":"w\u0065b1","s\u0065nt":"Mar  1 12:00:00","received":"2026-03-01T12:00:00\u005A"}`, []string{"1 " + web1}},
		{"null, true and numbers", `{"host":7,"sent":null,"received":1772366400.5,"x":true,"y":-1e9,"z":[]}`,
			[]string{"1 7 none 01-01T00:00:00 2026-03-01T12:00:00.5"}},
		{"the last of two", `{"host":"db1","sent":"Mar  1 12:00:00","received":"` + at + `","host":"web1"}`, []string{"1 " + web1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if have := describe(t, tt.in); !slices.Equal(have, tt.want) {
				t.Errorf("have %q, want %q", have, tt.want)
			}
		})
	}
}

// Whatever is wrong with a line, it is said, and the next line is read.
func TestBadLines(t *testing.T) {
	const header, at, good = "host,sent,received\n", "2026-03-01T12:00:00Z", "db1,-,2026-03-01T12:00:00Z\n"
	const object = `{"host":"db1","sent":"-","received":"2026-03-01T12:00:00Z"}` + "\n"
	tests := []struct{ name, in, want string }{
		{"too few columns", header + "web1,-\n" + good, "2: has 2 columns, and the first line 3"},
		{"too many columns", header + "web1,-," + at + ",\n" + good, "2: has 4 columns, and the first line 3"},
		{"no host", header + ",-," + at + "\n" + good, "2: host: missing"},
		{"long host", header + strings.Repeat("w", 256) + ",-," + at + "\n" + good,
			`2: host: longer than 255 bytes (got "` + strings.Repeat("w", 40) + `…")`},
		{"no receive time", header + "web1,-, \n" + good, "2: received: missing"},
		{"bad receive time", header + "web1,-,yesterday\n" + good, `2: received: not a time (got "yesterday")`},
		{"no such day", header + "web1,-,2026-02-30T12:00:00Z\n" + good, `2: received: not a time (got "2026-02-30T12:00:00Z")`},
		{"no zone", header + "web1,-,2026-03-01T12:00:00\n" + good, `2: received: names no time zone (got "2026-03-01T12:00:00")`},
		{"no year", header + "web1,-,Mar  1 12:00:00\n" + good, `2: received: names no year and no time zone (got "Mar  1 12:00:00")`},
		{"control characters", header + "web1,-,\x1b[2J\n" + good, `2: received: not a time (got "\x1b[2J")`},
		{"bad source", "host,sent,received,source\nweb1,-," + at + ",web1\ndb1,-," + at + ",\n", `2: source: not an IP address (got "web1")`},
		{"huge line", header + strings.Repeat("w", 3<<20) + ",-," + at + "\n" + good, "2: longer than 1048576 bytes"},
		{"huge quotation", header + "\"" + strings.Repeat(strings.Repeat("w", 600_000)+"\n", 2) + good, "2: a quotation is longer than 1048576 bytes"},
		{"open quotation", header + good + "web1,-,\"" + at, "3: a quotation doesn't end"},
		{"text after a quotation", header + "web1,-,\"" + at + "\"x\n" + good, `2: received: not a time (got "2026-03-01T12:00:00Zx")`},

		{"no object", object + "web1\n", `2: not a JSON object (got "web1")`},
		{"array", object + "[]\n", `2: not a JSON object (got "[]")`},
		{"cut off", object + `{"host":"web1","sent":"Mar  1` + "\n" + object, `2: not a JSON object (got "{\"host\":\"web1\",\"sent\":\"Mar  1")`},
		{"two objects", object + "{}{}\n", `2: not a JSON object (got "{}{}")`},
		{"no members", object + "{}\n", "2: received: missing"},
		{"object for a host", object + `{"host":"","received":1772366400}`, "2: host: missing"},
		{"bad escape", object + `{"host":"\x","received":1772366400}`, `2: not a JSON object (got "{\"host\":\"\\x\",\"received\":1772366400}")`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have := describe(t, tt.in)
			bad := slices.DeleteFunc(slices.Clone(have), func(s string) bool { return strings.Contains(s, " db1 ") })
			if want := []string{tt.want}; !slices.Equal(bad, want) {
				t.Errorf("have %q, want %q", bad, want)
			}
			if !slices.ContainsFunc(have, func(s string) bool { return strings.HasSuffix(s, " db1 none 01-01T00:00:00 2026-03-01T12:00:00") }) {
				t.Errorf("have %q, and not the good line", have)
			}
		})
	}
}

// A stamp that can't be read is named, and evidence of a host without one.
func TestUnreadableStamp(t *testing.T) {
	have := describe(t, "host,sent,received\nweb1,yesterday,1772366400\n")
	want := []string{`2: sent: not a stamp that can be read (got "yesterday")`, "2 web1 invalid 01-01T00:00:00 2026-03-01T12:00:00"}
	if !slices.Equal(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
}

func TestHeaders(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing", "", "is empty"},
		{"white space", " \r\n\n", "is empty"},
		{"no columns", "web1,Mar  1 12:00:00,1772366400\n", `line 1: no column is named host (got "web1,Mar  1 12:00:00,1772366400")`},
		{"one column missing", "host,sent\n", `line 1: no column is named received (got "host,sent")`},
		{"a column twice", "host,sent,received,Host\n", "line 1: two columns are named host"},
		{"array", "[{}]", "is a JSON array"},
		{"gzip that ends", "\x1f\x8b\x08", "is compressed, but can't be unpacked: unexpected EOF"},
		{"huge", strings.Repeat("host,", 1<<19), "line 1: longer than 1048576 bytes"},
		{"open quotation", "host,sent,\"received\n", "line 1: a quotation doesn't end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewReader(strings.NewReader(tt.in))
			var header *HeaderError
			if !errors.As(err, &header) || err.Error() != tt.want || header.Remedy() == "" {
				t.Errorf("have %v, want %s", err, tt.want)
			}
		})
	}
}

// An error of the source is passed on as it is.
func TestBrokenSource(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, text := range []string{"", "host,sent", "host,sent,received\nweb1,-", "{\"host\":\"web1\"", "host,sent,received\n\"web1\n"} {
		r, err := NewReader(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, broken) {
			t.Errorf("%q: %v, want %v", text, err, broken)
		}
	}
}

func TestTooManyHosts(t *testing.T) {
	var b strings.Builder
	b.WriteString("host,sent,received\n")
	for i := range maxOrigins + 2 {
		fmt.Fprintf(&b, "web%d,-,1772366400\n", i)
	}
	r, err := NewReader(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	var refused []string
	err = r.InOrder(func(*Line) {}, func(bad *LineError) { refused = append(refused, bad.Error()) })
	want := []string{`host: more than 100000 hosts (got "web100000")`, `host: more than 100000 hosts (got "web100001")`}
	if err != nil || !slices.Equal(refused, want) {
		t.Errorf("%v, refused %q, want %q", err, refused, want)
	}
}
