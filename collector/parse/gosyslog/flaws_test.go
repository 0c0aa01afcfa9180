package gosyslog

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gopkg.in/mcuadros/go-syslog.v2/format"
)

// A flaw is one thing that go-syslog.v2 v2.3.0 gets wrong, or in which it and we read
// differently what no RFC settles. It explains no more than the parts it names, where
// the message has the shape that leads to it and the library's answer is the one that
// the flaw makes.
type flaw struct {
	name    string
	example string // a message that has this flaw; no other explains all of it
	parts   []string
	always  bool // it may show in any message, a good one too
	applies func(d difference, part string) bool
}

var (
	priorities = []string{"priority", "facility", "severity"}
	header3164 = []string{"hostname", "tag", "proc_id", "content"}
	all3164    = slices.Concat(priorities, []string{"timestamp"}, header3164)
)

// flaws are all that are known. TestFlaws pins each: when the library changes, it fails.
var flaws = slices.Concat(flawsOfBoth, only("RFC 3164", flaws3164), only("RFC 5424", flaws5424))

// only has flaws apply to one of the library's parsers alone.
func only(format string, flaws []flaw) []flaw {
	for i, f := range flaws {
		flaws[i].applies = func(d difference, part string) bool { return d.format == format && f.applies(d, part) }
	}
	return flaws
}

var flawsOfBoth = []flaw{
	{name: "PRI over 191 or with a leading zero", example: "<193>Oct 11 22:14:15 web1 su: x", parts: priorities, applies: outOfRange},
	{name: "an impossible PRI isn't in the text", example: "<193>hello", parts: []string{"content"}, applies: droppedPriority},
}

var flaws3164 = []flaw{
	{"panics without anything behind the PRI", "<13>", []string{"panic"}, false, hasShape(`$`)},
	{"panics without a space behind the host", "<13>Oct 11 22:14:15 web1", []string{"panic"}, false, endsBehindHost},
	{"a message without PRI has 13, the present time, and no header", "Oct 11 22:14:15 web1 su: x", all3164, false,
		func(d difference, part string) bool {
			return !startsWithPriority(d.line) && d.givesUp(d.line, 13)
		}},
	{"the present time where it reads no stamp", "<13>hello", []string{"timestamp"}, false,
		func(d difference, _ string) bool {
			_, _, known := libraryStamp(behind(d.line))
			return !known && d.theirs.isPresent() && d.weAgreeOnTime()
		}},
	{"no header where it doesn't know the stamp", "<13>2003-11-20T23:53:09.807954+00:00 web1 sshd[1]: x", header3164, false,
		func(d difference, _ string) bool {
			_, _, known := libraryStamp(behind(d.line))
			return !known && d.weReadHeader() && d.givesUp(behind(d.line), number(d.line))
		}},
	{"the present year, in UTC", "<13>Oct 11 22:14:15 web1 su: x", []string{"timestamp"}, true, presentYear},
	{"the year 0000 is the present one", "<13>0000-10-01T00:00:00+00:00 web1 su: x", []string{"timestamp"}, false,
		func(d difference, _ string) bool {
			year := d.theirs.time().Year()
			return strings.HasPrefix(behind(d.line), "0000-") && !d.weReadStamp() && d.theirs.from.Year() <= year && year <= d.theirs.to.Year()
		}},
	{"loses a message that ends with its stamp", "<13>Oct 11 22:14:15", all3164, false,
		func(d difference, _ string) bool {
			_, after, known := libraryStamp(behind(d.line))
			return known && (after == "" || after == " ") && d.lost()
		}},
	{"the host is what touches the stamp", "<13>Oct 11 22:14:15.123 web1 su: x", slices.Concat([]string{"timestamp"}, header3164), false,
		splitsWhere(`^[^ ]`)},
	{"a year behind the stamp is the host", "<13>Oct 11 22:14:15 2003 web1 su: x", slices.Concat([]string{"timestamp"}, header3164), false,
		splitsWhere(`^ +\d{4}:?( |$)`)},
	{"no host behind two spaces", "<13>Oct 11 22:14:15  web1 su: x", header3164, false, splitsWhere(`^  `)},
	{"the collector's name for a missing host", "<13>Oct 11 22:14:15 su: x", header3164, false, splitsWhere(`^ [^ ]*:( |$)`)},
	{"a tag with text at once is the host", "<13>Oct 11 22:14:15 su[1]:x y", header3164, false, splitsWhere(`^ [^ ]*\[[^ ]*\]:`)},
	{"AIX's host", "<13>Oct 11 22:14:15 Message forwarded from aix1: su: x", header3164, false, splitsWhere(`^ Message forwarded from `)},
	{"UniFi's host", "<13>Oct 11 22:14:15 ap1,18e829487600,v4.0.66 hostapd[7]: x", header3164, false, splitsWhere(`^ [^ ]+( [^ ]+)?,[0-9a-fA-F]{12},v`)},
	{"a control character is part of the host", "<13>Oct 11 22:14:15 web1\tsu x", header3164, false, splitsWhere(`^ [^ ]*[\x00-\x1f]`)},
	{"a word of more than 255 octets is a host", "<13>Oct 11 22:14:15 " + strings.Repeat("h", 256) + " su: x", header3164, false, longHost},
	{"the first word of the text is a tag", "<13>Oct 11 22:14:15 web1 hello world", []string{"tag", "proc_id", "content"}, false, badTag},
	{"stamps that package time reads and nobody writes", "<13>OCT 11 22:14:15 web1 su: x", slices.Concat([]string{"timestamp"}, header3164), false,
		func(d difference, _ string) bool {
			stamp, after, known := libraryStamp(behind(d.line))
			odd := !writtenStamp.MatchString(behind(d.line)) || stamp.Year() > 0 && !holdsYear(stamp.Year())
			return known && odd && !d.weReadStamp() && d.splits(strings.TrimPrefix(after, " "))
		}},
	{"the byte order mark is text", "<13>Oct 11 22:14:15 web1 su: \xEF\xBB\xBFx", []string{"content"}, false,
		func(d difference, _ string) bool {
			return d.theirs.text("content") == strings.Trim("\xEF\xBB\xBF"+d.ours.text("content"), " ")
		}},
	{"any octet may follow VERSION", "<13>1x2003-10-11T22:14:15Z web1 su - - - x", []string{"version"}, false, hasShape(`1[^ ]`)},
	{"anything may follow a NILVALUE timestamp", "<13>1 -x web1 su - - - x", []string{"version"}, false, hasShape(`1 -[^ ]`)},
	{"a sign may begin the year", "<13>1 +203-10-11T22:14:15Z web1 su - - - x", []string{"version"}, false, hasShape(`1 [+-]\d{3}-`)},
	{"takes spaces from the text", "<13>Oct 11 22:14:15 web1 su:  two  ", []string{"content"}, false,
		func(d difference, _ string) bool {
			return d.theirs.text("content") == strings.Trim(d.ours.text("content"), " ")
		}},
}

