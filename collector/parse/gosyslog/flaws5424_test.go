package gosyslog

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	fields5424 = []string{"hostname", "app_name", "proc_id", "msg_id"}
	body5424   = []string{"structured_data", "message"}
	all5424    = slices.Concat(priorities, []string{"version", "timestamp"}, fields5424, body5424)
)

var flaws5424 = []flaw{
	{"NILVALUE is a name", "<13>1 - - - - - - x", slices.Concat(fields5424, []string{"structured_data"}), true,
		func(d difference, part string) bool { return d.ours.text(part) == "" && d.theirs.text(part) == "-" }},
	{"a word of more than 255 octets is a HOSTNAME", "<13>1 - " + strings.Repeat("h", 256) + " su - - - x", []string{"hostname"}, false,
		func(d difference, _ string) bool {
			return fieldLength(d.line, 2) > 255 && d.ours.text("hostname") == "" && d.theirs.text("hostname") == strings.Split(behind(d.line), " ")[2]
		}},
	{"the byte order mark is part of the text", "<13>1 - web1 su - - - \xEF\xBB\xBFx", []string{"message"}, false,
		func(d difference, _ string) bool {
			return d.theirs.text("message") == "\xEF\xBB\xBF"+d.ours.text("message")
		}},
	{"loses a message without PRI", "1 - web1 su - - - x", all5424, false,
		func(d difference, _ string) bool { return !startsWithPriority(d.line) && d.lost() }},
	{"loses a message with a stamp it can't read", "<13>1 2003-02-03T24:00:00Z web1 su - - - x", all5424, false,
		func(d difference, _ string) bool {
			return d.ours.text("skewatch.stamp_format") == "invalid" && d.lost()
		}},
	{"loses a message with more than 6 digits of a fraction", "<13>1 2003-10-11T22:14:15.1234567Z web1 su - - - x", all5424, false,
		lostWhere(`1 [-\d]{10}T[:\d]{8}\.\d{7,}(Z|[+-])`)},
	{"loses a message of second 60", "<13>1 2016-12-31T23:59:60Z web1 su - - - x", all5424, false,
		lostWhere(`1 [-\d]{10}T\d\d:\d\d:60`)},
	{"loses a message that ends before or in APP-NAME", "<13>1 - web1 su", all5424, false, lostWhere(`1 [^ ]*( [^ ]*){0,2}$`)},
	{"loses a message whose APP-NAME has more than 48 octets", "<13>1 - web1 " + strings.Repeat("a", 49) + " - - - x", all5424, false,
		func(d difference, _ string) bool { return fieldLength(d.line, 3) > 48 && d.lost() }},
	{"drops a PROCID or MSGID that ends the message", "<13>1 - web1 su 12", []string{"proc_id", "msg_id"}, false,
		func(d difference, part string) bool {
			return d.theirs.text(part) == "" && strings.HasSuffix(d.line, " "+d.ours.text(part)) && fewFields(d.line)
		}},
	{"leaves the header at a PROCID of more than 128 octets", "<13>1 - web1 su " + strings.Repeat("1", 129) + " m - x",
		slices.Concat([]string{"proc_id", "msg_id"}, body5424), false,
		func(d difference, _ string) bool {
			return fieldLength(d.line, 4) > 128 && d.theirs.text("proc_id") == ""
		}},
	{"leaves the header at a MSGID of more than 32 octets", "<13>1 - web1 su 1 " + strings.Repeat("m", 33) + " - x",
		slices.Concat([]string{"msg_id"}, body5424), false,
		func(d difference, _ string) bool { return fieldLength(d.line, 5) > 32 && d.theirs.text("msg_id") == "" }},
	{"a day that doesn't exist is another one", "<13>1 2003-02-30T12:00:00Z web1 su - - - x", []string{"timestamp"}, false, anotherDay},
	{"signs are digits", "<13>1 2003-+2-03T12:00:00Z web1 su - - - x", []string{"timestamp"}, false,
		unreadableWhere(`1 \d{4}[^ ]*[-+T:][+-]\d[^ ]* `)},
	{"a point without digits is a fraction", "<13>1 2003-02-03T12:00:00.Z web1 su - - - x", []string{"timestamp"}, false,
		unreadableWhere(`1 [-+\d]{10}T[-+:\d]{8}\.(Z|[+-])`)},
	{"years that nanoseconds since 1970 don't hold", "<13>1 1600-02-03T12:00:00Z web1 su - - - x", []string{"timestamp"}, false,
		func(d difference, _ string) bool {
			return d.ours.text("skewatch.stamp_format") == "invalid" && !holdsYear(d.theirs.time().Year())
		}},
	{"passes over an octet behind the stamp", "<13>1 2003-02-03T12:00:00Zx web1 su - - x", all5424[slices.Index(all5424, "timestamp"):], false,
		unreadableWhere(`1 [-+\d]{10}T[-+:\d]{8}(\.\d{0,6})?(Z|[+-][-+\d]\d:[-+\d]\d)[^ ]`)},
	{"loses the text where no structured data stands", "<13>1 - web1 su 1 m hello world", body5424, false,
		func(d difference, _ string) bool {
			data := dataOf(d.line)
			return data != "" && data[0] != '[' && data[0] != '-' && d.textLost()
		}},
	{"NILVALUE with something behind it", "<13>1 - web1 su 1 m -hello", body5424, false,
		func(d difference, _ string) bool {
			data := dataOf(d.line)
			return len(data) > 1 && data[0] == '-' && data[1] != ' ' && d.theirs.text("structured_data") == "-" && d.theirs.text("message") == data[2:]
		}},
	{"a bracket and a space end structured data, in quotes too", `<13>1 - web1 su 1 m [a b="c] d"] x`, body5424, false,
		func(d difference, _ string) bool {
			return len(d.theirs.text("structured_data")) < len(d.ours.text("structured_data")) && d.cutsAtBracket()
		}},
	{"anything in brackets is structured data", "<13>1 - web1 su 1 m [not an element] x", body5424, false,
		func(d difference, _ string) bool {
			return len(d.theirs.text("structured_data")) > len(d.ours.text("structured_data")) && d.cutsAtBracket()
		}},
	{"loses the text behind structured data without a space", `<13>1 - web1 su 1 m [a b="c"]x`, body5424, false,
		func(d difference, _ string) bool {
			data := dataOf(d.line)
			return strings.HasPrefix(data, "[") && bracketEnd.FindString(data) == "" && d.textLost()
		}},
}

