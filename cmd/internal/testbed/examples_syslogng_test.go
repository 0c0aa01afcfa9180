package testbed

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// syslogNGExamples is where the configurations of syslog-ng stand that users copy.
const syslogNGExamples = "../../../examples/syslog-ng"

func TestSyslogNGExamplesAreValid(t *testing.T) {
	tests := [][]string{
		{"10-udp.conf"},
		{"20-tcp.conf"},
		{"10-udp.conf", "30-quiet-hosts.conf"},
		{"20-tcp.conf", "30-quiet-hosts.conf"},
		{"40-archive.conf"},
	}
	for _, files := range tests {
		config := filepath.Join(t.TempDir(), "syslog-ng.conf")
		text := syslogNGSource("ng1", "/dev/log") + "source s_net { network(port(5514)); };\n"
		for _, file := range files {
			text += syslogNGExample(t, file)
		}
		write(t, config, text)
		output, err := syslogNGCommand(t, "--syntax-only", "--cfgfile", config).CombinedOutput()
		if err != nil {
			t.Errorf("syslog-ng --syntax-only on %v: %v\n%s", files, err, output)
		}
	}
	all, err := filepath.Glob(filepath.Join(syslogNGExamples, "*.conf"))
	for _, path := range all {
		if !slices.ContainsFunc(tests, func(files []string) bool { return slices.Contains(files, filepath.Base(path)) }) {
			t.Errorf("the tests don't know %s", path)
		}
	}
	if err != nil || len(all) == 0 {
		t.Errorf("examples are %v (%v)", all, err)
	}
}

// syslogNGShape is what the examples send of Log, with the stamp in brackets.
var syslogNGShape = regexp.MustCompile(`^(?:counted:)?<14>1 ([\d-]{10}T[\d:]{8}\.\d{6}[+-]\d\d:\d\d) ng1 feed - - \[meta sequenceId="\d+"\] (number \d+)$`)

func TestSyslogNGExamplesSend(t *testing.T) {
	for _, tt := range []struct{ file, transport string }{{"10-udp.conf", "udp"}, {"20-tcp.conf", "tcp"}} {
		t.Run(tt.file, func(t *testing.T) {
			collector := listen(t, tt.transport, "127.0.0.1:0")
			directory := t.TempDir()
			s := startSyslogNGExample(t, directory, syslogNGAdapted(t, directory, tt.file, collector.address))
			logSyslogNGNumbers(t, s, 0, 20)
			for i, a := range collector.await(t, 20) {
				parts := syslogNGShape.FindStringSubmatch(a.text)
				if parts == nil || parts[2] != fmt.Sprint("number ", i) {
					t.Fatalf("message %q, want number %d in the shape %v", a.text, i, syslogNGShape)
				}
				if off := a.at.Sub(instant(t, parts[1])); off < 0 || off > patience {
					t.Errorf("%q is stamped %v ago", a.text, off)
				}
			}
		})
	}
}

func TestSyslogNGExampleTCPWaitsForTheCollector(t *testing.T) {
	const messages = 300
	address, directory := closedPort(t), t.TempDir()
	s := startSyslogNGExample(t, directory, syslogNGAdapted(t, directory, "20-tcp.conf", address))
	logSyslogNGNumbers(t, s, 0, messages)
	listen(t, "tcp", address).awaitNumbers(t, messages)
}

func TestSyslogNGExampleTCPKeepsMessagesOverARestart(t *testing.T) {
	const messages = 300
	address, directory := closedPort(t), t.TempDir()
	taken := filepath.Join(directory, "taken") // what has passed the queue's beginning
	output := syslogNGAdapted(t, directory, "20-tcp.conf", address) +
		fmt.Sprintf("log { source(s_src); destination { file(%q); }; };\n", taken)

	s := startSyslogNGExample(t, directory, output)
	logSyslogNGNumbers(t, s, 0, messages/2)
	await(t, s.process, "the last message", func() bool {
		text, _ := os.ReadFile(taken)
		return strings.HasSuffix(string(text), fmt.Sprintf("number %d\n", messages/2-1))
	})
	s.Stop(t)

	s = startSyslogNGExample(t, directory, output)
	logSyslogNGNumbers(t, s, messages/2, messages)
	listen(t, "tcp", address).awaitNumbers(t, messages)
}

func TestSyslogNGExampleQuietHostsMark(t *testing.T) {
	collector, directory := listen(t, "udp", "127.0.0.1:0"), t.TempDir()
	startSyslogNGExample(t, directory, syslogNGAdapted(t, directory, "10-udp.conf", collector.address)+
		replaced(t, syslogNGExample(t, "30-quiet-hosts.conf"), "mark-freq(60)", "mark-freq(1)"))

	marks := collector.await(t, 3)
	for _, a := range marks[:3] {
		if !strings.HasPrefix(a.text, "<46>1 ") || !strings.HasSuffix(a.text, `] -- MARK --`) {
			t.Errorf("message %q, want a mark", a.text)
		}
	}
	if between := marks[2].at.Sub(marks[0].at); between < time.Second || between > 5*time.Second {
		t.Errorf("three marks took %v, want one each second", between)
	}
}

// A stamp that the C library wrote has no fraction, whatever syslog-ng makes of it, and
// the README says how syslog-ng writes one of its own.
func TestSyslogNGStampsOfTheLibrary(t *testing.T) {
	for source, want := range map[string]*regexp.Regexp{
		`unix-dgram(%q)`:                    regexp.MustCompile(`:\d\d\.000000\+`),
		`unix-dgram(%q keep-timestamp(no))`: regexp.MustCompile(`:\d\d\.(?:\d*[1-9]\d*)\+`),
	} {
		collector, directory := listen(t, "tcp", "127.0.0.1:0"), t.TempDir()
		socket := filepath.Join(directory, "dev-log")
		s := startSyslogNGExample(t, directory, syslogNGAdapted(t, directory, "20-tcp.conf", collector.address)+
			fmt.Sprintf("log { source { "+source+"; }; destination(d_skewatch); };\n", socket))
		await(t, s.process, "its second socket", func() bool { _, err := os.Stat(socket); return err == nil })
		if output, err := Logger(t, "--socket", socket, "-t", "app", "hello").CombinedOutput(); err != nil {
			t.Fatalf("logger: %v\n%s", err, output)
		}
		if got := collector.await(t, 1)[0].text; !want.MatchString(got) {
			t.Errorf("with %s the message is %q, want a stamp like %v", source, got, want)
		}
	}
}

// startSyslogNGExample starts the host ng1 with an example for its output.
func startSyslogNGExample(t *testing.T, directory, output string) *SyslogNG {
	t.Helper()
	return startSyslogNG(t, Host{Name: "ng1"}, directory, output)
}

// syslogNGExample returns the text of one example.
func syslogNGExample(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(syslogNGExamples, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// syslogNGAdapted returns an example with the collector's address in place of the one that
// users replace, and with its queue, if it has one, in the directory and less patient.
func syslogNGAdapted(t *testing.T, directory, file, address string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	text := replaced(t, syslogNGExample(t, file), `"skewatch.example.com"
`, fmt.Sprintf("%q\n", host), "port(514)", "port("+port+")")
	if strings.Contains(text, "disk-buffer") {
		text = replaced(t, text, "time-reopen(5)", "time-reopen(1)", "reliable(no)", fmt.Sprintf("reliable(no) dir(%q)", directory))
	}
	return text
}

func logSyslogNGNumbers(t *testing.T, s *SyslogNG, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := s.Log(feedApp, fmt.Sprint("number ", n)); err != nil {
			t.Fatal(err)
		}
	}
}