// hasShape returns whether a message has a shape behind its PRI.
func hasShape(pattern string) func(difference, string) bool {
	fits := behindPriority(pattern)
	return func(d difference, _ string) bool { return fits(d.line) }
}

func endsBehindHost(d difference, _ string) bool {
	_, after, known := libraryStamp(behind(d.line))
	word := strings.TrimPrefix(after, " ")
	return known && word != "" && !strings.Contains(word, " ") && !strings.HasSuffix(word, ":")
}

var priority = regexp.MustCompile(`^<(\d{1,3})>`)

func startsWithPriority(line string) bool { return priority.MatchString(line) }

// number returns what stands in the angle brackets, 0 if nothing does.
func number(line string) (n int) {
	if found := priority.FindStringSubmatch(line); found != nil {
		n, _ = strconv.Atoi(found[1])
	}
	return n
}

// behind returns what follows the PRI.
func behind(line string) string { return line[len(priority.FindString(line)):] }

func outOfRange(d difference, part string) bool {
	text, n := priority.FindString(d.line), number(d.line)
	if n <= 191 && !(len(text) > len("<0>") && text[1] == '0') || d.ours.parts[part] != -1 {
		return false
	}
	return d.theirs.parts[part] == map[string]int{"priority": n, "facility": n / 8, "severity": n % 8}[part]
}

// droppedPriority demands the text that we have, without what stands before it in angle
// brackets.
func droppedPriority(d difference, _ string) bool {
	text, found := strings.CutPrefix(d.ours.text("content"), priority.FindString(d.line))
	return found && d.ours.parts["priority"] == -1 && d.theirs.text("content") == strings.Trim(text, " ")
}

// weAgreeOnTime reports whether our timestamp is none or the date and time as written.
func (d difference) weAgreeOnTime() bool {
	return d.ours.time().IsZero() || strings.HasPrefix(d.ours.text("skewatch.sent_civil"), d.ours.time().Format("2006-01-02T15:04:05"))
}

// weReadHeader reports whether we found more than text: some of a header that stands
// in the message, or the number or uptime that Cisco puts first.
func (d difference) weReadHeader() bool {
	if !strings.Contains(d.line, d.ours.text("hostname")) || !strings.Contains(d.line, d.ours.text("tag")) {
		return false
	}
	return d.ours.text("skewatch.stamp_format") != "none" || d.ours.text("hostname") != "" || d.ours.text("tag") != "" ||
		ciscoNumber.MatchString(behind(d.line))
}

var ciscoNumber = regexp.MustCompile(`^\d*:( |\d\d:\d\d:)`)

// weReadStamp reports whether we found a date and time in the message.
func (d difference) weReadStamp() bool { return d.ours.text("skewatch.sent_civil") != "" }

// writtenStamp is what senders write where the library finds a stamp.
var writtenStamp = regexp.MustCompile(`^([A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))`)

// holdsYear reports whether a year is one that nanoseconds since 1970 can hold, which
// we demand.
func holdsYear(year int) bool { return year >= 1678 && year <= 2261 }

