package gosyslog

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/mcuadros/go-syslog.v2/format"

	"github.com/skewatch/skewatch/collector/parse"
)

// A reading is what one parser makes of a message.
type reading struct {
	parts    format.LogParts
	err      error
	panicked bool

	// from and to are the whole seconds between which the parser ran, to know the
	// present time in its answer.
	from, to time.Time
}

func readWith(f format.Format, line string) (r reading) {
	r.from = time.Now().Round(time.Second)
	defer func() {
		r.panicked = recover() != nil
		r.to = time.Now().Round(time.Second)
	}()
	p := f.GetParser([]byte(line))
	r.err = p.Parse()
	r.parts = p.Dump()
	return r
}

func (r reading) text(part string) string { s, _ := r.parts[part].(string); return s }

func (r reading) time() time.Time { t, _ := r.parts["timestamp"].(time.Time); return t }

// isPresent reports whether the timestamp is the time at which the message was read.
func (r reading) isPresent() bool { return !r.time().Before(r.from) && !r.time().After(r.to) }

// A difference is one message and the two readings of it.
type difference struct {
	line         string
	format       string // that the library was asked for: RFC 3164 or RFC 5424
	ours, theirs reading
}

// The parts on which both must agree. The library has no proc_id in RFC 3164: ours
// must stand in the message behind the tag.
var (
	parts3164 = []string{"priority", "facility", "severity", "timestamp", "hostname", "tag", "proc_id", "content"}
	parts5424 = []string{"priority", "facility", "severity", "version", "timestamp", "hostname", "app_name", "proc_id",
		"msg_id", "structured_data", "message"}
)

// differ reads a message twice and returns the parts that differ.
func differ(line string, ours format.Format) (d difference, parts []string) {
	d = difference{line: line, ours: readWith(ours, line)}
	theirs, all := format.Format(&format.RFC3164{}), parts3164
	d.format = "RFC 3164"
	if parse.Version([]byte(line)) == 1 {
		theirs, all = &format.RFC5424{}, parts5424
		d.format = "RFC 5424"
	}
	d.theirs = readWith(theirs, line)
	if d.theirs.panicked {
		return d, []string{"panic"}
	}
	parts = slices.DeleteFunc(slices.Clone(all), d.agreeOn)
	if d.format == "RFC 3164" && isRFC5424(line) {
		parts = append(parts, "version")
	}
	return d, parts
}

// isRFC5424 reports whether the library can read a message as one of RFC 5424.
func isRFC5424(line string) bool {
	r := readWith(&format.RFC5424{}, line)
	return !r.panicked && r.err == nil && r.parts["version"] == 1
}

func (d difference) agreeOn(part string) bool {
	if _, known := d.theirs.parts[part]; !known && part == "proc_id" {
		id := d.ours.text("proc_id")
		return id == "" || strings.Contains(d.line, d.ours.text("tag")+"["+id+"]:")
	}
	return samePart(d.ours.parts[part], d.theirs.parts[part])
}

// unexplained returns in what we and the library differ about a message and none of
// the flaws is the reason.
func unexplained(line string, ours format.Format, flaws []flaw) (problems []string) {
	d, parts := differ(line, ours)
	for _, part := range parts {
		explains := func(f flaw) bool { return slices.Contains(f.parts, part) && f.applies(d, part) }
		if !slices.ContainsFunc(flaws, explains) {
			problems = append(problems, fmt.Sprintf("%s: ours %#v, library %#v", part, d.ours.parts[part], d.theirs.parts[part]))
		}
	}
	return problems
}

