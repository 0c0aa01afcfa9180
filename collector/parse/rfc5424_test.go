package parse

import (
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

func TestRFC5424(t *testing.T) {
	const f = message.StampRFC5424
	run(t, []parseTest{
		{"RFC example 1", "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \xEF\xBB\xBF'su root' failed for lonvick on /dev/pts/8", want{
			priority: 34, format: f, civil: "2003-10-11 22:14:15.003", zone: "+00:00", digits: 3,
			host: "mymachine.example.com", app: "su", id: "ID47", text: "'su root' failed for lonvick on /dev/pts/8"}},
		{"RFC example 2", "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.", want{
			priority: 165, format: f, civil: "2003-08-24 05:14:15.000003", zone: "-07:00", digits: 6,
			host: "192.0.2.1", app: "myproc", proc: "8710", text: "%% It's time to make the do-nuts."}},
		{"RFC example 4, no message", `<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 [exampleSDID@32473 iut="3"][examplePriority@32473 class="high"]`, want{
			priority: 165, format: f, civil: "2003-10-11 22:14:15.003", zone: "+00:00", digits: 3, host: "h", app: "evntslog", id: "ID47",
			structured: `[exampleSDID@32473 iut="3"][examplePriority@32473 class="high"]`}},
		{"all nil", "<13>1 - - - - - -", want{priority: 13}},
		{"all nil and a text", "<13>1 - - - - - - hello", want{priority: 13, text: "hello"}},
		{"nil stamp", "<13>1 - web1 su - - - x", want{priority: 13, host: "web1", app: "su", text: "x"}},
		{"unreadable stamp", "<13>1 2003-1x-11T22:14:15Z web1 su 12 ID [a b=\"c\"] x", want{
			priority: 13, format: message.StampInvalid, host: "web1", app: "su", proc: "12", id: "ID", structured: `[a b="c"]`, text: "x"}},
		{"short header", "<13>1 2003-10-11T22:14:15Z web1", want{
			priority: 13, format: f, civil: "2003-10-11 22:14:15", zone: "+00:00", host: "web1"}},
		{"empty field", "<13>1 2003-10-11T22:14:15Z  su - - - x", want{
			priority: 13, format: f, civil: "2003-10-11 22:14:15", zone: "+00:00", app: "su", text: "x"}},
		{"line end of a datagram", "<13>1 2003-10-11T22:14:15Z web1\r\n\x00", want{
			priority: 13, format: f, civil: "2003-10-11 22:14:15", zone: "+00:00", host: "web1"}},
		{"text keeps its spaces", "<13>1 - h a p i -   x  ", want{priority: 13, host: "h", app: "a", proc: "p", id: "i", text: "  x  "}},
		{"text that looks like data", "<13>1 - h a p i - [a] x", want{priority: 13, host: "h", app: "a", proc: "p", id: "i", text: "[a] x"}},
		{"no structured data", "<13>1 - h a p i hello world", want{priority: 13, host: "h", app: "a", proc: "p", id: "i", text: "hello world"}},
		{"text glued to a dash", "<13>1 - h a p i -hello", want{priority: 13, host: "h", app: "a", proc: "p", id: "i", text: "-hello"}},
		{"a space for T ends the field", "<13>1 2003-10-11 22:14:15Z web1 - - - x", want{
			priority: 13, format: message.StampInvalid, host: "22:14:15Z", app: "web1", text: "x"}},
		{"without priority", "1 2003-10-11T22:14:15Z web1 su - - - x", want{
			priority: -1, format: f, civil: "2003-10-11 22:14:15", zone: "+00:00", host: "web1", app: "su", text: "x"}},
	})
}

// Whatever begins with a number is not RFC 5424 for that.
func TestNotRFC5424(t *testing.T) {
	run(t, []parseTest{
		{"NX-OS year", "<190>2018 Apr 20 13:15:07 x", want{
			priority: 190, format: message.StampBSDYear, civil: "2018-04-20 13:15:07", host: "x"}},
		{"Cisco sequence", "<13>101 21: x", want{priority: 13, text: "101 21: x"}},
		{"sequence of one digit", "<13>1 21: x", want{priority: 13, text: "1 21: x"}},
		{"version 2", "<13>2 2003-10-11T22:14:15Z h a p m - x", want{priority: 13, text: "2 2003-10-11T22:14:15Z h a p m - x"}},
		{"no space after the version", "<13>12003-10-11T22:14:15Z x", want{priority: 13, text: "12003-10-11T22:14:15Z x"}},
	})
}

func TestStructuredData(t *testing.T) {
	const text = "x"
	tests := []struct{ name, in, structured, text string }{
		{"id alone", "[a]", "[a]", text},
		{"value", `[a b="c"]`, `[a b="c"]`, text},
		{"empty value", `[a b=""]`, `[a b=""]`, text},
		{"several values", `[a b="c" d="e"]`, `[a b="c" d="e"]`, text},
		{"several elements", `[a b="c"][d][e f="g"]`, `[a b="c"][d][e f="g"]`, text},
		{"escaped quote", `[a b="\"c\""]`, `[a b="\"c\""]`, text},
		{"escaped bracket", `[a b="c\] d"]`, `[a b="c\] d"]`, text},
		{"escaped backslash at the end", `[a b="c\\"]`, `[a b="c\\"]`, text},
		{"backslash before another byte", `[a b="C:\dir"]`, `[a b="C:\dir"]`, text},
		{"bare bracket in quotes", `[a b="c ] d"]`, `[a b="c ] d"]`, text},
		{"space in quotes", `[a b="c d"]`, `[a b="c d"]`, text},
		{"UTF-8 in quotes", `[a b="grün"]`, `[a b="grün"]`, text},

		{"not closed", `[a b="c"`, "", `[a b="c" x`},
		{"value not closed", `[a b="c] x`, "", `[a b="c] x x`},
		{"quote escaped away", `[a b="c\"]`, "", `[a b="c\"] x`},
		{"no id", `[]`, "", `[] x`},
		{"no value", `[a b]`, "", `[a b] x`},
		{"no quotes", `[a b=c]`, "", `[a b=c] x`},
		{"quotes for the equals sign", `[a b""c"]`, "", `[a b""c"] x`},
		{"no space between values", `[a b="c"d="e"]`, "", `[a b="c"d="e"] x`},
		{"space at the end", `[a b="c" ]`, "", `[a b="c" ] x`},
		{"second element broken", `[a b="c"][d e]`, `[a b="c"]`, `[d e] x`},
		{"glued text", `[a b="c"]glued`, `[a b="c"]`, `glued x`},
	}
	for _, tt := range tests {
		var m message.Message
		Parse([]byte("<13>1 - h a p i "+tt.in+" x"), &m)
		if string(m.StructuredData) != tt.structured || string(m.Text) != tt.text {
			t.Errorf("%s: %s: StructuredData = %q, Text = %q, want %q, %q",
				tt.name, tt.in, m.StructuredData, m.Text, tt.structured, tt.text)
		}
	}
}

func TestTimeQuality(t *testing.T) {
	const yes, no, none = message.ClaimedTrue, message.ClaimedFalse, message.NotClaimed
	tests := []struct {
		in   string
		want message.TimeQuality
	}{
		{`[timeQuality tzKnown="1" isSynced="1"]`, message.TimeQuality{TZKnown: yes, IsSynced: yes}},
		{`[timeQuality tzKnown="1" isSynced="0"]`, message.TimeQuality{TZKnown: yes, IsSynced: no}},
		{`[timeQuality tzKnown="0"]`, message.TimeQuality{TZKnown: no}},
		{`[timeQuality isSynced="1" syncAccuracy="60000000"]`, message.TimeQuality{IsSynced: yes, SyncAccuracy: time.Minute}},
		{`[meta sequenceId="1"][timeQuality tzKnown="1"]`, message.TimeQuality{TZKnown: yes}},
		{`[timeQuality tzKnown="0"][timeQuality tzKnown="1" isSynced="1"]`, message.TimeQuality{TZKnown: no}},
		{`[timeQuality][timeQuality tzKnown="1"]`, message.TimeQuality{}},
		{`[timeQuality tzKnown="yes" isSynced="" syncAccuracy="1.5"]`, message.TimeQuality{}},
		{`[timeQuality syncAccuracy="-1"]`, message.TimeQuality{}},
		{`[timeQuality syncAccuracy=""]`, message.TimeQuality{}},
		{`[timeQuality syncAccuracy="99999999999999999999999"]`, message.TimeQuality{}},
		{`[timeQuality syncAccuracy="9223372036854000"]`, message.TimeQuality{SyncAccuracy: 9223372036854000 * time.Microsecond}},
		{`[timeQuality TZKNOWN="1"]`, message.TimeQuality{TZKnown: none}},
		{`[timequality tzKnown="1"]`, message.TimeQuality{}},
		{`[timeQuality@1 tzKnown="1"]`, message.TimeQuality{}},
		{`[timeQualit tzKnown="1"]`, message.TimeQuality{}},
		{`[timeQuality tzKnown2="1" isSynced_="1" syncAccuracy.="5" tzKnow="1"]`, message.TimeQuality{}},
		{`[origin tzKnown="1" isSynced="1"]`, message.TimeQuality{}},
		{`[timeQuality tzKnown="1" isSynced]`, message.TimeQuality{}},
		{`- [timeQuality tzKnown="1"]`, message.TimeQuality{}},
	}
	for _, tt := range tests {
		var m message.Message
		Parse([]byte("<13>1 - h a p i "+tt.in+" x"), &m)
		if m.TimeQuality != tt.want {
			t.Errorf("%s: TimeQuality = %+v, want %+v", tt.in, m.TimeQuality, tt.want)
		}
	}
}
