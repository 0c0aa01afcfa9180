// Package timeservice recognises what time services, kernels and devices write about the
// clock of the host that they run on: that it was stepped, is wrong, was set by somebody,
// follows a source or has lost it.
//
// It reads and does not judge. Anybody can write such a line.
package timeservice

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/collector/message"
)

// A phrase is what a program writes. A group named s is by how much the clock was moved or
// is to be, in seconds, positive forward.
type phrase struct {
	literal    string // is in every such message
	expression *regexp.Regexp
	kind       analysis.SayingKind
}

// a phrase without groups is known by its literal.
func plain(kind analysis.SayingKind, literal string) phrase {
	return phrase{literal: literal, kind: kind}
}

func sized(kind analysis.SayingKind, literal, expression string) phrase {
	return phrase{literal: literal, expression: regexp.MustCompile(expression), kind: kind}
}

// programs are those that write about clocks, by their names in lower case.
var programs = map[string][]phrase{
	// chrony 4: reference.c, sources.c, sched.c and main.c.
	"chronyd": {
		sized(analysis.SaidMoved, "System clock was stepped by", `stepped by (?P<s>-?[\d.]+) seconds`),
		sized(analysis.SaidWrong, "System clock wrong by", `wrong by (?P<s>-?[\d.]+) seconds`),
		plain(analysis.SaidMoved, "time jump detected!"),
		plain(analysis.SaidSelected, "Selected source"),
		plain(analysis.SaidLost, "Can't synchronise"),
		plain(analysis.SaidLost, "has no selectable sources"),
		plain(analysis.SaidLeap, "leap second"),
	},
	"ntpd":    ntpd,
	"xntpd":   ntpd, // Junos
	"ntpsec":  ntpd,
	"ntpdate": ntpd,
	"sntp":    ntpd,
	"systemd-timesyncd": {
		plain(analysis.SaidMoved, "System clock time unset or jumped backwards"),
		plain(analysis.SaidMoved, "System time advanced to"),
		plain(analysis.SaidLost, "No network connectivity"),
		plain(analysis.SaidLost, "Timed out waiting for reply"),
		plain(analysis.SaidMoved, "Initial clock synchronization to"),
		plain(analysis.SaidSelected, "ynchronized to time server"),
	},
	"systemd-timedated": {
		plain(analysis.SaidSet, "Changed local time to"),
		plain(analysis.SaidSet, "Changed time zone to"),
	},
	"systemd":          {plain(analysis.SaidMoved, "Time has been changed"), plain(analysis.SaidMoved, "Time jumped backwards")},
	"systemd-resolved": {plain(analysis.SaidMoved, "Clock change detected")},
	"kernel": {
		plain(analysis.SaidLeap, "Clock: inserting leap second"),
		plain(analysis.SaidLeap, "Clock: deleting leap second"),
		plain(analysis.SaidWrong, "clocksource: timekeeping watchdog"),
		plain(analysis.SaidMoved, "rtc_cmos: setting system clock"),
		plain(analysis.SaidMoved, "setting system clock to"),
	},
	"sudo": {
		sized(analysis.SaidSet, "COMMAND=", `COMMAND=\S*(?:/date (?:.* )?(?:-s|--set)|/timedatectl set-time|/hwclock (?:.* )?(?:-s|--hctosys)|/chronyc (?:.* )?(?:makestep|settime))`),
	},
	"date":                           {plain(analysis.SaidSet, "date set by")}, // the BSDs
	"w32time":                        windows,
	"microsoft-windows-time-service": windows,
	"microsoft-windows-kernel-general": {
		plain(analysis.SaidMoved, "The system time has changed to"),
	},
	"microsoft-windows-security-auditing": {plain(analysis.SaidSet, "The system time was changed.")},
}

// ntpd and its kin: ntp 4.2 and ntpsec 1.
var ntpd = []phrase{
	sized(analysis.SaidMoved, "time reset", `time reset (?P<s>[+-]?[\d.]+) ?s`),
	sized(analysis.SaidMoved, "step time server", `offset (?P<s>[+-]?[\d.]+) sec`),
	sized(analysis.SaidMoved, "clock_step", `clock_step (?P<s>[+-]?[\d.]+)`),
	sized(analysis.SaidWrong, "panic_stop", `panic_stop (?P<s>[+-]?[\d.]+)`),
	plain(analysis.SaidMoved, "step_systime"),
	sized(analysis.SaidWrong, "time correction of", `time correction of (?P<s>[+-]?[\d.]+) seconds`),
	plain(analysis.SaidLost, "no servers reachable"),
	plain(analysis.SaidLost, "is Unreachable"),
	plain(analysis.SaidLost, "ynchronization lost"),
	plain(analysis.SaidLost, "no_sys_peer"),
	plain(analysis.SaidSelected, "synchronized to "),
	plain(analysis.SaidSelected, "ync to "),
	plain(analysis.SaidSelected, "clock_sync"),
	plain(analysis.SaidLeap, "leap_armed"),
}