// lostWhere returns whether the message is lost and has a shape behind its PRI.
func lostWhere(pattern string) func(difference, string) bool {
	fits := behindPriority(pattern)
	return func(d difference, _ string) bool { return fits(d.line) && d.lost() }
}

// fieldLength returns the octets of a field of the header, counted from VERSION, 0.
func fieldLength(line string, i int) int {
	fields := strings.Split(behind(line), " ")
	return len(fields[min(i, len(fields)-1)])
}

// unreadableWhere returns whether a stamp has a shape in which we can't read it.
func unreadableWhere(pattern string) func(difference, string) bool {
	fits := behindPriority(pattern)
	return func(d difference, _ string) bool {
		return fits(d.line) && d.ours.text("skewatch.stamp_format") == "invalid"
	}
}

var isoDay = regexp.MustCompile(`^<\d{1,3}>1 (\d{4}-\d\d)-(\d\d)T`)

// anotherDay demands the days that the month lacks, counted on into the next.
func anotherDay(d difference, _ string) bool {
	written := isoDay.FindStringSubmatch(d.line)
	if written == nil || d.ours.text("skewatch.stamp_format") != "invalid" {
		return false
	}
	first, err := time.Parse("2006-01", written[1])
	days := int(written[2][0]-'0')*10 + int(written[2][1]-'0')
	day := first.AddDate(0, 0, days-1)
	return err == nil && day.Month() != first.Month() && d.theirs.time().Format(time.DateOnly) == day.Format(time.DateOnly)
}

// fewFields reports whether a message ends before STRUCTURED-DATA.
func fewFields(line string) bool { return strings.Count(behind(line), " ") < 6 }

// dataOf returns what stands behind MSGID.
func dataOf(line string) string {
	fields := strings.SplitN(behind(line), " ", 7)
	if len(fields) < 7 {
		return ""
	}
	return fields[6]
}

func (d difference) textLost() bool {
	return d.theirs.err != nil && d.theirs.text("structured_data") == "" && d.theirs.text("message") == ""
}

// bracketEnd finds what the library takes for structured data.
var bracketEnd = regexp.MustCompile(`^(?s:.*?\])( |$)`)

func (d difference) cutsAtBracket() bool {
	data := dataOf(d.line)
	found := bracketEnd.FindString(data)
	return strings.HasPrefix(data, "[") && d.isWhole(data) && d.theirs.text("structured_data") == strings.TrimSuffix(found, " ") && d.theirs.text("message") == data[len(found):]
}

// isWhole reports whether our structured data and text make up data together.
func (d difference) isWhole(data string) bool {
	text, found := strings.CutPrefix(data, d.ours.text("structured_data"))
	if d.ours.text("structured_data") != "" {
		text = strings.TrimPrefix(text, " ")
	}
	return found && strings.TrimPrefix(text, "\xEF\xBB\xBF") == d.ours.text("message")
}