// givesUp reports whether the library took all of text for the content.
func (d difference) givesUp(text string, priority int) bool {
	return d.theirs.isPresent() && d.theirs.text("hostname") == "" && d.theirs.text("tag") == "" &&
		d.theirs.text("content") == strings.Trim(text, " ") && d.theirs.parts["priority"] == priority
}

// lost reports whether the library says nothing of a message but that it can't be read.
func (d difference) lost() bool {
	for _, value := range d.theirs.parts {
		if value != "" && value != 0 && !samePart(value, time.Time{}) {
			return false
		}
	}
	return d.theirs.err != nil
}

// libraryStamp reads a stamp as the library does, whose length is always that of the
// layout, and returns what follows.
func libraryStamp(text string) (stamp time.Time, after string, known bool) {
	for _, layout := range []string{time.Stamp, time.RFC3339} {
		if len(text) < len(layout) {
			continue
		}
		if stamp, err := time.Parse(layout, text[:len(layout)]); err == nil {
			return stamp, text[len(layout):], true
		}
	}
	return time.Time{}, "", false
}

// presentYear demands the month, day and time of day that we read, in the present
// year. In one without 29 February that is the day after.
func presentYear(d difference, _ string) bool {
	civil, err := time.Parse("2006-01-02T15:04:05", "2000-"+d.ours.text("skewatch.sent_civil"))
	if err != nil || !d.ours.time().IsZero() {
		return false
	}
	for year := d.theirs.from.Year(); year <= d.theirs.to.Year(); year++ {
		if d.theirs.time().Equal(civil.AddDate(year-2000, 0, 0)) {
			return true
		}
	}
	return false
}

// splitsWhere returns whether what follows the stamp has a shape, and the library
// splits it into words all the same.
func splitsWhere(pattern string) func(difference, string) bool {
	shape := regexp.MustCompile(`(?s)` + pattern)
	return func(d difference, _ string) bool {
		_, after, known := libraryStamp(behind(d.line))
		return known && shape.MatchString(after) && d.splits(strings.TrimPrefix(after, " "))
	}
}

// splits reports whether the library's answer is what it makes of the words behind a
// stamp, whatever they are: a host to the space, a tag to the colon or space.
func (d difference) splits(words string) bool {
	host, rest, _ := strings.Cut(words, " ")
	if strings.HasSuffix(host, ":") {
		host, _ = os.Hostname()
		rest = words
	}
	tag, content := libraryTag(rest)
	return d.theirs.text("hostname") == host && d.theirs.text("tag") == tag && d.theirs.text("content") == content
}

func libraryTag(text string) (tag, content string) {
	end := strings.IndexAny(text, ": ")
	if end < 0 {
		return "", strings.Trim(text, " ")
	}
	tag = text[:end]
	if open := strings.LastIndexByte(tag, '['); open >= 0 {
		tag = tag[:open]
	}
	return tag, strings.Trim(text[end+1:], " ")
}

// longHost demands a first word that no host's name can be, which we leave in the text.
func longHost(d difference, _ string) bool {
	_, after, known := libraryStamp(behind(d.line))
	words := strings.TrimPrefix(after, " ")
	word, _, _ := strings.Cut(words, " ")
	return known && len(word) > 255 && d.ours.text("hostname") == "" && d.splits(words)
}

var goodTag = regexp.MustCompile(`^[^\x00-\x20:\[\]]+(\[[^\x00-\x20:\[\]]*\])?:( |$)`)

func badTag(d difference, _ string) bool {
	_, after, known := libraryStamp(behind(d.line))
	words := strings.TrimPrefix(after, " ")
	_, text, _ := strings.Cut(words, " ")
	return known && !goodTag.MatchString(text) && d.splits(words) && strings.HasSuffix(d.line, d.ours.text("content"))
}

// TestFlaws demands of each flaw that its example can't be explained without it.
func TestFlaws(t *testing.T) {
	for i, f := range flaws {
		for _, problem := range unexplained(f.example, Format{}, flaws) {
			t.Errorf("%s: %q: %s", f.name, f.example, problem)
		}
		others := slices.Delete(slices.Clone(flaws), i, i+1)
		if len(unexplained(f.example, Format{}, others)) == 0 {
			t.Errorf("%s: %q: the library hasn't this flaw any more, or another one covers it", f.name, f.example)
		}
	}
}

func TestLibraryKeepsLineEnd(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\x00"} {
		if parts, err := read(t, &format.RFC3164{}, "<13>Oct 11 22:14:15 web1 su: x"+end); err != nil || parts["content"] != "x"+end {
			t.Errorf("RFC 3164: library: content %q, error %v, want %q", parts["content"], err, "x"+end)
		}
		if parts, err := read(t, &format.RFC5424{}, "<13>1 - web1 su - - - x"+end); err != nil || parts["message"] != "x"+end {
			t.Errorf("RFC 5424: library: message %q, error %v, want %q", parts["message"], err, "x"+end)
		}
	}
}