// agreed are messages that the library reads as we do, but for the flaws it has with
// any message: a year for a stamp that has none, and "-" for NILVALUE.
var agreed = []string{
	"<38>Oct 11 22:14:15 web1.example.com sshd[24817]: Failed password for root",
	"<4>Oct  1 00:00:00 10.0.0.1 kernel: x",
	"<191>Dec 31 23:59:59 web-1_a su: a: b [c] d",
	"<0>Jan  1 12:00:00 2001:db8::1 cron[7]: x",
	"<38>2026-10-11T22:14:15+02:00 web1 sshd[1]: x",
	"<38>2026-10-11T22:14:15.1234Z web1 su: x",
	"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 - An application event",
	`<165>1 2003-10-11T22:14:15.003123-07:00 web1 evntslog 12 ID47 [exampleSDID@32473 iut="3" eventSource="App"][a b="c"] text`,
	`<13>1 2003-10-11T22:14:15Z web1 su 1 m [timeQuality tzKnown="1" isSynced="0"]`,
	`<13>1 2003-10-11T22:14:15+05:30 web1 su 1 m [a b="\"\\\]"] x`,
	"<13>1 - - - - - - x",
	"<13>1 - web1 su 1 m -",
}

func TestAgreed(t *testing.T) {
	anyMessage := slices.DeleteFunc(slices.Clone(flaws), func(f flaw) bool { return !f.always })
	for _, line := range agreed {
		for _, problem := range unexplained(line, Format{}, anyMessage) {
			t.Errorf("%q: %s", line, problem)
		}
	}
}

// wrong is our Format with one part changed.
type wrong struct {
	Format
	part string
}

func (w wrong) GetParser(line []byte) format.LogParser {
	return wrongParser{w.Format.GetParser(line), w.part}
}

type wrongParser struct {
	format.LogParser
	part string
}

func (p wrongParser) Dump() format.LogParts {
	parts := p.LogParser.Dump()
	switch v := parts[p.part].(type) {
	case string:
		parts[p.part] = v + "~wrong"
	case int:
		parts[p.part] = v + 1
	case time.Time:
		parts[p.part] = v.Add(time.Second)
	}
	return parts
}

// If one of our parts were wrong, no flaw of the library would be an excuse.
func TestFlawsExcuseNoMistake(t *testing.T) {
	for _, line := range agreed {
		parts := slices.Clone(parts3164)
		if parse.Version([]byte(line)) == 1 {
			parts = parts5424
		} else if strings.Contains(line, "Oct ") {
			parts = append(parts, "skewatch.sent_civil")
		}
		for _, part := range parts {
			if len(unexplained(line, wrong{part: part}, flaws)) == 0 {
				t.Errorf("%q: nothing found although our %s is wrong", line, part)
			}
		}
	}
}

// In a message that has a flaw, no part is excused but those that the flaw is about.
func TestFlawsExcuseTheirPartsAlone(t *testing.T) {
	for _, f := range flaws {
		parts := parts3164
		if parse.Version([]byte(f.example)) == 1 {
			parts = parts5424
		}
		for _, part := range parts {
			excused := slices.Contains(f.parts, part) || slices.Contains(f.parts, "panic")
			if !excused && len(unexplained(f.example, wrong{part: part}, flaws)) == 0 {
				t.Errorf("%s: %q: nothing found although our %s is wrong", f.name, f.example, part)
			}
		}
	}
}

// FuzzAgainstLibrary demands that we read every message as the library does, unless a
// known flaw of the library's is the reason.
func FuzzAgainstLibrary(f *testing.F) {
	for _, line := range agreed {
		f.Add([]byte(line))
	}
	for _, flaw := range flaws {
		f.Add([]byte(flaw.example))
	}
	for _, bm := range benchmarkLines {
		f.Add([]byte(bm.line))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		line := string(withoutLineEnd(raw))
		whole, trimmed := readWith(Format{}, string(raw)), readWith(Format{}, line)
		for part, value := range trimmed.parts {
			if !samePart(whole.parts[part], value) {
				t.Errorf("%q: %s is %#v with its line end, %#v without", raw, part, whole.parts[part], value)
			}
		}
		for _, problem := range unexplained(line, Format{}, flaws) {
			t.Errorf("%q: %s", line, problem)
		}
	})
}

// withoutLineEnd takes away what the library would keep (TestLibraryKeepsLineEnd).
func withoutLineEnd(raw []byte) []byte { return bytes.TrimRight(raw, "\r\n\x00") }

// behindPriority returns what reports whether a pattern fits a message behind its PRI.
func behindPriority(pattern string) func(line string) bool {
	shape := regexp.MustCompile(`^(?s:<\d{1,3}>` + pattern + `)`)
	return shape.MatchString
}