// windows is the Windows Time service: event IDs 35, 37, 22, 24, 29, 36, 47, 50, 52 and 144.
var windows = []phrase{
	plain(analysis.SaidMoved, "The time service has set the time with offset"),
	sized(analysis.SaidWrong, "The time service has detected that the system time needs to be changed by", `changed by (?P<s>[+-]?\d+) seconds`),
	plain(analysis.SaidWrong, "The time service detected a time difference of greater than"),
	plain(analysis.SaidSelected, "is now synchronizing the system time with the time source"),
	plain(analysis.SaidSelected, "is currently receiving valid time data from"),
	plain(analysis.SaidLost, "has not synchronized the system time for"),
	plain(analysis.SaidLost, "has stopped advertising as a good time source"),
	plain(analysis.SaidLost, "none of the sources are currently accessible"),
	plain(analysis.SaidLost, "No valid response has been received from"),
}

// mnemonics are those of Cisco's devices, which stand in the place of the program's name,
// in lower case and without severity.
var mnemonics = []struct {
	name string
	kind analysis.SayingKind
}{
	{"clockupdate", analysis.SaidSet}, // %SYS-6-CLOCKUPDATE
	{"peersync", analysis.SaidSelected},
	{"peerunsync", analysis.SaidLost},
	{"unsync", analysis.SaidLost},
	{"peerunreach", analysis.SaidLost},
	{"peerreach", analysis.SaidSelected},
	{"sync_loss", analysis.SaidLost},
}

// longestName is the length of the longest of programs' names that is looked at.
const longestName = 48

// longestText is how much of a message is kept, in bytes.
const longestText = 160

// Recognise returns what a message says of the clock of the host that sent it, nil for
// nothing. The Saying has no time.
func Recognise(m *message.Message) *analysis.Saying {
	if len(m.AppName) == 0 || len(m.AppName) > longestName {
		return nil
	}
	var folded [longestName]byte
	for i, c := range m.AppName {
		if c-'A' < 26 {
			c += 'a' - 'A'
		}
		folded[i] = c
	}
	name := folded[:len(m.AppName)]
	if name[0] == '%' {
		return device(name, m)
	}
	phrases := programs[string(name)]
	for i := range phrases {
		if p := &phrases[i]; bytes.Contains(m.Text, []byte(p.literal)) {
			return p.read(m)
		}
	}
	if len(phrases) > 0 && len(m.Text) > 0 && m.Text[0] == '%' { // IOS-XR
		mnemonic, _, _ := strings.Cut(strings.ToLower(string(m.Text[:min(len(m.Text), longestName)])), " ")
		return device([]byte(mnemonic), m)
	}
	return nil
}

// device reads a message whose mnemonic is "%facility-severity-name".
func device(mnemonic []byte, m *message.Message) *analysis.Saying {
	facility, name := mnemonic, mnemonic
	if i := bytes.LastIndexByte(mnemonic, '-'); i >= 0 {
		facility, name = mnemonic[:i], mnemonic[i+1:]
	}
	name = bytes.TrimRight(name, ":")
	for _, known := range mnemonics {
		if string(name) == known.name && (bytes.Contains(facility, []byte("ntp")) || bytes.Contains(name, []byte("clock"))) {
			return saying(string(m.AppName), known.kind, m.Text)
		}
	}
	return nil
}

// read reads a message that holds the phrase's literal; nil if it says something else.
func (p *phrase) read(m *message.Message) *analysis.Saying {
	s := saying(strings.ToLower(string(m.AppName)), p.kind, m.Text)
	if p.expression == nil {
		return s
	}
	found := p.expression.FindSubmatch(m.Text)
	if found == nil {
		return nil
	}
	if i := p.expression.SubexpIndex("s"); i >= 0 {
		s.Seconds, _ = strconv.ParseFloat(string(found[i]), 64)
	}
	return s
}

// saying returns one with the beginning of a message as its text.
func saying(service string, kind analysis.SayingKind, text []byte) *analysis.Saying {
	if len(text) > longestText {
		text = text[:longestText]
		for len(text) > 0 && !utf8.RuneStart(text[len(text)-1]) {
			text = text[:len(text)-1]
		}
	}
	return &analysis.Saying{Service: service, Kind: kind, Text: strings.ToValidUTF8(string(bytes.TrimSpace(text)), "\uFFFD")}
}
